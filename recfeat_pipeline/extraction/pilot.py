"""A pilot: a few items drawn at random say what the rest is worth, and what it costs."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from recfeat_pipeline.extraction.cascade import asked as calls_asked
from recfeat_pipeline.extraction.engine import extract_many, scores
from recfeat_pipeline.extraction.reliability import agreement, calibration, calibration_problems
from recfeat_pipeline.extraction.shards import Note, Progress
from recfeat_pipeline.extraction.types import Backend, Limits, Summary
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.taxonomy import Taxonomy

LONE = 3  # first answers, the fastest of which is a lone call's
QUEUEING = 2.0  # times a lone call's latency: the server works on so many at once and no more


@dataclass(frozen=True)
class Asked:
    """What some items' calls gave and took."""

    summary: Summary  # of all shards together
    rows: pl.DataFrame  # RESPONSES of the calls, bought now or before, as they ended
    scores: pl.DataFrame  # SCORES, empty for a version that asks something else


@dataclass(frozen=True)
class Findings:
    """What a pilot found; None where nothing can be said."""

    calls: int
    valid: int
    asks_per_call: float
    share_zero: float | None  # of the scores
    median_sd: float | None  # over dimensions
    never_vary: int  # dimensions
    tag_r: float | None  # median over dimensions, with the curated tags
    tag_dimensions: int
    retest_r: float | None  # median over dimensions, asked twice
    retest_items: int
    problems: tuple[str, ...]  # with how the scale is used
    tokens_in: float  # of a call
    tokens_out: float
    cached_share: float  # of the tokens in, from the provider's cache
    cost_usd: float | None  # of the pilot
    per_second: float | None  # calls, as the corpus will go
    left: int  # calls of the corpus that are still to be bought
    unsure: float | None = None  # of a cascade's calls, the share that the dear model was asked

    @property
    def rest_usd(self) -> float | None:
        """Dollars of what is left."""
        return None if self.cost_usd is None else self.cost_usd / self.calls * self.left

    @property
    def rest_seconds(self) -> float | None:
        """Seconds of what is left."""
        return self.left / self.per_second if self.per_second else None


def findings(
    asked: Asked,
    again: Asked | None,
    version: PromptVersion,
    tags: pl.DataFrame,
    left: int,
    concurrency: int,
) -> Findings:
    """Judge a pilot.

    Args:
        asked: the pilot's calls.
        again: some of them with another seed.
        version: what was asked.
        tags: TAGS of the catalogue, perhaps none.
        left: calls of the corpus that are still to be bought.
        concurrency: calls in flight, at most, as for the corpus.
    """
    rows, sent, found = asked.rows, asked.summary.sent, asked.scores
    table = calibration(found) if found.height else None
    with_tags = pl.DataFrame(schema={"pearson_r": pl.Float64})
    if found.height and version.taxonomy and tags.height:
        with_tags = tag_agreement(found, version.taxonomy, tags)
    twice = agreement(found, again.scores) if again and again.scores.height else None
    pace = None
    if sent:
        latency = rows.tail(sent)["latency_ms"]
        pace = calls_per_second(latency, asked.summary.seconds, concurrency)
    return Findings(
        calls=rows.height,
        valid=rows.filter(status="ok").height,
        asks_per_call=_mean(rows["attempts"]) or 0.0,
        share_zero=None if table is None else _mean(table["share_zero"]),
        median_sd=None if table is None else _median(table["sd"]),
        never_vary=0 if table is None else table.filter(pl.col("sd") == 0).height,
        tag_r=_median(with_tags["pearson_r"]),
        tag_dimensions=with_tags.height,
        retest_r=None if twice is None else _median(twice["pearson_r"]),
        retest_items=0 if again is None else again.scores["item_id"].n_unique(),
        problems=() if table is None else tuple(calibration_problems(table)),
        tokens_in=_mean(rows["prompt_tokens"]) or 0.0,
        tokens_out=_mean(rows["completion_tokens"]) or 0.0,
        cached_share=float(rows["cached_tokens"].sum())
        / max(float(rows["prompt_tokens"].sum()), 1.0),
        cost_usd=None if rows["cost_usd"].null_count() else float(rows["cost_usd"].sum()),
        per_second=pace,
        left=left,
        unsure=_unsure(rows, version),
    )


