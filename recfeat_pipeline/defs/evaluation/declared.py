"""What is said of every arm that may be evaluated: ours by their files, others by their import."""

from dataclasses import asdict

import polars as pl

from recfeat_pipeline.defs.training.imported import imported_arms
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import arms_frame, load_arms
from recfeat_pipeline.schemas import ARMS


def all_arms(lake: Lake) -> pl.DataFrame:
    """:data:`~recfeat_pipeline.schemas.ARMS`, the imported ones last."""
    rows = [{name: asdict(arm).get(name) for name in ARMS} for arm in imported_arms(lake)]
    return pl.concat([arms_frame(), pl.DataFrame(rows, schema=ARMS)])


def declared_pairs(lake: Lake) -> list[tuple[str, str]]:
    """Every (arm, reference) that is to be contrasted."""
    pairs = [(arm.id, other) for arm in load_arms().values() for other in arm.against]
    return pairs + [(arm.arm, other) for arm in imported_arms(lake) for other in arm.against]


def deterministic_arms(lake: Lake) -> list[str]:
    """Arms of which one seed stands for any, of those that were trained.

    Of the others nobody asks, and to know it their families, and with them torch, are imported.
    """
    trained = set(lake.read("runs")["arm"])
    arms = [arm for arm in load_arms().values() if arm.id in trained]
    ours = [arm.id for arm in arms if not arm.is_stochastic]
    return ours + [arm.arm for arm in imported_arms(lake) if not arm.is_stochastic]
