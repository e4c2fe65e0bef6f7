"""A fingerprint: an item's highest scores, group by group, as the published table prints them."""

import difflib

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.validation import same_title

LEAST = 0.3  # lower scores are not shown
PER_GROUP = 5


def find_item(items: pl.DataFrame, wanted: str) -> dict:
    """The item of an id or a title ("Alien (1979)", "alien"); its row as a dict.

    Raises:
        RecfeatError: none, or several, are meant.
    """
    by_id = items.filter(pl.col("item_id").cast(pl.String) == wanted)
    if by_id.height:
        return by_id.row(0, named=True)
    exact = items.filter(pl.col("title").str.to_lowercase() == wanted.lower())
    if exact.is_empty():
        same = [same_title(wanted, title or "") for title in items["title"]]
        exact = items.filter(pl.Series(same, dtype=pl.Boolean))
    if exact.height == 1:
        return exact.row(0, named=True)
    if exact.is_empty():
        near = difflib.get_close_matches(wanted, items["title"].drop_nulls(), n=1, cutoff=0.8)
        meant = f"did you mean {near[0]!r}?" if near else "give its title as the catalogue has it."
        raise RecfeatError(f"No item is called {wanted!r}, and none has this id; {meant}")
    several = ", ".join(f"{r['title']} [{r['item_id']}]" for r in exact.head(5).to_dicts())
    raise RecfeatError(f"{wanted!r} may be {several}; give the id.")


def fingerprint(
    scores: pl.DataFrame, least: float = LEAST, per_group: int = PER_GROUP
) -> pl.DataFrame:
    """The top dimensions of one item: ``group, dimension, score``, groups in their own order.

    Args:
        scores: SCORES rows of one item, groups in taxonomy order.
        least: the lowest score shown.
        per_group: the most dimensions shown of a group.
    """
    order = {group: i for i, group in enumerate(scores["group"].unique(maintain_order=True))}
    return (
        scores.filter(pl.col("score") >= least - 1e-6)
        .with_columns(order=pl.col("group").replace_strict(order, return_dtype=pl.Int32))
        .sort("order", "score", descending=[False, True], maintain_order=True)
        .group_by("group", maintain_order=True)
        .head(per_group)
        .select("group", "dimension", "score")
    )
