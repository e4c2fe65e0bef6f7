"""Trust in scores, measured."""

from datetime import datetime

import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import Limits, extract, health, load_version, scores
from recfeat_pipeline.extraction.backends.online import OnlineBackend
from recfeat_pipeline.extraction.fingerprint import find_item, fingerprint
from recfeat_pipeline.extraction.health import pair_problems, scale_problems, stored_scores
from recfeat_pipeline.extraction.reliability import (
    agreement,
    calibration,
    calibration_problems,
    drift,
    drift_slope,
    nearest_rank,
    retest_problems,
    retest_version,
    sample,
    similarity_problems,
)
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import SCORES
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.unit.extraction.cases import documents


def table(**dimensions):
    """SCORES rows: one list per dimension, items 1, 2, …"""
    return pl.concat(
        pl.DataFrame(
            {
                "item_id": range(1, len(values) + 1),
                "group": "g",
                "dimension": name,
                "score": pl.Series(values, dtype=pl.Float32),
            }
        )
        for name, values in dimensions.items()
    )


def test_agreement_per_dimension():
    first = table(a=[0.0, 0.5, 1.0], b=[0.2, 0.2, 0.2], c=[0.1, 0.2, 0.3])
    second = table(a=[0.1, 0.5, 0.9], b=[0.2, 0.2, 0.3], c=[0.3, 0.2, 0.1])
    rows = {r["dimension"]: r for r in agreement(first, second).to_dicts()}
    assert rows["a"]["pearson_r"] == pytest.approx(1.0)
    assert rows["a"]["mean_abs_difference"] == pytest.approx(0.2 / 3)
    assert rows["a"]["share_equal"] == pytest.approx(1 / 3)
    assert rows["b"]["pearson_r"] is None
    assert rows["b"]["mean_difference"] == pytest.approx(0.1 / 3)
    assert rows["c"]["pearson_r"] == pytest.approx(-1.0)
    assert rows["a"]["n_items"] == 3


def test_a_shaky_retest_is_said():
    steady, shaky = table(a=[0, 0.5, 1]), table(a=[0.5, 0.4, 0.5])
    assert retest_problems(agreement(steady, steady)) == []
    (problem,) = retest_problems(agreement(steady, shaky))
    assert problem == ("Asked twice, the scores correlate at 0.00 only (median); worst: a.")


def test_only_shared_items_count():
    first, second = table(a=[0, 1, 0.5]), table(a=[0, 1, 0.5]).filter(pl.col("item_id") > 1)
    assert agreement(first, second)["n_items"].to_list() == [2]


def test_drift_to_a_half_by_position():
    names = [f"d{i}" for i in range(10)]
    steady = table(**{n: [0.0, 0.5, 1.0, 0.0] for n in names})
    sliding = table(**{n: [0.5] * i + [0.0] * (10 - i) for i, n in enumerate(names)})
    assert drift_slope(drift(steady, names)) == pytest.approx(0.0)
    assert drift_slope(drift(sliding, names)) == pytest.approx(0.9)
    assert drift(sliding, names)["position"].to_list() == list(range(1, 11))


def test_calibration_names_what_is_wrong():
    good = table(a=[0, 0, 0.8, 0.2], b=[0, 0, 0, 1.0])
    row = calibration(good).filter(dimension="a").to_dicts()[0]
    assert (row["share_zero"], row["share_high"], row["share_half"]) == (0.5, 0.25, 0.0)
    assert calibration_problems(calibration(good)) == []
    hedging = table(a=[0.5, 0.5, 0.5, 0.5], b=[0.5, 0.4, 0.5, 0.0])
    problems = " ".join(calibration_problems(calibration(hedging)))
    assert "a little of everything" in problems
    assert "hedging" in problems
    assert "1 dimensions are never 0: a" in problems
    assert calibration_problems(calibration(good.clear())) == ["There are no scores."]


def test_known_partners_are_nearest():
    n = 40
    a = [1.0, 0.9, *[0.0] * (n - 2)]
    b = [0.0, 0.1, *[1.0] * (n - 2)]
    c = [0.3, 0.3, *[0.1 * (i % 7) for i in range(n - 2)]]
    titles = pl.DataFrame({"item_id": range(1, n + 1), "title": [f"T{i}" for i in range(1, n + 1)]})
    pairs = [("T1", "T2"), ("T1", "T3"), ("T1", "absent")]
    ranks = nearest_rank(table(a=a, b=b, c=c), titles, pairs)
    assert ranks.height == 4
    assert ranks["rank"][0] == ranks["rank"][1] == 1
    assert ranks["rank"][2] > 3
    (problem, *_) = similarity_problems(ranks)
    assert problem.startswith("T3 is only number")


