"""Text: raw answers per source, and one document per item from all of them."""

from collections.abc import Iterator

import dagster as dg
import numpy as np
import polars as pl

from recfeat_pipeline.added import drop_listed
from recfeat_pipeline.defs.about import about
from recfeat_pipeline.defs.automation import FOLLOW_TEXT, SWEPT_WEEKLY
from recfeat_pipeline.defs.events import Written, report_partitions
from recfeat_pipeline.defs.partitions import shards
from recfeat_pipeline.defs.resources import LakeResource, Reporter
from recfeat_pipeline.defs.text.days import believe_documents
from recfeat_pipeline.defs.text.scraping import (
    documents_made_of,
    overrides,
    scored_items,
    scrape_asset,
    source_names,
)
from recfeat_pipeline.freshness import frame_hash, stamp
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.collect import collect
from recfeat_pipeline.text.documents import build_documents
from recfeat_pipeline.text.identity.twins import duplicate_texts
from recfeat_pipeline.text.identity.vote import refused
from recfeat_pipeline.text.overrides import excluded_pages, overrides_path, strangers
from recfeat_pipeline.text.sources import sources

THIN_CHARS = 500  # the report calls a shorter document thin


@dg.asset(
    key=["lake", "documents"],
    deps=[["lake", "items"], ["lake", "fields"], *(["lake", name] for name in source_names())],
    kinds={"polars", "parquet"},
    partitions_def=shards,
    backfill_policy=dg.BackfillPolicy.single_run(),
    automation_condition=FOLLOW_TEXT,
    freshness_policy=SWEPT_WEEKLY,
    output_required=False,
    **about("text", "documents"),
    check_specs=[
        dg.AssetCheckSpec(
            "identities_agree",
            asset=["lake", "documents"],
            description="Every source's page is about its item, as far as ids, title, year and "
            "creators tell; one that is not is left out of the document",
        ),
        dg.AssetCheckSpec(
            "texts_are_distinct",
            asset=["lake", "documents"],
            description="No long text stands under two items",
        ),
    ],
)
def documents(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    settings: dg.ResourceParam[Settings],
    reporter: dg.ResourceParam[Reporter],
) -> Iterator[object]:
    """The text that prompts see, with a content hash and the provenance of each field.

    One row per corpus item, in shards of items.
    """
    target = lake.open()
    made_of = documents_made_of(target, list(context.partition_keys))
    items = scored_items(target, list(context.partition_keys))
    enabled = sources(settings)
    said = overrides(target)
    if unknown := strangers(target.read("items"), said):
        where = f"{overrides_path(target)} speaks of items that the catalogue lacks"
        reporter.note(f"{where}: {', '.join(unknown[:5])}. Nothing follows from it.")
    excluded = excluded_pages(items, said)
    collected = collect(items, enabled, target, excluded)
    ours = target.read("fields").join(items.select("item_id"), on="item_id", how="semi")
    fields = pl.concat([ours, collected.fields], how="vertical_relaxed")
    names = [source.name for source in enabled]
    frame = build_documents(items, fields, names).join(
        items.select("item_id", "shard"), on="item_id"
    )
    believed = believe_documents(target, frame, names, settings)
    if not believed:
        stored = target.read("documents").join(items.select("item_id"), on="item_id", how="semi")
        frame = stored.select(frame.columns)  # just these were rejected: yesterday's stay
    identity = collected.identity.join(items.select("item_id", "shard"), on="item_id")
    languages = collected.languages.join(items.select("item_id", "shard"), on="item_id")
    written = {}
    for shard in context.partition_keys:
        target.write("identity", identity.filter(shard=shard).drop("shard"), shard=shard)
        target.write("languages", languages.filter(shard=shard).drop("shard"), shard=shard)
        part = frame.filter(shard=shard).drop("shard")
        target.write("documents", part, shard=shard)
        drop_listed(target, shard, part)
        if believed:
            stamp(target, f"documents-{shard}", made_of[shard])
        counts = {
            "dagster/row_count": part.height,
            "median_chars": float(np.median(part["n_chars"])) if part.height else 0.0,
            "thin_documents": int((part["n_chars"] < THIN_CHARS).sum()),
            "pages_in_doubt": dg.MetadataValue.md(_in_doubt(identity.filter(shard=shard), part)),
        }
        # whole fields, not only the content hash: a prompt version may have longer cuts
        written[shard] = Written([frame_hash(part.sort("item_id"))], counts)
    yield from report_partitions(context, ["lake", "documents"], written)
    twins = duplicate_texts(fields)
    for name, found in (
        ("identities_agree", refused(collected.identity)),
        ("texts_are_distinct", twins),
    ):
        yield dg.AssetCheckResult(
            asset_key=["lake", "documents"],
            check_name=name,
            passed=found.is_empty(),
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"found": found.height, "examples": dg.MetadataValue.md(_table(found))},
        )


def _in_doubt(identity: pl.DataFrame, documents: pl.DataFrame) -> str:
    """The pages whose item is most in doubt, to be looked at; `recfeat text pin` decides."""
    listed = identity.join(documents.select("item_id", item="title"), on="item_id")
    columns = ("item_id", "item", "source", "title", "used", "doubt", "reason")
    return _table(listed.sort("doubt", "item_id", descending=[True, False]).select(columns))


def _table(frame: pl.DataFrame, n_rows: int = 10) -> str:
    """A frame's first rows as Markdown; scraped text is fenced, it may contain anything."""
    with pl.Config(tbl_formatting="ASCII_MARKDOWN", tbl_rows=n_rows, fmt_str_lengths=60):
        return f"```\n{str(frame.head(n_rows)).replace('`', ' ')}\n```"


assets = [*(scrape_asset(name) for name in source_names()), documents]
