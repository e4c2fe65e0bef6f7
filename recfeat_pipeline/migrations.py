"""Upgrades of a lake that an older release wrote.

The feature store needs none: it is derived from the lake, so an older one is rebuilt
(:mod:`recfeat_pipeline.store`).
"""

from collections.abc import Callable
from typing import Any

from recfeat_pipeline import lake as layout
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.swap import finish_swaps


def dimensions_by_version(lake: Lake) -> None:
    """The one table of dimensions becomes one per prompt version, beside its scores.

    A lake of format 1 held a single taxonomy, so every version in it scores that.
    """
    old = "catalog/dimensions.parquet"
    if lake.exists(old):
        for folder in lake.glob("scores/version=*"):
            lake.write_bytes(f"{folder}/dimensions.parquet", lake.read_bytes(old))
        lake.delete(old)


def open_lake(root: str) -> Lake:
    """The lake at a root, brought to this release's format, with interrupted swaps finished.

    Raises:
        RecfeatError: it is of a newer format, or older than the oldest step.
    """
    lake = Lake(root)
    if lake.meta["format"] < layout.FORMAT:
        upgrade(lake)
    finish_swaps(lake)
    return lake


STEPS: dict[int, Callable[[Lake], None]] = {1: dimensions_by_version}
"""By format, the step to the next one. A step that was interrupted is begun again, so it must do no
harm the second time: write what is new first, delete what is old last."""


def upgrade(lake: Lake) -> dict[str, Any]:
    """Bring a lake to this release's format, step by step; returns its ``lake.json``.

    The format is written after each step, so an interrupted upgrade continues where it stopped.

    Raises:
        RecfeatError: the lake is older than the oldest step.
    """
    with lake.lease("upgrade"):
        meta = lake.meta  # read again: another process may have done it meanwhile
        while meta["format"] < layout.FORMAT:
            step = STEPS.get(meta["format"])
            if step is None:
                raise RecfeatError(
                    f"The lake {lake.root} has format {meta['format']}, which this release cannot "
                    "upgrade any more. Open it once with an older recfeat_pipeline, or start a new "
                    "lake (RECFEAT_LAKE)."
                )
            step(lake)
            meta = {**lake.meta, "format": meta["format"] + 1}
            lake.write_note("lake", meta)
        return meta
