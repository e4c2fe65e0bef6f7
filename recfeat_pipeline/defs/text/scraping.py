"""One asset per text source: scrape the items of some shards that are due."""

import importlib
import pkgutil

import dagster as dg
import polars as pl

import recfeat_pipeline.text
from recfeat_pipeline.defs.partitions import shards
from recfeat_pipeline.defs.resources import LakeResource, Reporter
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.collect import with_directors
from recfeat_pipeline.text.source import sources


def source_names() -> list[str]:
    """Every text source there is, enabled or not: the lineage does not depend on a key."""
    prefix = f"{recfeat_pipeline.text.__name__}."
    modules = pkgutil.iter_modules(recfeat_pipeline.text.__path__)
    found = [
        m.name
        for m in modules
        if hasattr(importlib.import_module(prefix + m.name), "from_settings")
    ]
    return sorted(found)


def corpus_items(lake: Lake, of_shards: list[str]) -> pl.DataFrame:
    """Corpus items of the shards as text sources take them, with ``shard``."""
    items = lake.read("items").filter("in_corpus")
    items = items.with_columns(shard_of(items["item_id"], lake.n_shards))
    items = items.filter(pl.col("shard").is_in(of_shards))
    return with_directors(items, lake.read("fields"))


def scrape_asset(name: str) -> dg.AssetsDefinition:
    """The asset of one source; it does nothing, and says so, while the source is not enabled."""

    @dg.asset(
        key=["lake", name],
        deps=[["lake", "items"], ["lake", "fields"]],
        group_name="text",
        kinds={name, "parquet"},
        owners=["team:recfeat"],
        pool="tmdb" if name == "tmdb" else "wikimedia",
        partitions_def=shards,
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=dg.RetryPolicy(max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL),
        description=f"Whole answers of {name} as they came, append-only. One row per answer about "
        "an item; only items that are due are asked for.",
    )
    def scrape(
        context: dg.AssetExecutionContext,
        lake: LakeResource,
        reporter: dg.ResourceParam[Reporter],
    ) -> dg.MaterializeResult:
        source = next((s for s in sources(Settings()) if s.name == name), None)
        if source is None:
            return dg.MaterializeResult(metadata={"enabled": False})
        target = lake.open()
        store = source.store(target)
        items = corpus_items(target, list(context.partition_keys))
        with reporter.bar(f"Scraping {name}") as progress:
            summary = source.scrape(items, store, progress=progress)
        context.log.info(str(summary))
        if summary.stopped:
            raise RecfeatError(str(summary))
        return dg.MaterializeResult(
            metadata={
                "enabled": True,
                "items": summary.items,
                "due": dict(summary.due),
                "requests": summary.requests,
                "results": dict(summary.results),
                "reasons": dict(summary.reasons),
                "attribution": source.attribution,
            }
        )

    return scrape
