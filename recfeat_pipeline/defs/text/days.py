"""Whether a day's documents may be written: they are held against yesterday's."""

from collections.abc import Sequence

import polars as pl

from recfeat_pipeline.guard import Day, believed_rules, check, rules_of
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.documents import RULES


def believe_documents(
    lake: Lake, frame: pl.DataFrame, sources: Sequence[str], settings: Settings
) -> bool:
    """Hold the corpus's documents, with some shards written anew, against those that are stored.

    Args:
        lake: where yesterday's lie.
        frame: DOCUMENTS with ``shard``, of the items of some shards.
        sources: names of those that are enabled.
        settings: how much a day may bring.

    Returns:
        Whether to write them; False when somebody rejected just these.

    Raises:
        RecfeatError: the day is suspicious.
    """
    corpus = lake.read("items").filter("in_corpus").select("item_id")
    columns = ["item_id", "title", "fields", "shard"]
    stored = lake.read("documents").select(columns).join(corpus, on="item_id", how="semi")
    rest = stored.join(frame.select("item_id"), on="item_id", how="anti")
    after = pl.concat([rest, frame.select(columns)], how="vertical_relaxed")
    rules = rules_of(RULES, *sources)
    before = _day(stored, believed_rules(lake, "documents"))
    return check(lake, "documents", before, _day(after, rules), settings)


def _day(documents: pl.DataFrame, rules: str) -> Day:
    fields = (
        documents.select("item_id", "fields")
        .filter(pl.col("fields").list.len() > 0)
        .explode("fields")
        .unnest("fields")
    )
    return Day(documents, fields, rules)
