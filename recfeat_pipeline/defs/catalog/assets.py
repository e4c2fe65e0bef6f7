"""Catalogue: what the user brought, the corpus it makes, and the examples cut from it."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import dagster as dg
import polars as pl

from recfeat_pipeline.added import keep_left, with_added
from recfeat_pipeline.catalog.corpus import build_corpus
from recfeat_pipeline.catalog.read import read_catalog
from recfeat_pipeline.defs.about import about
from recfeat_pipeline.defs.automation import FOLLOW_INPUTS
from recfeat_pipeline.defs.catalog.checks import (
    CHECKS,
    EXAMPLES_CHECK,
    check_corpus,
    check_examples,
)
from recfeat_pipeline.defs.catalog.days import believe_catalog
from recfeat_pipeline.defs.catalog.stored import (
    asked_catalog,
    load_catalog,
    refuse_other_content,
    refuse_other_split,
    save_catalog,
    source_files,
)
from recfeat_pipeline.defs.resources import LakeResource, Reporter
from recfeat_pipeline.freshness import files_hash, frame_hash, stamp
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.settings import Settings


def _spec(name: str, description: str, deps: tuple[str, ...] = ()) -> dg.AssetSpec:
    return dg.AssetSpec(
        ["lake", name],
        deps=[["lake", dep] for dep in deps],
        description=description,
        kinds={"polars", "parquet"},
        automation_condition=FOLLOW_INPUTS if deps else None,
        **about("catalog", name),
    )


def _written(
    frame: pl.DataFrame, metadata: Mapping[str, Any] | None = None, key: list[str] | None = None
) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        asset_key=key,
        metadata={"dagster/row_count": frame.height, **(metadata or {})},
        data_version=dg.DataVersion(frame_hash(frame)),
    )


@dg.multi_asset(
    name="catalogue",
    specs=[
        _spec("catalog_items", "Items as the catalogue gives them. One row per item."),
        _spec("fields", "The catalogue's own text. One row per item and labelled field, uncut."),
        _spec("interactions", "Ratings or other interactions as read. One row per event."),
        _spec("tags", "Curated tags (the genome, crowd tags). One row per item and tag."),
    ],
)
def catalogue(
    lake: LakeResource,
    settings: dg.ResourceParam[Settings],
    reporter: dg.ResourceParam[Reporter],
) -> Iterator[dg.MaterializeResult]:
    """Read the user's catalogue; everything dropped or repaired is counted and kept as a note."""
    target = lake.open()
    path, split = asked_catalog(target, settings)
    made_of = files_hash(source_files(path))
    with reporter.fetching() as progress:
        catalog = read_catalog(path, split, progress)
    refuse_other_split(target, catalog)
    refuse_other_content(target, catalog)
    believed = believe_catalog(target, catalog, path, settings)
    if not believed:
        catalog = load_catalog(target)  # yesterday's: this one was rejected
    target.open(catalog=path, name=catalog.name)
    if split:
        target.remember(split=split)
    keep_left(target, catalog.items, timedelta(days=settings.left_days))
    frames = save_catalog(target, catalog)
    if believed:
        stamp(target, "catalogue", made_of)
    notes = "\n".join(f"- {note.message}" for note in catalog.notes) or "Nothing was dropped."
    for name, frame in frames.items():
        yield _written(frame, {"notes": dg.MetadataValue.md(notes)}, ["lake", name])


@dg.multi_asset(
    name="corpus",
    specs=[
        _spec(
            "items",
            "Items with popularity, tier and corpus membership. One row per item.",
            ("catalog_items", "interactions"),
        ),
        _spec(
            "events",
            "Interactions of corpus items by eligible users, in each user's pinned order. "
            "One row per event.",
            ("catalog_items", "interactions"),
        ),
    ],
    check_specs=CHECKS,
)
def corpus(lake: LakeResource) -> Iterator[object]:
    """Apply the corpus rules: item and user cut-offs, tiers, split, pinned order."""
    target = lake.open()
    catalog = load_catalog(target)
    built = build_corpus(catalog)
    items = with_added(target, built.items)
    target.write("items", items)
    target.write("events", built.events)
    target.write("scored", built.scored)
    target.write_note("corpus", built.report)
    yield _written(items, built.report, ["lake", "items"])
    yield _written(built.events, built.report, ["lake", "events"])
    yield from check_corpus(built, catalog.source)


@dg.asset(
    key=["lake", "examples"],
    deps=[["lake", "events"]],
    check_specs=[EXAMPLES_CHECK],
    kinds={"polars"},
    automation_condition=FOLLOW_INPUTS,
    **about("catalog", "examples"),
)
def examples(lake: LakeResource) -> Iterator[object]:
    """Rollback examples: up to 20 positions per user and split. One row per example."""
    target = lake.open()
    events = target.read("events")
    frame = build_examples(events)
    target.write("examples", frame)
    counts = dict(frame.group_by("split").len().iter_rows())
    yield _written(frame, counts)
    yield check_examples(events, frame)


assets = [catalogue, corpus, examples]
