"""Who an item is: text under a wrong name is worse than no text.

A source whose page contradicts the catalogue, or a more trusted source, about year or director is
quarantined for that item, and shown. Identical texts under several items are reported.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl

from recfeat_pipeline.text.clean import fold, plain_title

YEARS_APART = 1  # festival and cinema years differ by one
YEARS_APART_SAME_DIRECTOR = 3  # beyond it, a director remade his own film
MIN_DUPLICATE_CHARS = 80  # shorter texts ("Drama") repeat honestly

QUARANTINE = {
    "item_id": pl.Int64,
    "source": pl.String,
    "reason": pl.String,
    "url": pl.String,
}
"""One row per item × source whose text is not used."""


def years_agree(year: int | None, years: Sequence[int], apart: int = YEARS_APART) -> bool | None:
    """Whether some year is within ``apart``; None when one side is silent."""
    if year is None or not years:
        return None
    return min(abs(year - other) for other in years) <= apart


def directors_agree(ours: Sequence[str], theirs: Sequence[str]) -> bool | None:
    """Whether the two name a common person; None when one side is silent.

    Names agree when their last words do, or when they hold the same words in another order:
    first names are spelt in more ways than families are.
    """
    left, right = _names(ours), _names(theirs)
    if not left or not right:
        return None
    return any(a[-1] == b[-1] or set(a) == set(b) for a in left for b in right)


def contradiction(
    year: int | None, directors: Sequence[str], years: Sequence[int], theirs: Sequence[str]
) -> str | None:
    """Why a page cannot be about the item; None when nothing speaks against it."""
    same = directors_agree(directors, theirs)
    if same is False:
        return f"director: {', '.join(directors)} here, {', '.join(theirs)} there"
    apart = YEARS_APART_SAME_DIRECTOR if same else YEARS_APART
    if years_agree(year, years, apart) is False:
        return f"year: {year} here, {', '.join(map(str, years))} there"
    return None


def is_the_film(
    title: str,
    year: int | None,
    directors: Sequence[str],
    page_title: str,
    years: Sequence[int],
    page_directors: Sequence[str],
) -> bool:
    """Whether a page found by search is the item: same title, and year or director confirm it."""
    if fold(plain_title(title)) != fold(plain_title(page_title)):
        return False
    confirmed = years_agree(year, years) or directors_agree(directors, page_directors)
    return bool(confirmed) and contradiction(year, directors, years, page_directors) is None


def quarantine(items: pl.DataFrame, evidence: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The item × source pairs that contradict what is known better.

    Args:
        items: ``item_id``, ``year`` and, if known, ``directors``.
        evidence: one EVIDENCE frame per source, most trusted first. A source that agrees lends its
            directors and, if the catalogue has none, its year to the check of the next.

    Returns:
        QUARANTINE rows.
    """
    rows: list[dict[str, Any]] = []
    has_directors = "directors" in items.columns
    known = {
        row["item_id"]: (row["year"], list(row["directors"] or []) if has_directors else [])
        for row in items.iter_rows(named=True)
    }
    for frame in evidence:
        for row in frame.iter_rows(named=True):
            if row["item_id"] not in known:
                continue
            year, directors = known[row["item_id"]]
            reason = contradiction(year, directors, row["years"], row["directors"])
            if reason:
                rows.append({name: row.get(name) for name in QUARANTINE} | {"reason": reason})
            else:
                earliest = min(row["years"], default=None)
                known[row["item_id"]] = (year or earliest, directors or row["directors"])
    return pl.DataFrame(rows, schema={**QUARANTINE, "item_id": items.schema["item_id"]})


def without_quarantined(fields: pl.DataFrame, quarantined: pl.DataFrame) -> pl.DataFrame:
    """The FIELDS rows of sources that are not quarantined for their item."""
    return fields.join(quarantined, on=["item_id", "source"], how="anti", maintain_order="left")


def duplicate_texts(fields: pl.DataFrame) -> pl.DataFrame:
    """Long texts that stand under several items: a sign that one of them is not its own.

    Args:
        fields: FIELDS rows.

    Returns:
        ``label, source, item_ids, n_items, excerpt``, most items first.
    """
    return (
        fields.filter(pl.col("text").str.len_chars() >= MIN_DUPLICATE_CHARS)
        .group_by("label", "source", "text")
        .agg(pl.col("item_id").unique().sort().alias("item_ids"))
        .with_columns(pl.col("item_ids").list.len().alias("n_items"))
        .filter(pl.col("n_items") > 1)
        .select(
            "label", "source", "item_ids", "n_items", pl.col("text").str.head(80).alias("excerpt")
        )
        .sort("n_items", "label", "excerpt", descending=[True, False, False])
    )


def _names(people: Sequence[str]) -> list[list[str]]:
    names = (fold(person).split() for person in people)
    return [
        [word for word in name if word not in ("jr", "sr", "ii", "iii")] for name in names if name
    ]
