"""Words to a taste by a language model: one call that knows the catalogue's terms.

The answer names titles, dimensions and genres; what the catalogue does not have is dropped here, so
that nothing a model makes up reaches a list.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from recfeat_pipeline.ask.shelf import Shelf, title_words
from recfeat_pipeline.ask.taste import Taste
from recfeat_pipeline.rendering import as_documents, clean

VERSION = "ask-v1"


def question(shelf: Shelf, turns: Sequence[str]) -> pl.DataFrame:
    """The document of one call: the catalogue's terms first, the same for all, then the turns."""
    said = pl.Series("said", turns).to_frame().select(clean(pl.col("said")))["said"]
    told = shelf.dimensions.select("dimension", "gloss").iter_rows()
    lines = [
        "Dimensions:",
        *(f"- {name}: {gloss}" for name, gloss in told),
        f"Genres: {', '.join(shelf.genre_names)}",
        "What was said:",
        *(f"{number}. {turn}" for number, turn in enumerate(said, 1)),
    ]
    return as_documents(["\n".join(lines)], shelf.items["item_id"].head(1), "A question")


def taste_of(shelf: Shelf, answered: Mapping[str, Any]) -> Taste:
    """The taste that a valid answer says, as far as the catalogue has its names."""
    genres = {genre.casefold(): genre for genre in shelf.genre_names}
    dimensions = {name: name for name in shelf.dimensions["dimension"]}
    return Taste(
        liked=_rows(shelf, answered["liked"]),
        avoided=_rows(shelf, answered["avoided"]),
        dimensions=_weights(answered["dimensions"], dimensions),
        genres=_weights(answered["genres"], genres),
        first_year=int(answered["first_year"]) or None,
        last_year=int(answered["last_year"]) or None,
        words=tuple(word for word in dict.fromkeys(answered["words"]) if shelf.knows(word)),
        unwanted_words=tuple(dict.fromkeys(answered["unwanted_words"])),
    )


def _rows(shelf: Shelf, names: Iterable[str]) -> tuple[int, ...]:
    """Of titles that the shelf has, whatever their article and year."""
    forms = (form for name in names for form in title_words(name)[:1])
    found = (shelf.titles.get(form) for form in forms)
    return tuple(dict.fromkeys(row for row in found if row is not None))


def _weights(named: Iterable[Mapping[str, Any]], known: Mapping[str, str]) -> dict[str, float]:
    """Weights in [-1, 1] by the names that are known, and 0 is none."""
    found = {
        known[one["name"].casefold()]: max(-1.0, min(1.0, float(one["weight"])))
        for one in named
        if one["name"].casefold() in known
    }
    return {name: weight for name, weight in found.items() if weight}