def test_a_retest_is_other_calls_of_the_same_questions(tmp_path):
    version, lake = load_version("genome132-v1"), Lake(tmp_path)
    again = retest_version(version)
    docs = documents(20)
    with OpenAIServer(noise=0.1) as server:
        for v in (version, again, version, again):
            backend = OnlineBackend(v.model, server.base_url, None)
            extract(docs, v, lake, "00", backend, limits=Limits(8))
        assert server.counts["chat"] == 240  # each once, none twice
    first, second = (scores(docs, v, lake, "00", v.model) for v in (version, again))
    found = agreement(first, second)
    r = found["pearson_r"].drop_nulls()
    assert 0.9 < r.median() < 1.0
    assert 0 < found["mean_abs_difference"].max() <= 0.2


def test_the_sample_is_a_stable_share():
    docs = documents(2000).select("item_id")
    chosen = sample(docs, 0.1)
    assert 140 < chosen.height < 260
    assert sample(docs.tail(1000), 0.1).equals(chosen.filter(pl.col("item_id") > 1000))
    assert sample(docs, 1.0).height == 2000


def test_a_fingerprint_is_the_highest_scores_by_group():
    frame = pl.DataFrame(
        {
            "group": ["themes"] * 3 + ["tone"] * 2 + ["visual"],
            "dimension": ["survival", "betrayal", "greed", "dark", "tense", "animated"],
            "score": [1.0, 0.7, 0.2, 0.9, 1.0, 0.0],
        }
    )
    assert fingerprint(frame).rows() == [
        ("themes", "survival", 1.0),
        ("themes", "betrayal", 0.7),
        ("tone", "tense", 1.0),
        ("tone", "dark", 0.9),
    ]
    assert fingerprint(frame, per_group=1)["dimension"].to_list() == ["survival", "tense"]


def test_an_item_is_found_by_id_or_title():
    items = pl.DataFrame(
        {"item_id": [1, 2, 3], "title": ["Alien (1979)", "Heat (1986)", "Heat (1995)"]}
    )
    assert find_item(items, "alien")["item_id"] == 1
    assert find_item(items, "2")["item_id"] == 2
    assert find_item(items, "Heat (1995)")["item_id"] == 3
    with pytest.raises(RecfeatError, match=r"may be Heat \(1986\) \[2\], Heat \(1995\) \[3\]"):
        find_item(items, "Heat")
    with pytest.raises(RecfeatError, match="No item is called 'Aliens'"):
        find_item(items, "Aliens")


@pytest.fixture
def titles():
    names = ["Alien (1979)", "Aliens (1986)", *(f"Film {i}" for i in range(98))]
    return pl.DataFrame({"item_id": range(1, 101), "title": names})


def stored(lake, titles, model, **dimensions):
    frame = table(**dimensions).with_columns(
        cache_key=pl.lit("k"), model=pl.lit(model), generated_at=pl.lit(datetime(2026, 1, 1))
    )
    frame = frame.cast({"generated_at": SCORES["generated_at"], "score": pl.Float32})
    for shard, part in enumerate((frame.filter(item_id=1), frame.filter(pl.col("item_id") > 1))):
        lake.write("scores", part.select(*SCORES), version="v@1", shard=f"0{shard}")
    return stored_scores(lake, "v@1", titles)


def test_stored_scores_of_many_items_are_a_sample_with_the_known_films(
    tmp_path, titles, monkeypatch
):
    lake, flat = Lake(tmp_path), [0.5] * 100
    assert stored_scores(lake, "v@1", titles).is_empty()
    assert stored(lake, titles, "m", a=flat)["item_id"].n_unique() == 100
    monkeypatch.setattr(health, "ENOUGH", 20)
    some = stored(lake, titles, "m", a=flat)["item_id"]
    assert {1, 2} <= set(some)
    assert 10 < some.n_unique() < 40


def test_odd_scores_are_told_and_lexical_ones_are_not_judged(tmp_path, titles):
    lake = Lake(tmp_path)
    far = {"a": [1.0, 0.0, *[0.9] * 98], "b": [0.0, 1.0, *[0.1] * 98]}
    judged = stored(lake, titles, "gpt", **far)
    assert any("a little of everything" in problem for problem in scale_problems(judged))
    assert pair_problems(judged, titles)[0].startswith("Aliens (1986) is only number 99 of 99")
    assert pair_problems(judged, titles.filter(pl.col("item_id") > 2)) == []
    counted = stored(lake, titles, "lexical-v1", **far)
    assert scale_problems(counted) == pair_problems(counted, titles) == []
