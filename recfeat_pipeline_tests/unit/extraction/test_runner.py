"""Why a run ends, and why not: whose fault a refusal is, worthless answers, somebody's wish."""

import dataclasses
import shutil
import threading
from types import SimpleNamespace

import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import Limits, extract, extract_many, load_version, shards
from recfeat_pipeline.extraction.breaker import NONE_OF, WINDOW
from recfeat_pipeline.extraction.ledger import Ledger
from recfeat_pipeline.extraction.suspicion import SAME
from recfeat_pipeline.extraction.types import Answer, ItemError, RejectedError, TransientError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents, good

pytestmark = pytest.mark.usefixtures("quick")
V1 = load_version("genome132-v1")
FAST = Limits(concurrency=8, transport_tries=2)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def run(lake, script, n=20, limits=FAST, **options):
    backend = Scripted(script, delay=0.001)
    return extract(documents(n), V1, lake, "00", backend, limits=limits, **options), backend


def of_items(error, *items):
    return lambda request, attempt: error if request.item_id in items else good(request)


@pytest.mark.parametrize("concurrency", [1, 4, 64])
@pytest.mark.parametrize("item", [1, 7, 20])
@pytest.mark.parametrize(
    "error",
    [
        RejectedError("HTTP 403: your input was flagged", "403"),
        RejectedError("HTTP 400: odd", "400"),
        TransientError("HTTP 500: no luck", billed=True),
        ItemError("rejected: too long"),
    ],
)
def test_one_refused_item_is_six_failed_rows_in_the_servers_words(lake, error, item, concurrency):
    limits = dataclasses.replace(FAST, concurrency=concurrency)
    summary, _ = run(lake, of_items(error, item), limits=limits)
    assert (summary.ok, summary.failed, summary.sent) == (114, 6, summary.requested)
    failed = lake.read("responses").filter(status="failed")
    assert set(failed["item_id"]) == {item}
    assert failed["reason"].str.contains(str(error).removeprefix("rejected: "), literal=True).all()


def test_two_refused_items_at_the_start_do_not_stop_the_corpus(lake):
    summary, _ = run(lake, of_items(RejectedError("no", "403"), 1, 2))
    assert (summary.ok, summary.failed) == (108, 12)


@pytest.mark.parametrize("concurrency", [1, 64])
def test_every_tenth_item_refused_is_those_items_failure(lake, concurrency):
    limits = dataclasses.replace(FAST, concurrency=concurrency)
    refused = range(1, 100, 10)
    summary, _ = run(lake, of_items(RejectedError("no", "403"), *refused), 100, limits)
    assert (summary.ok, summary.failed) == (540, 60)


@pytest.mark.parametrize("concurrency", [1, 64])
@pytest.mark.parametrize("block", [range(1, 81), range(10, 90), range(21, 101)])
@pytest.mark.parametrize(
    "error",
    [
        RejectedError("HTTP 403: your input was flagged", "403"),
        ItemError("rejected: HTTP 400: content policy"),
        Answer(None, finish_reason="content_filter"),
        Answer(None, refusal="No."),
    ],
)
def test_a_long_stretch_of_moderated_items_stops_nobody(lake, error, block, concurrency):
    limits = dataclasses.replace(FAST, concurrency=concurrency)
    summary, backend = run(lake, of_items(error, *block), n=100, limits=limits)
    assert (summary.ok, summary.failed) == (120, 480)
    assert sum(n for key, n in backend.asked.items() if not key) < 20  # harmless documents
    assert "harmless" not in lake.read("responses")["item_id"].cast(pl.String)


def test_a_model_that_refuses_all_but_the_harmless_is_not_paid_for_the_whole_corpus(lake):
    script = of_items(Answer(None, refusal="No."), *range(1, 501))
    with pytest.raises(RecfeatError, match="of the last 30 calls got no valid answer"):
        run(lake, script, n=500, limits=Limits(64))
    assert NONE_OF <= lake.read("responses").height < 2 * NONE_OF  # of 3,000


def test_one_moderated_item_alone_is_a_failed_row(lake):
    summary, _ = run(lake, of_items(RejectedError("flagged", "403"), 1), n=1)
    assert (summary.ok, summary.failed) == (0, 6)


def test_a_setting_that_everyone_is_refused_for_stops_after_three_calls(lake):
    backend = Scripted(lambda r, a: RejectedError("HTTP 400: bad temperature", "400"))
    with pytest.raises(RecfeatError, match="refuses the calls: HTTP 400: bad temperature"):
        extract(documents(50), V1, lake, "00", backend, limits=Limits(64))
    assert backend.asked.total() == SAME + 1  # the last about a harmless document
    assert lake.read("responses").is_empty()  # a wrong setting is no failure of items


def test_a_corpus_of_one_item_that_is_refused_says_so(lake):
    with pytest.raises(RecfeatError, match="refuses the calls: odd"):
        run(lake, lambda r, a: RejectedError("odd"), n=1)
    assert lake.read("responses").is_empty()