def _unsure(rows: pl.DataFrame, version: PromptVersion) -> float | None:
    if version.cascade is None or rows.is_empty():
        return None
    n_cheap = rows.filter(model=version.cascade.model).height / 2  # asked twice
    return (rows.height - 2 * n_cheap) / n_cheap if n_cheap else None


def _mean(values: pl.Series) -> float | None:
    mean = values.drop_nulls().mean()
    return float(mean) if isinstance(mean, int | float) else None


def _median(values: pl.Series) -> float | None:
    median = values.cast(pl.Float64).drop_nulls().drop_nans().median()
    return float(median) if isinstance(median, int | float) else None


def draw(documents: pl.DataFrame, n: int) -> pl.DataFrame:
    """``n`` documents at random, the same ones every time."""
    marks = shard_of(documents["item_id"].cast(pl.String) + "/pilot", 1_000_000)
    order = documents.with_columns(mark=marks.cast(pl.Int64)).sort("mark", "item_id")
    return order.head(n).drop("mark")


def ask(
    lake: Lake,
    documents: pl.DataFrame,
    version: PromptVersion,
    backend: Backend,
    *,
    limits: Limits | None = None,
    progress: Progress | None = None,
    prices: str | Path | None = None,
    note: Note | None = None,
) -> Asked:
    """Ask about some documents (with their column ``shard``); what the ledger holds is taken."""
    by_shard = {
        str(shard): part for (shard,), part in documents.partition_by("shard", as_dict=True).items()
    }
    done = extract_many(
        sorted(by_shard), by_shard.__getitem__, version, lake, backend,
        limits=limits, progress=progress, prices=prices, note=note,
    )  # fmt: skip
    calls = [calls_asked(part, version, backend.model, lake, s) for s, part in by_shard.items()]
    keys = pl.concat(calls)["cache_key"].unique()
    found = [lake.read("responses", shard=shard) for shard in by_shard]
    rows = pl.concat(found, how="vertical_relaxed").filter(
        pl.col("cache_key").is_in(keys.implode())
    )
    newest = rows.sort(pl.col("status") == "ok", "created_at").unique("cache_key", keep="last")
    scored = [
        scores(part, version, lake, shard, backend.model)
        for shard, part in by_shard.items()
        if version.asks == "scores"
    ]
    return Asked(
        summary=sum_of(list(done.values())),
        rows=newest.sort("created_at"),
        scores=pl.concat(scored) if scored else pl.DataFrame(),
    )


def sum_of(summaries: list[Summary]) -> Summary:
    """Several shards' numbers as one; their time is the longest."""
    total = Summary()
    for one in summaries:
        total.include(one)
        total.seconds = max(total.seconds, one.seconds)
    return total


def calls_per_second(latency_ms: pl.Series, seconds: float, concurrency: int) -> float | None:
    """The pace that a whole corpus will go at.

    Where later calls take twice a lone call's time, the server has no more places: it goes on at
    the pace seen. Else as many calls as are allowed will be under way at once.

    Args:
        latency_ms: of each call, as they ended; null for one that gave no answer.
        seconds: that they took together.
        concurrency: calls in flight, at most.
    """
    known = latency_ms.drop_nulls().drop_nans()
    late, lone = _mean(known.tail(max(len(known) // 2, 1))), known.head(LONE).to_list()
    if not late or not seconds:
        return None
    if late > QUEUEING * min(lone) or concurrency == 1:
        return len(known) / seconds
    return concurrency / (late / 1e3)


def tag_agreement(found: pl.DataFrame, taxonomy: Taxonomy, tags: pl.DataFrame) -> pl.DataFrame:
    """How scores follow the curated tags that stand for their dimensions, over the items asked.

    Returns:
        ``dimension, n_items, pearson_r`` of the dimensions that have a tag here and vary.
    """
    pairs = pl.DataFrame(
        [(d.name, tag) for d in taxonomy.dimensions for tag in d.genome_tags],
        schema={"dimension": pl.String, "tag": pl.String},
        orient="row",
    )
    curated = (
        tags.join(pairs, on="tag")
        .group_by("item_id", "dimension")
        .agg(curated=pl.col("relevance").cast(pl.Float64).mean())
    )
    both = found.join(curated, on=["item_id", "dimension"])
    r = pl.corr(pl.col("score").cast(pl.Float64), "curated")
    return (
        both.group_by("dimension")
        .agg(n_items=pl.len(), pearson_r=r)
        .filter(pl.col("pearson_r").is_finite())
        .sort("dimension")
    )
