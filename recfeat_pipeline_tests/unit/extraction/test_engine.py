"""Each answer is bought once, kept, and read back."""

import dataclasses

import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import Limits, extract, extract_many, load_version, scores
from recfeat_pipeline.extraction.types import ItemError, TransientError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import RESPONSES, SCORES
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents, good, write_version

V1 = load_version("genome132-v1")
FAST = Limits(concurrency=8)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def run(lake, docs=None, version=V1, script=None, limits=FAST, shard="00", **options):
    backend = Scripted(script)
    docs = documents() if docs is None else docs
    return extract(docs, version, lake, shard, backend, limits=limits, **options), backend


def test_every_group_of_every_item_is_asked_once_and_never_again(lake):
    first, _ = run(lake)
    assert (first.requested, first.sent, first.ok, first.cached) == (18, 18, 18, 0)
    again, backend = run(lake)
    assert (again.sent, again.cached) == (0, 18)
    assert not backend.asked


def test_the_summary_and_the_ledger_agree_on_tokens_and_dollars(lake):
    summary, _ = run(lake)
    rows = lake.read("responses")
    assert rows.drop("shard").schema == pl.Schema(RESPONSES)
    assert summary.usage.prompt == rows["prompt_tokens"].sum() == 1800
    assert summary.cost_usd == pytest.approx(rows["cost_usd"].sum())
    assert summary.cost_usd == pytest.approx(18 * (100 * 0.40 + 10 * 1.60) / 1e6)


def test_scores_come_back_per_item_and_dimension(lake):
    run(lake)
    frame = scores(documents(), V1, lake, "00", "gpt-4.1-mini")
    assert frame.schema == pl.Schema(SCORES)
    assert frame.group_by("item_id").len()["len"].to_list() == [132] * 3
    assert scores(documents(), V1, lake, "00", "another-model").is_empty()


def test_scores_of_nothing_have_the_schema(lake):
    assert scores(documents(), V1, lake, "00", "m").schema == pl.Schema(SCORES)


def test_items_that_change_their_ids_and_shards_are_not_bought_again(lake):
    run(lake, shard="00")
    renamed = documents().with_columns(pl.col("item_id").cast(pl.String) + "x")
    summary, backend = run(lake, renamed, shard="07")
    assert summary.cached == 18
    assert not backend.asked
    assert scores(renamed, V1, lake, "07", "gpt-4.1-mini").height == 3 * 132


def test_a_changed_document_is_bought_again_and_the_others_are_not(lake):
    run(lake)
    docs = pl.concat([documents(2), documents(1, first=3, text="Now it is about something else.")])
    assert run(lake, docs)[0].sent == 6


def test_changing_one_of_six_prompts_buys_that_group_only(lake, tmp_path):
    run(lake)
    changed = write_version(tmp_path / "p", groups__tone="Tone, judged anew.\n{{ dimensions }}")
    summary, _ = run(lake, version=changed)
    assert (summary.cached, summary.sent) == (15, 3)
    assert set(lake.read("responses").filter(version=changed.key)["group"]) == {"tone"}


def test_a_new_label_for_the_same_prompts_buys_nothing(lake, tmp_path):
    run(lake)
    assert run(lake, version=write_version(tmp_path / "p"))[0].sent == 0


def test_the_same_document_under_two_ids_is_asked_once_across_shards(lake, tmp_path):
    version = load_version("genome132-overview-only")  # no title: the texts are equal
    frames = {s: documents(2, first=f, text="The same.") for s, f in (("00", 1), ("01", 5))}
    backend = Scripted(delay=0.01)
    done = extract_many(["00", "01"], frames.__getitem__, version, lake, backend, limits=FAST)
    assert set(backend.asked.values()) == {1}
    assert len(backend.asked) == 6
    assert [done[s].sent for s in ("00", "01")] == [6, 0]
    for shard, frame in frames.items():
        assert scores(frame, version, lake, shard, "gpt-4.1-mini").height == 2 * 132


def test_many_shards_share_one_crowd_of_calls(lake):
    shards = [f"{i:02d}" for i in range(6)]
    backend = Scripted(crowd=16)
    done = extract_many(
        shards, lambda s: documents(2, first=10 * int(s)), V1, lake, backend, limits=Limits(16)
    )
    assert sum(s.ok for s in done.values()) == 72
    assert backend.most_at_once == 16  # a shard has 12 calls
    assert all(len(lake.glob(f"responses/shard={s}/*.parquet")) for s in shards)


