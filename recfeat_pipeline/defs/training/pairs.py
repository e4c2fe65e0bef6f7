"""The pairs of another arm's order that an arm learns from, as they lie in the lake."""

import polars as pl

from recfeat_pipeline.content.slot import ContentUnavailable
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import Arm, pairs_from


def read_pairs(lake: Lake, arm: Arm, seed: int, items: pl.DataFrame) -> pl.DataFrame | None:
    """What the arm learns from: ``user_id, preferred, passed`` (item_index); None: from events.

    Raises:
        ContentUnavailable: it learns from pairs, and there are none.
    """
    orders = pairs_from(arm)
    if orders is None:
        return None
    key = {"arm": orders.id, "seed": str(seed)}
    if not lake.has("augmented_pairs", **key):
        why = (lake.read_note("skipped", arm=arm.id, seed=str(seed)) or {}).get("reason")
        raise ContentUnavailable(
            why
            or f"It learns from the order of {orders.id!r} for training users, and with seed "
            f"{seed} none was asked for: `recfeat run` does, or the asset lake/augmented_pairs."
        )
    index = items.drop_nulls("item_index").select("item_id", "item_index")
    pairs = lake.read("augmented_pairs", **key)
    for name in ("preferred", "passed"):
        of_items = index.rename({"item_id": f"{name}_item_id", "item_index": name})
        pairs = pairs.join(of_items, on=f"{name}_item_id", maintain_order="left")
    return pairs.select("user_id", "preferred", "passed")
