"""Items that were scored one by one, beside the catalogue: new ones, before it lists them.

An added item stands outside the corpus, so no model ranks it; its document lies in its shard like
any other, so every prompt version that is extracted later scores it too. When the catalogue comes
to list the item, the catalogue's own row and document take over. An item that leaves the catalogue
is kept in the same way, and marked in the table ``left``, until its time is over.
"""

import zlib
from datetime import UTC, datetime, timedelta

import polars as pl

from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.schemas import ITEMS
from recfeat_pipeline.text_schemas import LEFT

ADDED = "added-"  # how the files of added documents begin


def new_item_id(dtype: pl.DataType, tmdb_id: int | None, title: str) -> int | str:
    """An id that no catalogue uses: above 10^12 among integers, prefixed among texts.

    The same TMDB id or title always gives the same one, so that scoring again replaces.
    """
    if dtype == pl.Int64 and tmdb_id is not None:
        return 10**12 + tmdb_id
    if dtype == pl.Int64:
        return 2 * 10**12 + zlib.crc32(title.encode())
    return f"title:{title}" if tmdb_id is None else f"tmdb:{tmdb_id}"


def add_item(lake: Lake, item: pl.DataFrame, document: pl.DataFrame) -> str:
    """Keep an item and its document; returns its shard.

    Args:
        lake: of the catalogue.
        item: one row of those columns of ITEMS that are known, ``item_id`` and ``title`` at least.
        document: its row of DOCUMENTS.
    """
    item_id = item["item_id"][0]
    shard = shard_of([item_id], lake.n_shards)[0]
    known = {name: item[name][0] for name in ITEMS if name in item.columns}
    row = {"genres": [], "n_ratings": 0, "in_corpus": False} | known
    frame = pl.DataFrame([row], schema={**ITEMS, "item_id": item.schema["item_id"]})
    with lake.lease("added"):
        others = lake.read("added").filter(pl.col("item_id").cast(pl.String) != str(item_id))
        lake.write("added", frame if others.is_empty() else pl.concat([others, frame]))
        listed = lake.read("items").join(lake.read("catalog_items"), on="item_id", how="semi")
        lake.write("items", with_added(lake, listed))
        lake.write("documents", document, shard=shard, part=_part(item_id))
    return shard


def with_added(lake: Lake, items: pl.DataFrame) -> pl.DataFrame:
    """A catalogue's ITEMS and, after them, the added ones that it does not list."""
    added = lake.read("added")
    if added.is_empty() or items.is_empty():
        return added if items.is_empty() else items
    if added.schema["item_id"] != items.schema["item_id"]:
        return items  # added before there was a catalogue, whose ids turned out to be text
    return pl.concat([items, added.join(items, on="item_id", how="anti")])


def drop_listed(lake: Lake, shard: str, documents: pl.DataFrame) -> None:
    """Delete a shard's added documents of items that now have one of the catalogue's."""
    listed = set(documents["item_id"].cast(pl.String))
    for path in lake.table_paths("documents", shard=shard, part=f"{ADDED}*"):
        if str(lake.read_parquet(path)["item_id"][0]) in listed:
            lake.delete(path)


def keep_left(
    lake: Lake, items: pl.DataFrame, keep: timedelta, now: datetime | None = None
) -> None:
    """Keep the items that a catalogue lists no longer, as added ones, until their time is over.

    Args:
        lake: holds the catalogue before this one.
        items: the catalogue's items as they are now.
        keep: for how long.
        now: for tests.
    """
    now = now or datetime.now(UTC)
    before = lake.read("catalog_items")
    if before.is_empty() or before.schema["item_id"] != items.schema["item_id"]:
        return
    marked = lake.read("left").join(items, on="item_id", how="anti")
    gone = before.join(items, on="item_id", how="anti")
    if keep and gone.height:
        documents = lake.read("documents").join(gone, on="item_id", how="semi").drop("shard")
        rows = lake.read("items").join(documents, on="item_id", how="semi")
        for item_id in rows["item_id"]:
            document = documents.filter(pl.col("item_id") == item_id).head(1)
            item = rows.filter(pl.col("item_id") == item_id).with_columns(
                in_corpus=False, item_index=pl.lit(None, pl.Int32), tier=pl.lit(None, pl.String)
            )
            add_item(lake, item, document)
        left = rows.select("item_id", left_at=pl.lit(now).cast(LEFT["left_at"]))
        marked = pl.concat([marked, left], how="vertical_relaxed").unique("item_id", keep="first")
    over = marked.filter(pl.col("left_at") <= now - keep)
    if over.height:
        lake.write("added", lake.read("added").join(over, on="item_id", how="anti"))
        for item_id in over["item_id"]:
            lake.drop("documents", shard=shard_of([item_id], lake.n_shards)[0], part=_part(item_id))
    marked = marked.join(over, on="item_id", how="anti").sort("item_id")
    if marked.height:
        lake.write("left", marked)
    else:
        lake.drop("left")


def _part(item_id: int | str) -> str:
    return f"{ADDED}{zlib.crc32(str(item_id).encode()):08x}"
