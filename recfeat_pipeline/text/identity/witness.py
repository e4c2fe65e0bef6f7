"""One witness: how far a page that a source offers agrees with what is known of an item.

Ids, titles, years, creators and the kind of work each add or take away some weight, about the
natural logarithm of how much likelier that agreement is for the right page than for a wrong one
(``python -m bench identity`` counts both). A contradiction weighs more than an agreement: text
under a wrong name is worse than no text.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from recfeat_pipeline.text.identity import people, titles

TITLE = {"same": 5.0, "near": 4.0, "part": -1.0, "sequel": -3.0, "differ": -8.0}
YEAR = {0: 2.0, 1: 1.0, 3: -6.0}  # years apart, at most; festival and cinema years differ by one
YEAR_FAR = -10.0
CREATORS = {"same": 5.0, "family": 2.0, "differ": -7.0}
SAME_IMDB, OTHER_IMDB = 4.0, -10.0
SERIES_OF_WORKS, OTHER_KIND = -10.0, -8.0
PINNED = "pinned"  # by the user, who is believed
FOUND_BY = {"imdb_id": SAME_IMDB, "find": SAME_IMDB, "search": -3.0, PINNED: 1000.0}
FOUND_BY_ANOTHER_ID = 2.0
FOUND_BY |= {"isbn": 3.0, "musicbrainz": 3.0, "page": 3.0}  # enough where nothing else is known

KEPT_ABOVE = 2.0
"""A page is believed when its weights add up to more."""


@dataclass(frozen=True)
class Claims:
    """What somebody says about who an item is; silence is an empty value."""

    titles: Sequence[str] = ()
    years: Sequence[int] = ()
    creators: Sequence[str] = ()  # directors, authors, artists
    imdb_id: str | None = None
    kind: str | None = None  # "film", "series", "franchise", "book", …

    def __or__(self, other: "Claims") -> "Claims":
        """Both together; of years and creators, the first's where it has any."""
        return Claims(
            [*self.titles, *other.titles],
            self.years or other.years,
            self.creators or other.creators,
            self.imdb_id or other.imdb_id,
            self.kind or other.kind,
        )


@dataclass(frozen=True)
class Opinion:
    """The weights of one comparison by what was compared, and in words what speaks against."""

    weights: dict[str, float] = field(default_factory=dict)
    against: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """All weights together."""
        return sum(self.weights.values())

    @property
    def is_for(self) -> bool:
        """Whether it is believed."""
        return self.score > KEPT_ABOVE

    @property
    def doubt(self) -> float:
        """1 for a toss-up, towards 0 the farther the score is from the threshold."""
        return doubt_of(self.score - KEPT_ABOVE)


def doubt_of(margin: float) -> float:
    """1 at a margin of 0, halved about every two units."""
    return 2 / (1 + math.exp(min(abs(margin), 600) / 2))


def weigh(known: Claims, page: Claims, found_by: str | None = None) -> Opinion:
    """How far a page agrees with what is known.

    Args:
        known: the catalogue's claims, or those of pages that are believed already.
        page: the page's claims.
        found_by: how the source came to the page (RAW's ``how_found``); None: not counted.
    """
    weights: dict[str, float] = {}
    against: list[str] = []

    def add(what: str, weight: float, here: object, there: object) -> None:
        weights[what] = weight
        if weight < 0:
            against.append(f"{what}: {here} here, {there} there")

    if known.imdb_id and page.imdb_id:
        same = known.imdb_id == page.imdb_id
        add("IMDb id", SAME_IMDB if same else OTHER_IMDB, known.imdb_id, page.imdb_id)
    elif found_by is not None:
        weights["found by"] = FOUND_BY.get(found_by, FOUND_BY_ANOTHER_ID)
    if found_by == PINNED:
        weights["found by"] = FOUND_BY[PINNED]
    if title := titles.compare(known.titles, page.titles):
        add("title", TITLE[title], _quoted(known.titles), _quoted(page.titles))
    if known.years and page.years:
        gap = min(abs(one - other) for one in known.years for other in page.years)
        weight = next((w for apart, w in YEAR.items() if gap <= apart), YEAR_FAR)
        add("year", weight, _listed(known.years), _listed(page.years))
    if level := people.compare(known.creators, page.creators):
        add("creator", CREATORS[level], _listed(known.creators), _listed(page.creators))
    if page.kind == "franchise":
        add("kind", SERIES_OF_WORKS, known.kind or "one work", "a series of works")
    elif known.kind and page.kind and known.kind != page.kind:
        add("kind", OTHER_KIND, known.kind, page.kind)
    return Opinion(weights, tuple(against))


def contradict(one: Claims, other: Claims) -> str | None:
    """Why two pages that both agree with the catalogue cannot be about one work.

    Titles are left out: each may know the work under another of its names.
    """
    opinion = weigh(_untitled(one), _untitled(other))
    return "; ".join(opinion.against) if opinion.score < -4 else None


def _untitled(claims: Claims) -> Claims:
    return Claims((), claims.years, claims.creators, claims.imdb_id, claims.kind)


def _quoted(names: Sequence[str]) -> str:
    return f'"{names[0]}"'


def _listed(values: Sequence[object]) -> str:
    return ", ".join(map(str, values[:3]))
