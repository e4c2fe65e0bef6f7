"""Entity matching: a vote on which of the pages that the sources offer are about an item.

Every page is weighed against the catalogue. Pages that agree with it and contradict one another
form groups; the group that has the item's IMDb id wins, else the heavier one. A page that
the catalogue alone could not confirm is heard once more beside the pages that won: they may know
the work under its other title. No page is believed for having come first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import polars as pl

from recfeat_pipeline.text.identity.witness import (
    PINNED,
    SAME_IMDB,
    Claims,
    Opinion,
    contradict,
    weigh,
)
from recfeat_pipeline.text_schemas import IDENTITY

UNCONFIRMED = "the catalogue says too little to confirm it"


@dataclass(frozen=True)
class Page:
    """What one source offers for one item."""

    source: str
    claims: Claims
    found_by: str | None = None
    weight: float = 1.0  # of the source as a witness
    url: str | None = None


@dataclass(frozen=True)
class Ballot:
    """What became of one page."""

    page: Page
    opinion: Opinion
    used: bool
    reason: str  # what speaks against it; "" for nothing
    doubt: float  # 1: a toss-up


def vote(
    item: Claims, pages: Sequence[Page], excluded: Mapping[str, str] | None = None
) -> list[Ballot]:
    """Which pages are about the item.

    Args:
        item: the catalogue's claims.
        pages: at most one of a source.
        excluded: url → why the user said that the page is not the item.

    Returns:
        A ballot per page, in their order.
    """
    excluded = excluded or {}
    opinions = [weigh(item, page.claims, page.found_by) for page in pages]
    allowed = [page.url not in excluded for page in pages]
    agreeing = [i for i, o in enumerate(opinions) if o.is_for and allowed[i]]
    winners, lost = _camps(pages, opinions, agreeing)
    pool = item
    for i in sorted(winners, key=lambda i: -opinions[i].score):
        pool |= pages[i].claims
    for i, page in enumerate(pages):
        if i in winners or i in lost or not allowed[i] or not winners:
            continue
        again = weigh(pool, page.claims, page.found_by)
        if again.is_for and not any(contradict(pages[j].claims, page.claims) for j in winners):
            winners.append(i)
            opinions[i] = again
    return [
        Ballot(
            page,
            opinion,
            i in winners,
            excluded.get(page.url or "")
            or lost.get(i)
            or "; ".join(opinion.against)
            or ("" if i in winners else UNCONFIRMED),
            0.0 if not allowed[i] else 1.0 if i in lost else opinion.doubt,
        )
        for i, (page, opinion) in enumerate(zip(pages, opinions, strict=True))
    ]


def _camps(
    pages: Sequence[Page], opinions: Sequence[Opinion], agreeing: Sequence[int]
) -> tuple[list[int], dict[int, str]]:
    """The pages of the winning camp, and of each other page why it lost."""
    against = {
        (i, j): why
        for i, j in combinations(agreeing, 2)
        if not pages[i].found_by == pages[j].found_by == PINNED  # the user said so of both
        and (why := contradict(pages[i].claims, pages[j].claims))
    }
    if not against:
        return list(agreeing), {}

    def rank(camp: Sequence[int]) -> tuple[bool, float]:
        vouched = any(
            pages[i].found_by == PINNED
            or SAME_IMDB
            in (opinions[i].weights.get("IMDb id"), opinions[i].weights.get("found by"))
            for i in camp
        )
        return vouched, sum(opinions[i].score * pages[i].weight for i in camp)

    camps = [
        camp
        for size in range(len(agreeing), 0, -1)
        for camp in combinations(agreeing, size)
        if not any(pair in against for pair in combinations(camp, 2))
    ]
    best = max(camps, key=rank)
    lost = {}
    for i in agreeing:
        if i not in best:
            j, why = next(
                (j, against[min(i, j), max(i, j)])
                for j in best
                if (min(i, j), max(i, j)) in against
            )
            lost[i] = f"contradicts {pages[j].source} ({why})"
    return list(best), lost


def identify(
    items: pl.DataFrame,
    evidence: Sequence[pl.DataFrame],
    weights: Mapping[str, float] | None = None,
    excluded: Mapping[tuple[Any, str], str] | None = None,
) -> pl.DataFrame:
    """The vote on every item that some source has a page for.

    Args:
        items: ``item_id`` and, where known, ``title, year, imdb_id`` and ``creators``.
        evidence: an EVIDENCE frame per source, with ``found_by``.
        weights: of the sources as witnesses; 1 where none is given.
        excluded: (item, url) → why the user said that the page is not the item.

    Returns:
        IDENTITY rows, one per item and source, ordered by item.
    """
    offered: dict[Any, list[Page]] = {}
    for frame in evidence:
        for row in frame.iter_rows(named=True):
            offered.setdefault(row["item_id"], []).append(_page(row, weights or {}))
    known = items.filter(pl.col("item_id").is_in(list(offered))).sort("item_id")
    refused: dict[Any, dict[str, str]] = {}
    for (item_id, url), why in (excluded or {}).items():
        refused.setdefault(item_id, {})[url] = why
    rows = [
        row
        for item in known.iter_rows(named=True)
        for row in _rows(item, offered[item["item_id"]], refused.get(item["item_id"], {}))
    ]
    return pl.DataFrame(rows, schema={**IDENTITY, "item_id": items.schema["item_id"]})


def refused(identity: pl.DataFrame) -> pl.DataFrame:
    """The item × source pairs whose text is not used."""
    return identity.filter(~pl.col("used"))


def _page(row: Mapping[str, Any], weights: Mapping[str, float]) -> Page:
    claims = Claims(
        [title for title in [row.get("title"), *(row.get("other_titles") or [])] if title],
        row.get("years") or [],
        row.get("creators") or [],
        row.get("imdb_id"),
        row.get("kind"),
    )
    source = row["source"]
    found_by = row.get("found_by")
    return Page(source, claims, found_by, weights.get(source, 1.0), row.get("url"))


def _rows(
    item: Mapping[str, Any], pages: Sequence[Page], excluded: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    year = item.get("year")
    own = Claims(
        [item["title"]] if item.get("title") else [],
        [year] if year is not None else [],
        item.get("creators") or [],
        item.get("imdb_id"),
    )
    for ballot in vote(own, pages, excluded):
        page = ballot.page
        yield {
            "item_id": item["item_id"],
            "source": page.source,
            "used": ballot.used,
            "score": ballot.opinion.score,
            "doubt": ballot.doubt,
            "reason": ballot.reason or None,
            "found_by": page.found_by,
            "title": next(iter(page.claims.titles), None),
            "years": list(page.claims.years),
            "creators": list(page.claims.creators),
            "url": page.url,
        }
