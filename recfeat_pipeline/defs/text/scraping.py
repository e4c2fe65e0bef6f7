"""One asset per text source: scrape the items of some shards that are due."""

from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl
from pydantic import Field

from recfeat_pipeline.defs.about import about
from recfeat_pipeline.defs.automation import LOOKED_AT_DAILY, again_later
from recfeat_pipeline.defs.catalog.stored import scored_of
from recfeat_pipeline.defs.deployment import SETTINGS
from recfeat_pipeline.defs.events import Written, report_partitions
from recfeat_pipeline.defs.partitions import shards
from recfeat_pipeline.defs.resources import LakeResource, Reporter
from recfeat_pipeline.freshness import files_hash, frame_hash, joint_hash
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.collect import with_creators, with_ids
from recfeat_pipeline.text.overrides import Override, overrides_path, read_overrides, with_pins
from recfeat_pipeline.text.raw import RawStore
from recfeat_pipeline.text.source import Progress, ScrapeSummary, Source
from recfeat_pipeline.text.sources import source_types, sources

MAX_SHARDS = 64


class ScrapeConfig(dg.Config):
    """Launch options of a scrape."""

    ask_changes: bool = Field(
        False,
        description="First ask the source what changed (TMDB: its change feed; Wikipedia and "
        "Wikidata: the revisions of what is stored, 50 a request), so that changed items are due "
        "at once and not when they expire. The daily schedule does.",
    )


def source_names() -> list[str]:
    """Every text source there is, enabled or not: the lineage does not depend on a key."""
    return sorted(source_types(SETTINGS.sources))


def sources_in_use(settings: Settings, lake: Lake) -> set[str]:
    """Sources that are enabled, or of which answers are stored, which expire whoever is enabled."""
    enabled = {source.name for source in sources(settings)}
    return enabled | {name for name in source_names() if lake.has("raw", source=name)}


def scored_items(lake: Lake, of_shards: Sequence[str] | None = None) -> pl.DataFrame:
    """Items that get features (of some shards) as text sources take them, with ``shard``."""
    items = scored_of(lake)
    items = items.with_columns(shard_of(items["item_id"], lake.n_shards))
    if of_shards is not None:
        items = items.filter(pl.col("shard").is_in(of_shards))
    items = with_ids(with_creators(items, lake.read("fields")), lake.read("item_ids"))
    return with_pins(items, overrides(lake))


def overrides(lake: Lake) -> dict[str, Override]:
    """What the user says about items' pages."""
    return read_overrides(overrides_path(lake), source_types(SETTINGS.sources))


def scrape_asset(name: str) -> dg.AssetsDefinition:
    """The asset of one source; it does nothing, and says so, while the source is not enabled."""

    @dg.asset(
        key=["lake", name],
        deps=[["lake", "items"], ["lake", "fields"]],
        kinds={name, "parquet"},
        pool=source_types(SETTINGS.sources)[name].pool or name,
        partitions_def=shards,
        # One run, yet another policy than the documents': a backfill then gives these a run each.
        backfill_policy=dg.BackfillPolicy.multi_run(MAX_SHARDS),
        freshness_policy=LOOKED_AT_DAILY,
        output_required=False,
        **about("text", "raw", costs="requests"),
        description=f"Whole answers of {name} as they came, append-only. One row per answer about "
        "an item; only items that are due are asked for.",
    )
    def scrape(
        context: dg.AssetExecutionContext,
        config: ScrapeConfig,
        lake: LakeResource,
        settings: dg.ResourceParam[Settings],
        reporter: dg.ResourceParam[Reporter],
    ) -> Iterator[dg.MaterializeResult]:
        target, keys = lake.open(), list(context.partition_keys)
        source = next((s for s in sources(settings) if s.name == name), None)
        if source is None:
            kind = source_types(SETTINGS.sources)[name]
            if kind.keep is not None:
                RawStore(target, name).forget(kind.keep)
            note = f"{name} is not asked: `recfeat doctor` says which setting enables it"
            parts = dict.fromkeys(keys, Written(["not enabled"], {"enabled": False, "note": note}))
        else:
            with again_later(context), reporter.bar(f"Scraping {name}") as progress:
                summaries = ask(source, target, keys, config.ask_changes, progress)
                for summary in summaries:
                    context.log.info(str(summary))
                if stopped := next((s.stopped for s in summaries if s.stopped), None):
                    raise source.given_up(stopped)
            parts = held(source, target, keys)
        yield from report_partitions(context, ["lake", name], parts)

    return scrape


def ask(
    source: Source, lake: Lake, of_shards: list[str], changes_first: bool, progress: Progress
) -> list[ScrapeSummary]:
    """Scrape what is due of some shards; what changed, if asked, is asked of all of them first.

    A summary's ``stopped`` says that the source cannot be used now; what it answered is kept.
    """
    items, store = scored_items(lake), source.store(lake)
    changes = source.ask_changes(items, store, progress=progress) if changes_first else None
    due = items.filter(pl.col("shard").is_in(of_shards))
    summary = source.scrape(due, store, progress=progress)
    return [changes, summary] if changes else [summary]


def held(source: Source, lake: Lake, of_shards: list[str]) -> dict[str, Written]:
    """What the source's store holds by shard; data versions follow statuses and revisions."""
    items = source.keyed(scored_items(lake, of_shards))
    rows = (
        source.store(lake)
        .status(items)
        .join(items.select("item_id", "shard"), on="item_id")
        .select(
            "shard",
            "status",
            row=pl.concat_str("item_id", "status", "revision", separator=" ", ignore_nulls=True),
        )
        .sort("row")
    )
    parts = {}
    for shard in of_shards:
        part = rows.filter(shard=shard)
        statuses = dict(part.group_by("status").len().iter_rows())
        about = {"enabled": True, "attribution": source.attribution}
        parts[shard] = Written(part["row"], {"dagster/row_count": part.height, **statuses, **about})
    return parts


def documents_made_of(lake: Lake, of_shards: Sequence[str]) -> dict[str, str]:
    """What some shards' documents are made of now: items, the catalogue's text, sources' answers.

    A source counts by each item's newest answer, its status and revision; asking again and getting
    the same changes nothing.
    """
    items = scored_items(lake, of_shards).sort("item_id")
    fields = lake.read("fields").sort("item_id", "position", maintain_order=True)
    columns = ["item_id", "key", "fetched_at", "status", "revision"]
    said = files_hash([overrides_path(lake)])
    parts = {}
    for shard in of_shards:
        own = items.filter(shard=shard)
        held = [
            f"{source} {frame_hash(newest)}"
            for source in source_names()
            if (newest := _newest(lake, source, shard, columns, own)) is not None
        ]
        text = fields.join(own.select("item_id"), on="item_id", how="semi", maintain_order="left")
        parts[shard] = joint_hash([frame_hash(own), frame_hash(text), said, *held])
    return parts


def _newest(
    lake: Lake, source: str, shard: str, columns: list[str], items: pl.DataFrame
) -> pl.DataFrame | None:
    frames = list(lake.each("raw", columns, source=source, shard=shard))
    if not frames:
        return None
    newest = (
        pl.concat(frames, how="vertical_relaxed")
        .filter(pl.col("status") != "failed")
        .join(items.select("item_id"), on="item_id", how="semi")
        .sort("item_id", "fetched_at", "key", "revision")
        .unique("item_id", keep="last", maintain_order=True)
    )
    return None if newest.is_empty() else newest.drop("fetched_at")
