"""What an arm is trained on, read from the lake and the feature store."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from recfeat_pipeline.catalog.movielens import read_user_tags
from recfeat_pipeline.catalog.splits import REPORTED_ON
from recfeat_pipeline.extraction.prompts import promoted
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import Arm

QUERIES = {
    "llm": "SELECT item_id, dimension, score FROM features.item_features WHERE version = $version",
    "curated": "SELECT item_id, tag, relevance FROM features.genome",
    # of the profiles that were made last; the promoted version is one of scores
    "profile": "SELECT item_id, vector FROM features.item_profiles WHERE version = "
    "(SELECT version FROM features.item_profiles ORDER BY generated_at DESC, version LIMIT 1)",
}


@dataclass(frozen=True)
class Inputs:
    """Frames of one training run; ``features`` holds those sources that the arm needs."""

    events: pl.DataFrame
    examples: pl.DataFrame
    items: pl.DataFrame
    dimensions: pl.DataFrame  # of the version's taxonomy, or of the promoted version's
    features: dict[str, pl.DataFrame]
    version: str | None  # prompt version of the scores; None: the arm reads none, or there are none
    user_tags: pl.DataFrame | None  # of the rich arms; None where users apply no tags
    report_split: str  # whose examples are ranked


def load_inputs(lake: Lake, store: duckdb.DuckDBPyConnection, arm: Arm) -> Inputs:
    """Read what the arm needs and nothing else."""
    version = feature_version(lake, store, arm)
    features = {}
    for source in QUERIES.keys() & set(arm.content):  # genres are the items' own
        parameters = {"version": version} if "$version" in QUERIES[source] else None
        features[source] = store.sql(QUERIES[source], params=parameters).pl()
    return Inputs(
        events=lake.read("events"),
        examples=lake.read("examples"),
        items=lake.read("items"),
        dimensions=lake.read("dimensions", version=version or promoted(lake)),
        features=features,
        version=version if "llm" in arm.content else None,
        user_tags=_user_tags(lake) if arm.metadata else None,
        report_split=report_split(lake),
    )


def report_split(lake: Lake) -> str:
    """Whose examples are ranked: ``test``, or what the published two-way split reports on."""
    return REPORTED_ON.get(lake.read_note("corpus")["split"], "test")


def _user_tags(lake: Lake) -> pl.DataFrame | None:
    source = Path(lake.read_note("catalog")["source"])
    return read_user_tags(source) if source.is_dir() else None


def feature_version(lake: Lake, store: duckdb.DuckDBPyConnection, arm: Arm) -> str | None:
    """The version key the arm reads: its own, by name, else the promoted one."""
    if arm.prompt_version is None:
        return lake.meta.get("promoted")
    rows = store.execute(
        "SELECT version FROM features.item_features WHERE split_part(version, '@', 1) = $name "
        "ORDER BY generated_at DESC LIMIT 1",
        {"name": arm.prompt_version},
    ).fetchall()
    return rows[0][0] if rows else None
