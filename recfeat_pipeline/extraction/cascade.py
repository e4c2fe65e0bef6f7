"""A cascade: a cheap model is asked first, twice, and a dear one where the two answers differ.

Each step is a call of its own in the ledger, with its own model, seed and key. Which answer counts
is worked out from the ledger, so scores say which model gave them, and a cascade that was stopped
goes on. The cheap model's second answer is what a retest would ask, so it tells more than whether
the model is sure.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from recfeat_pipeline.extraction.ledger import answers
from recfeat_pipeline.extraction.reliability import retest_version
from recfeat_pipeline.extraction.requests import keyed
from recfeat_pipeline.extraction.types import LEXICAL
from recfeat_pipeline.extraction.validation import parse
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake

EXPECTED_UNSURE = 0.3  # share of the calls, for estimates, before some were asked


@dataclass(frozen=True)
class Step:
    """What one model is asked; ``where_unsure``: not every call of the version."""

    version: PromptVersion
    model: str
    where_unsure: bool = False


def steps(version: PromptVersion, model: str) -> tuple[Step, ...]:
    """What is asked, in order; one step without a cascade, or without an LLM.

    Args:
        version: perhaps with a cascade.
        model: the dear one, or the only one.
    """
    if version.cascade is None or model == LEXICAL:
        return (Step(version, model),)
    cheap, again = version.cascade.model, retest_version(version)
    return Step(version, cheap), Step(again, cheap), Step(version, model, where_unsure=True)


def main_model(version: PromptVersion, models: Iterable[str]) -> str:
    """Of the models that gave a version's scores the one it was asked of: a cascade's dear one."""
    cheap = version.cascade.model if version.cascade else None
    return next((model for model in sorted(models) if model != cheap), version.model)


def asked(
    documents: pl.DataFrame, version: PromptVersion, model: str, lake: Lake, shard: str
) -> pl.DataFrame:
    """The calls that a version makes of a shard's documents, as far as the ledger tells.

    Returns:
        :func:`keyed`, step after step; of the last step of a cascade those where the cheap model
        is known to be unsure.
    """
    return pl.concat(
        calls_of(step, version, lake, documents, shard) for step in steps(version, model)
    )


def calls_of(
    step: Step, version: PromptVersion, lake: Lake, documents: pl.DataFrame, shard: str
) -> pl.DataFrame:
    """The calls of one step, in the form of :func:`keyed`."""
    calls = keyed(documents, step.version, step.model)
    if not step.where_unsure:
        return calls
    doubted = doubts(documents, version, lake, shard).filter("unsure")
    return calls.join(doubted, on=["row", "group"], how="semi", maintain_order="left")


def counted(
    documents: pl.DataFrame, version: PromptVersion, model: str, lake: Lake, shard: str
) -> pl.DataFrame:
    """The calls whose answers count: one per document × group, in the form of :func:`keyed`.

    In a cascade, the cheap model's first answer where it is sure, else the dear model's.
    """
    *before, last = steps(version, model)
    calls = keyed(documents, last.version, last.model)
    if not before:
        return calls
    first = before[0]
    sure = doubts(documents, version, lake, shard).filter(~pl.col("unsure"))
    cheap = keyed(documents, first.version, first.model)
    return pl.concat(
        [
            calls.join(sure, on=["row", "group"], how="anti", maintain_order="left"),
            cheap.join(sure, on=["row", "group"], how="semi", maintain_order="left"),
        ]
    ).sort("group", "row")


def doubts(documents: pl.DataFrame, version: PromptVersion, lake: Lake, shard: str) -> pl.DataFrame:
    """Where the cheap model of a cascade is unsure: its two answers differ, or one is not valid.

    Returns:
        ``row, group, unsure`` of the calls that it was asked twice.
    """
    assert version.cascade is not None
    first, again, _ = (
        keyed(documents, step.version, step.model) for step in steps(version, version.model)
    )
    pairs = first.join(again.rename({"cache_key": "again"}), on=["row", "group"])
    keys = pl.concat([pairs["cache_key"], pairs["again"]]).unique()
    held = answers(lake, shard, keys).select("cache_key", "response")
    failed = _failed(lake, shard, keys)
    known = pl.concat([held, failed.select("cache_key", response=pl.lit(None, pl.String))])
    known = known.unique("cache_key", keep="first", maintain_order=True)
    both = pairs.join(known, on="cache_key").join(
        known.rename({"cache_key": "again", "response": "other"}), on="again"
    )
    most = version.cascade.unsure_above
    unsure = [
        one is None or two is None or difference(one, two) > most
        for one, two in both.select("response", "other").iter_rows()
    ]
    return both.select("row", "group", unsure=pl.Series(unsure, dtype=pl.Boolean))


def difference(one: str, two: str) -> float:
    """How far two answers differ: the mean over the dimensions that either scores above 0."""
    first, second = parse(one)["scores"], parse(two)["scores"]
    gaps = [abs(first[d] - second[d]) for d in first if first[d] or second[d]]
    return sum(gaps) / len(gaps) if gaps else 0.0


def _failed(lake: Lake, shard: str, keys: pl.Series) -> pl.DataFrame:
    """Keys whose calls ended as failed."""
    wanted = keys.to_frame("cache_key")
    parts: Iterator[pl.DataFrame] = lake.each("responses", ["cache_key", "status"], shard=shard)
    found = [part.filter(status="failed").join(wanted, on="cache_key", how="semi")
             for part in parts]  # fmt: skip
    empty = pl.DataFrame(schema={"cache_key": pl.String})
    return pl.concat([empty, *(part.select("cache_key") for part in found)]).unique()