def test_an_invalid_answer_is_asked_afresh_with_a_reminder(lake):
    def script(request, attempt):
        return "no JSON" if attempt < 2 else good(request)

    summary, backend = run(lake, documents(1), script=script)
    assert (summary.ok, summary.http_requests) == (6, 18)
    assert lake.read("responses")["attempts"].to_list() == [3] * 6
    assert lake.read("responses")["prompt_tokens"].to_list() == [300] * 6  # every attempt is paid
    assert backend.reminders[0] is None
    assert sum("one JSON object" in r for r in backend.reminders if r) == 12


def test_what_stays_invalid_is_a_failed_row_never_an_answer(lake):
    bad = lambda request, attempt: "no" if request.question.group == "tone" else good(request)  # noqa: E731
    summary, _ = run(lake, script=bad)
    assert (summary.ok, summary.failed, summary.reasons) == (15, 3, {"not_json": 3})
    failed = lake.read("responses").filter(status="failed")
    assert set(failed["group"]) == {"tone"}
    assert failed["reason"].str.starts_with("not_json: ").all()
    assert scores(documents(), V1, lake, "00", "gpt-4.1-mini").height == 3 * (132 - 26)


def test_failures_are_asked_again_only_when_told_to(lake):
    with pytest.raises(RecfeatError, match="18 of the last 18 calls got no valid answer"):
        run(lake, script=lambda request, attempt: "no")
    left, backend = run(lake)
    assert (left.known_failed, left.sent) == (18, 0)
    assert not backend.asked
    again, _ = run(lake, limits=dataclasses.replace(FAST, retry_failed=True))
    assert again.ok == 18
    assert run(lake)[0].cached == 18


def test_a_refusal_is_not_asked_again(lake):
    from recfeat_pipeline.extraction.types import Answer

    summary, _ = run(lake, documents(1), script=lambda r, a: Answer(None, refusal="No."))
    assert (summary.failed, summary.http_requests, summary.reasons) == (6, 6, {"refusal": 6})


def test_one_impossible_item_does_not_stop_the_others(lake):
    def script(request, attempt):
        return ItemError("rejected: too long") if request.item_id == 1 else good(request)

    summary, _ = run(lake, script=script)
    assert (summary.ok, summary.failed) == (12, 6)


def test_a_wrong_key_costs_one_call(lake):
    backend = Scripted(lambda r, a: RecfeatError("The endpoint refuses the API key."))
    with pytest.raises(RecfeatError, match="refuses the API key"):
        extract(documents(50), V1, lake, "00", backend, limits=Limits(64))
    assert sum(backend.asked.values()) == 1


def test_no_server_costs_one_call(lake):
    backend = Scripted(lambda r, a: TransientError("no connection", unreachable=True))
    with pytest.raises(RecfeatError, match="does not answer: no connection"):
        extract(documents(50), V1, lake, "00", backend, limits=Limits(64))
    assert sum(backend.asked.values()) == 1


def test_answers_before_a_stop_are_kept(lake):
    answered = []

    def script(request, attempt):
        answered.append(request.key)
        return good(request) if len(answered) <= 10 else RecfeatError("Key revoked.")

    backend = Scripted(script)
    with pytest.raises(RecfeatError, match="Key revoked"):
        extract(documents(20), V1, lake, "00", backend, limits=Limits(4))
    assert lake.read("responses").height == 10
    assert run(lake, documents(20))[0].cached == 10


def test_a_budget_stops_cleanly_before_it_is_passed(lake):
    limits = dataclasses.replace(FAST, budget_usd=0.03)
    summary, _ = run(lake, documents(2000), limits=limits)
    assert summary.stopped.startswith("The budget of $0.03 is reached")
    assert 0 < summary.cost_usd <= 0.03
    assert summary.cost_usd > 0.03 - 0.02  # less than one call's worst case is left over
    assert summary.ok == summary.sent == lake.read("responses").height
    assert summary.requested == 12_000


def test_a_budget_without_a_price_is_refused(lake):
    with pytest.raises(RecfeatError, match="no table lists the model 'my-own'"):
        extract(
            documents(), V1, lake, "00", Scripted(model="my-own"), limits=Limits(budget_usd=1.0)
        )


def test_a_model_without_a_price_costs_none_not_nothing(lake):
    summary = extract(documents(), V1, lake, "00", Scripted(model="my-own"), limits=FAST)
    assert summary.cost_usd is None
    assert lake.read("responses")["cost_usd"].null_count() == 18


def test_progress_ends_at_the_number_of_calls(lake):
    seen = []
    run(lake, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 18)
    assert seen[-1] == (18, 18)


def test_no_documents_no_calls(lake):
    assert run(lake, documents(3).clear())[0].requested == 0
