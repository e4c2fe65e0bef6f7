"""A cheap model first, the dear one where the cheap one is unsure."""

import dataclasses
import json

import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import Limits, extract_many, load_version, scores
from recfeat_pipeline.extraction.backends.bought import BoughtBackend
from recfeat_pipeline.extraction.cascade import asked, difference
from recfeat_pipeline.extraction.estimate import estimate
from recfeat_pipeline.extraction.retest import ask_again
from recfeat_pipeline.extraction.spending import Book
from recfeat_pipeline.extraction.types import Answer, Usage
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents, good, write_version

CASCADE = load_version("genome132-cascade")
DEAR, CHEAP = CASCADE.model, CASCADE.cascade.model
N = 12


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def wavering(request, attempt):
    """With another seed the cheap model changes its mind about every third item."""
    answer = json.loads(good(request))
    if request.model == CHEAP and request.item_id % 3 == 0:
        first = next(iter(answer["scores"]))
        answer["scores"] = dict.fromkeys(answer["scores"], 0.0) | {first: 0.2}
        if request.params["seed"] > 1000:
            answer["scores"][first] = 0.9
    return json.dumps(answer)


def run(lake, script=wavering, version=CASCADE, n=N, **limits):
    frame, backend = documents(n), Scripted(script, delay=0.001)
    done = extract_many(["00"], lambda _: frame, version, lake, backend, limits=Limits(8, **limits))
    return done["00"], frame


def test_the_dear_model_is_asked_where_the_cheap_one_is_unsure_and_each_score_says_who(lake):
    summary, frame = run(lake)
    rows = lake.read("responses")
    n_unsure = 6 * N // 3
    by_model = dict(rows.group_by("model").len().iter_rows())
    assert by_model == {CHEAP: 2 * 6 * N, DEAR: n_unsure}
    assert set(rows.filter(model=DEAR)["item_id"]) == {3, 6, 9, 12}
    assert set(rows["version"]) == {CASCADE.key}
    assert (summary.requested, summary.ok) == (12 * N + n_unsure, 12 * N + n_unsure)
    assert summary.cost_usd == pytest.approx(rows["cost_usd"].sum())
    found = scores(frame, CASCADE, lake, "00", DEAR)
    assert found.height == 132 * N
    assert set(found.filter(pl.col("item_id") % 3 == 0)["model"]) == {DEAR}
    assert set(found.filter(pl.col("item_id") % 3 != 0)["model"]) == {CHEAP}
    again, _ = run(lake)
    assert (again.sent, again.cached) == (0, summary.requested)


def test_a_cheap_answer_that_fails_is_a_doubt(lake):
    summary, frame = run(
        lake, lambda r, a: "no" if r.model == CHEAP and r.item_id == 1 else good(r)
    )
    assert (summary.failed, summary.ok) == (12, 12 * (N - 1) + 6)
    found = scores(frame, CASCADE, lake, "00", DEAR)
    assert set(found.filter(item_id=1)["model"]) == {DEAR}


def test_what_a_stopped_cascade_has_not_settled_has_no_score(lake):
    stopped, frame = run(lake, budget_usd=0.006)  # one call of the dear one may cost more
    assert "The budget of $0.01 is reached ($0.00 spent)" in stopped.stopped
    settled = scores(frame, CASCADE, lake, "00", DEAR)
    assert set(settled["item_id"]) == set(range(1, N + 1)) - {3, 6, 9, 12}
    summary, _ = run(lake)
    assert summary.stopped is None
    assert scores(frame, CASCADE, lake, "00", DEAR).height == 132 * N


@pytest.mark.parametrize("usd", [0.004, 0.006, 0.01, 0.02])
def test_a_budget_holds_over_all_steps(lake, usd):
    dearest = Usage(20_000, 0, 1_200)
    script = lambda r, a: Answer(wavering(r, a), usage=dearest if r.model == DEAR else Usage())  # noqa: E731
    summary, _ = run(lake, script, n=12, budget_usd=usd)
    assert summary.stopped
    assert Book(lake).total() <= usd


def test_no_budget_without_a_price_of_both_before_anything_is_paid(lake, tmp_path):
    extra = '[cascade]\nmodel = "nobody-knows"\nunsure_above = 0.1\n'
    version = write_version(tmp_path / "prompts", extra=extra)
    with pytest.raises(RecfeatError, match="no table lists the model 'nobody-knows'"):
        run(lake, version=version, budget_usd=1.0)
    assert lake.read("responses").is_empty()


def test_bought_answers_are_used_without_an_endpoint(lake):
    _, frame = run(lake)
    done = extract_many(["00"], lambda _: frame, CASCADE, lake, BoughtBackend(DEAR))
    assert done["00"].sent == 0


def test_the_estimate_counts_both_models_and_what_is_known(lake):
    guess = estimate(documents(N), CASCADE)
    dear = estimate(documents(N), load_version("genome132-v1"))
    cheap = estimate(documents(N), load_version("genome132-v1"), CHEAP)
    assert guess.model == f"{CHEAP} → {DEAR}"
    assert guess.calls == 2 * 6 * N + int(0.3 * 6 * N)
    assert guess.cost_usd == pytest.approx(2 * cheap.cost_usd + 0.3 * dear.cost_usd, rel=0.05)
    _, frame = run(lake)
    after = estimate(frame.with_columns(shard=pl.lit("00")), CASCADE, lake=lake)
    assert (after.calls, after.to_send, after.cost_usd) == (12 * N + 2 * N, 0, 0)


def test_a_retest_is_a_cascade_of_its_own(lake):
    _, frame = run(lake)
    lake.write("documents", frame, shard="00")
    second, stopped = ask_again(lake, CASCADE, 1.0, Scripted(wavering), limits=Limits(8))
    assert stopped is None
    assert second.height == 132 * N
    seeds = asked(frame, CASCADE, DEAR, lake, "00")
    assert seeds.height == 14 * N


def test_a_version_without_one_keeps_its_key():
    assert load_version("genome132-v1").key == "genome132-v1@84bd1c11"
    other = dataclasses.replace(CASCADE.cascade, unsure_above=0.2)
    assert dataclasses.replace(CASCADE, cascade=other).key != CASCADE.key


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('model = "m"', "sets model and unsure_above"),
        ('model = "m"\nunsure_above = 2', "is not a number from 0 to 1"),
        ('model = ""\nunsure_above = 0.1', "names no model"),
        ('model = "m"\nunsure_above = 0.1\nseeds = 3', "and nothing else"),
    ],
)
def test_a_mistake_in_a_cascade_is_named(tmp_path, given, said):
    with pytest.raises(RecfeatError, match=said):
        write_version(tmp_path, extra=f"[cascade]\n{given}\n")


def test_answers_differ_over_what_either_scores_above_zero():
    one, two = ({"scores": {"a": a, "b": b, "c": 0}} for a, b in ((0.5, 0), (0.3, 0.2)))
    assert difference(json.dumps(one), json.dumps(two)) == pytest.approx(0.2)
    assert difference(json.dumps(one), json.dumps(one)) == 0
