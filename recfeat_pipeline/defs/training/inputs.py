"""What an arm is trained on, read from the lake and the feature store."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import duckdb
import polars as pl

from recfeat_pipeline.catalog.movielens import read_user_tags
from recfeat_pipeline.catalog.splits import REPORTED_ON
from recfeat_pipeline.content.fill import fill
from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.content.users import fill_users
from recfeat_pipeline.defs.training.pairs import read_pairs
from recfeat_pipeline.extraction.prompts import arm_version, promoted
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.data import Data


@dataclass(frozen=True)
class Inputs:
    """Of one training run."""

    data: Data
    content: Content  # of the arm's slot
    version: str | None  # prompt version of the scores; None: the arm reads none
    report_split: str  # whose examples are ranked


def load_inputs(
    lake: Lake,
    store: duckdb.DuckDBPyConnection,
    arm: Arm,
    seed: int = 0,
    data: Data | None = None,
) -> Inputs:
    """Read what the arm needs and nothing else.

    Args:
        lake: and
        store: hold it.
        arm: whose slot is filled.
        seed: of its control's draw.
        data: the catalogue, where it is read already.

    Raises:
        ContentUnavailable: the arm's content is not there.
    """
    version = feature_version(lake, store, arm)
    data = data or load_data(lake)
    dimensions = lake.read("dimensions", version=version or promoted(lake))
    content = fill(arm.content, store, data.items, dimensions, version, seed)
    users = fill_users(
        arm.content, store, data.events, data.items, _asked_about(arm, lake, data), seed
    )
    return Inputs(
        data=data,
        content=replace(content, users=users, pairs=read_pairs(lake, arm, seed, data.items)),
        version=version if "llm" in arm.content.sources else None,
        report_split=report_split(lake),
    )


def _asked_about(arm: Arm, lake: Lake, data: Data) -> pl.Series:
    """user_id of whom content must be known: those held out, or those learnt from."""
    if arm.content.users and arm.family.user_content == "asked":
        return data.examples.filter(pl.col("split") == report_split(lake))["user_id"]
    return data.train_events["user_id"]


def load_data(lake: Lake) -> Data:
    """The catalogue as a model family sees it."""
    order = lake.read_note("corpus") or {}
    return Data(
        events=lake.read("events"),
        examples=lake.read("examples"),
        items=lake.read("items"),
        user_tags=partial(user_tags, lake),
        has_positions=order.get("unordered_share", 1.0) < order.get("untimed_share", 0.0),
    )


def report_split(lake: Lake) -> str:
    """Whose examples are ranked: ``test``, or what the published two-way split reports on."""
    return REPORTED_ON.get(lake.read_note("corpus")["split"], "test")


def user_tags(lake: Lake) -> pl.DataFrame | None:
    """How often users applied each tag to each item; None where the catalogue has no such thing."""
    source = Path(lake.read_note("catalog")["source"])
    return read_user_tags(source) if source.is_dir() else None


def feature_version(lake: Lake, store: duckdb.DuckDBPyConnection, arm: Arm) -> str | None:
    """The version key the arm reads: its own, by name, else the promoted one."""
    if arm.content.prompt_version is None:
        return lake.meta.get("promoted")
    rows = store.execute(
        "SELECT version FROM features.item_features WHERE split_part(version, '@', 1) = $name "
        "ORDER BY generated_at DESC LIMIT 1",
        {"name": arm_version(lake, arm.content.prompt_version)},
    ).fetchall()
    return rows[0][0] if rows else None
