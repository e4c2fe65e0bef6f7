"""A taste: what a person asked for, in the catalogue's own terms. Pure data, whoever read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

QUESTION = "What should it be like? Name a mood, a theme, a time, or an item that you liked."
"""Asked back when the words say nothing to rank by."""


@dataclass(frozen=True)
class Taste:
    """What is wanted and what is not. Items are rows of the shelf.

    A weight of a dimension is in [-1, 1]: 1 wants all of it, -1 none.
    """

    liked: tuple[int, ...] = ()
    avoided: tuple[int, ...] = ()
    dimensions: Mapping[str, float] = field(default_factory=dict)
    genres: Mapping[str, float] = field(default_factory=dict)  # 1 wanted, -1 not
    first_year: int | None = None
    last_year: int | None = None
    words: tuple[str, ...] = ()  # wanted, as they were said
    unwanted_words: tuple[str, ...] = ()

    @property
    def says_nothing(self) -> bool:
        """Whether there is nothing to rank by: a question back is due."""
        held = (self.liked, self.dimensions, self.genres, self.words)
        return not any(held) and self.first_year is None and self.last_year is None

    def then(self, later: "Taste") -> "Taste":
        """Both what was said and what is said later; where they contradict, the later word holds.

        New years replace the old ones; what is now wanted is unwanted no longer, and the other way
        round.
        """
        new_years = later.first_year is not None or later.last_year is not None
        return replace(
            self,
            liked=_joined(self.liked, later.liked, without=later.avoided),
            avoided=_joined(self.avoided, later.avoided, without=later.liked),
            dimensions={**self.dimensions, **later.dimensions},
            genres={**self.genres, **later.genres},
            first_year=later.first_year if new_years else self.first_year,
            last_year=later.last_year if new_years else self.last_year,
            words=_joined(self.words, later.words, without=later.unwanted_words),
            unwanted_words=_joined(self.unwanted_words, later.unwanted_words, without=later.words),
        )


def _joined(before: tuple, after: tuple, without: tuple) -> tuple:
    return tuple(dict.fromkeys(one for one in (*before, *after) if one not in without))
