"""A few items first: which, how good, what the rest costs and takes."""

import dataclasses

import polars as pl
import pytest

from recfeat_pipeline.commands.pilot import lines_of
from recfeat_pipeline.extraction import Limits, load_version
from recfeat_pipeline.extraction.pilot import (
    ask,
    calls_per_second,
    draw,
    findings,
    tag_agreement,
)
from recfeat_pipeline.extraction.reliability import retest_version
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents, good

V1 = load_version("genome132-v1")


def sharded(n):
    frame = documents(n)
    return frame.with_columns(shard=shard_of(frame["item_id"], 4))


def test_the_same_items_are_drawn_every_time_and_more_include_fewer():
    docs = sharded(200)
    few, more = draw(docs, 10)["item_id"], draw(docs.sample(200, shuffle=True), 30)["item_id"]
    assert set(few) < set(more)
    assert len(more) == 30
    assert set(few) != set(range(1, 11))
    assert draw(docs, 1000).height == 200


@pytest.mark.parametrize(
    ("latency", "seconds", "concurrency", "pace"),
    [
        ([200.0] * 40, 2.0, 64, 320.0),  # no queue: all places will be used
        ([1000.0, *(1000.0 * n for n in range(2, 41))], 40.0, 64, 1.0),  # one place
        ([500.0] * 10, 5.0, 1, 2.0),
        ([None, None], 5.0, 64, None),
        ([], 0.0, 64, None),
    ],
)
def test_the_pace_of_a_corpus_is_told_from_a_few_calls(latency, seconds, concurrency, pace):
    series = pl.Series(latency, dtype=pl.Float64)
    assert calls_per_second(series, seconds, concurrency) == pace


def test_a_pilot_says_what_it_found_and_is_paid_once(tmp_path):
    lake, docs = Lake(tmp_path), sharded(60)
    bad = lambda r, a: "no" if r.item_id % 10 == 0 else good(r)  # noqa: E731
    backend = Scripted(bad, delay=0.001)
    drawn = draw(docs, 20)
    n_bad = sum(item % 10 == 0 for item in drawn["item_id"])
    asked = ask(lake, drawn, V1, backend, limits=Limits(8))
    again = ask(lake, drawn.head(5), retest_version(V1), Scripted(), limits=Limits(8))
    found = findings(asked, again, V1, lake.read("tags"), left=240, concurrency=8)
    assert (found.calls, found.valid) == (120, 120 - 6 * n_bad)
    assert found.cost_usd == pytest.approx(asked.summary.cost_usd)
    assert found.rest_usd == pytest.approx(2 * asked.summary.cost_usd)
    assert found.retest_r == pytest.approx(1.0)
    assert 0.6 < found.share_zero < 0.9
    assert found.per_second > 0
    said = "\n".join(lines_of(found))
    assert f"Validity: {120 - 6 * n_bad} of 120 calls answered" in said
    assert "The rest: 240 calls, about $" in said
    before = backend.asked.total()
    assert ask(lake, drawn, V1, backend, limits=Limits(8)).summary.sent == 0
    assert backend.asked.total() == before


def test_tags_are_compared_where_an_item_has_them(tmp_path):
    lake, docs = Lake(tmp_path), sharded(12)
    found = ask(lake, docs, V1, Scripted(), limits=Limits(8)).scores
    tagged = next(d for d in V1.taxonomy.dimensions if d.genome_tags)
    mine = found.filter(dimension=tagged.name).with_row_index()
    wanted = mine.select("item_id", score=(pl.col("index") / 12).cast(pl.Float32))
    changed = found.join(wanted, on="item_id", suffix="_new").with_columns(
        score=pl.when(pl.col("dimension") == tagged.name).then("score_new").otherwise("score")
    )
    tags = wanted.select("item_id", tag=pl.lit(tagged.genome_tags[0]), relevance="score")
    table = tag_agreement(changed, V1.taxonomy, tags)
    assert table["dimension"].to_list() == [tagged.name]
    assert table["n_items"].to_list() == [12]
    assert table["pearson_r"][0] == pytest.approx(1.0)


def test_the_ledger_says_what_the_rest_will_take(tmp_path):
    """Answers of 10 tokens and a millisecond, where a guess says 80 and four seconds."""
    from recfeat_pipeline.extraction.estimate import estimate

    lake, docs = Lake(tmp_path), sharded(60)
    guess = estimate(docs, V1, limits=Limits(1))
    ask(lake, draw(docs, 30), V1, Scripted(), limits=Limits(8))
    known = estimate(docs, V1, lake=lake, limits=Limits(1))
    assert known.to_send == 180
    assert known.completion_tokens == 1800 < guess.completion_tokens / 2
    assert known.hours == pytest.approx(180 * 0.001 / 3600)
    thinking = estimate(docs, V1, "gpt-5-mini")
    extra = thinking.completion_tokens - guess.completion_tokens
    assert extra == 360 * 600
    assert dataclasses.replace(guess, model="x").to_send == 360