def test_rights_that_end_midway_stop_the_run_and_fail_no_item(lake):
    answered = []

    def script(request, attempt):
        answered.append(request.key)
        return good(request) if len(answered) <= 60 else RejectedError("HTTP 403: no", "403")

    with pytest.raises(RecfeatError, match="refuses the calls: HTTP 403: no"):
        run(lake, script, n=50)
    rows = lake.read("responses")
    assert (rows.height, set(rows["status"])) == (60, {"ok"})
    assert len(answered) <= 60 + 8 + 6 * SAME  # of 300


def test_an_outage_fails_no_item(lake):
    answered = []

    def script(request, attempt):
        answered.append(request.key)
        return good(request) if len(answered) <= 60 else TransientError("HTTP 503: busy")

    limits = dataclasses.replace(FAST, give_up_after=2)
    with pytest.raises(RecfeatError, match="HTTP 503: busy"):
        run(lake, script, n=50, limits=limits)
    assert set(lake.read("responses")["status"]) == {"ok"}


def test_of_several_reasons_the_one_that_says_most_is_shown(lake):
    asked = []

    def script(request, attempt):
        asked.append(request.key)
        if len(asked) <= 30:
            return good(request)
        if len(asked) == 45:
            return RecfeatError("The key was revoked.")
        return TransientError("HTTP 500: oh", unreachable=False)

    limits = Limits(concurrency=16, transport_tries=50, give_up_after=1)
    with pytest.raises(RecfeatError, match="The key was revoked"):
        extract(documents(50), V1, lake, "00", Scripted(script, delay=0.05), limits=limits)


def test_worthless_answers_stop_the_run_after_a_few_dozen_calls(lake):
    with pytest.raises(RecfeatError) as caught:
        run(lake, lambda r, a: "The film is great!", n=500, limits=Limits(64))
    said = str(caught.value)
    assert "30 of the last 30 calls got no valid answer" in said
    assert "not_json" in said
    assert "“The film is great!”" in said
    assert "RECFEAT_LLM_RETRY_FAILED=1" in said
    rows = lake.read("responses")
    assert WINDOW <= rows.height <= WINDOW + 2  # each of three asks; paid, so kept


def test_a_group_that_never_works_stops_the_run(lake):
    bad = lambda r, a: "no" if r.question.group == "tone" else good(r)  # noqa: E731
    with pytest.raises(RecfeatError, match="30 of the last 30 calls of group 'tone'"):
        run(lake, bad, n=500)


def test_a_quarter_of_invalid_answers_stops_nobody(lake):
    bad = lambda r, a: "no" if r.item_id % 4 == 0 else good(r)  # noqa: E731
    assert run(lake, bad, n=60)[0].failed == 90


def test_when_told_to_stop_nothing_more_is_sent_and_what_is_in_flight_is_kept(lake):
    stop = threading.Event()

    def script(request, attempt):
        if len(backend.asked) == 40:
            stop.set()
        return good(request)

    backend = Scripted(script, delay=0.05)
    summary = extract(documents(500), V1, lake, "00", backend, limits=Limits(16), stop=stop)
    assert summary.stopped.startswith("Stopped as asked")
    assert 40 <= summary.ok <= 40 + 5 * 16
    assert summary.ok == backend.asked.total() == lake.read("responses").height


def test_a_disk_that_fills_up_stops_the_run_before_an_answer_is_lost(lake, monkeypatch):
    monkeypatch.setattr(shards, "SPACE_EVERY_S", 0.0)
    backend = Scripted(delay=0.005)
    free = lambda place: SimpleNamespace(free=200_000_000 - 2_000_000 * len(backend.asked))  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", free)
    with pytest.raises(RecfeatError, match=r"Only 9\d MB are free at .*, so nothing more is sent"):
        extract(documents(100), V1, lake, "00", backend, limits=Limits(8))
    assert 45 < backend.asked.total() < 80
    assert lake.read("responses").height == backend.asked.total()
    with pytest.raises(RecfeatError, match="nothing more is sent"):
        extract(documents(100), V1, lake, "00", backend, limits=Limits(8))
    assert backend.asked.total() < 80


def test_one_ledger_that_cannot_be_closed_keeps_no_other_from_it(lake, monkeypatch):
    closed = []

    def close(self, *_, close=Ledger.__exit__):
        closed.append(self.shard)
        close(self)
        if self.shard == "00":
            raise RecfeatError("Cannot write the segment of shard 00.")

    ends = lambda r, a: RecfeatError("stop") if r.question.group == "visual" else good(r)  # noqa: E731
    frames = {"00": documents(2), "01": documents(2, first=3)}
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "__exit__", close)
        with pytest.raises(RecfeatError, match="Cannot write the segment"):
            extract_many(["00", "01"], frames.__getitem__, V1, lake, Scripted(ends), limits=FAST)
    assert sorted(closed) == ["00", "01"]
    assert lake.read("responses", shard="00").height > 0
    with Ledger(lake, "01", wait_s=0):  # its lock is free
        pass


def test_who_waits_for_a_server_says_what_it_says(lake):
    notes = []
    busy = TransientError("HTTP 429: You exceeded your current quota", rate_limited=True)
    with pytest.raises(RecfeatError, match="exceeded your current quota"):
        run(lake, lambda r, a: busy, note=notes.append)
    assert notes == [
        "Waiting: the endpoint says “HTTP 429: You exceeded your current quota” again and again. "
        "Ctrl-C ends it."
    ]
