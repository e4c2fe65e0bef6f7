"""Batches: handed over, collected a day later, whatever happens in between."""

import json

import polars as pl
import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import Limits, extract, load_version, scores
from recfeat_pipeline.extraction import batches as under_way
from recfeat_pipeline.extraction.backends import batch as batches
from recfeat_pipeline.extraction.backends import batch_collect
from recfeat_pipeline.extraction.backends.batch_api import BatchApi
from recfeat_pipeline.extraction.backends.batch_files import BatchFiles
from recfeat_pipeline.extraction.batches import load_all
from recfeat_pipeline.extraction.dialect import Dialect
from recfeat_pipeline.extraction.requests import build, keyed
from recfeat_pipeline.lake import Lake
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer
from recfeat_pipeline_tests.unit.extraction.cases import Scripted, documents

V1 = load_version("genome132-v1")
KEY = "sk-test-51fd3a0c9b7e42"


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


@pytest.fixture
def server():
    with OpenAIServer(api_key=KEY) as server:
        yield server


def load(shard):
    return documents(3, first=10 * int(shard) + 1)


def submit(lake, transport, shards=("00", "01"), **options):
    return batches.submit(shards, load, V1, lake, transport, **options)


def poll_to_end(lake, transport, **options):
    reports = [batches.poll(lake, transport, **options)]
    while reports[-1].pending:
        assert len(reports) < 20
        reports.append(batches.poll(lake, transport, **options))
    return reports


def all_scores(lake):
    return pl.concat([scores(load(s), V1, lake, s, V1.model) for s in ("00", "01")])


def test_a_batch_is_submitted_once_and_collected_when_it_is_ready(lake, server):
    server.batches.polls_needed = 2
    api = BatchApi(server.base_url, KEY)
    first = submit(lake, api)
    assert (first.requested, first.submitted, first.pending) == (36, 36, 36)
    assert submit(lake, api).submitted == 0  # what is under way is not handed over again
    waiting, done = poll_to_end(lake, api)
    assert (waiting.collected, waiting.pending) == (0, 36)
    assert (done.ok, done.failed, done.touched) == (36, 0, {(V1.key, "00"), (V1.key, "01")})
    assert all_scores(lake).height == 6 * 132
    assert len(server.batches.batches) == 1
    assert submit(lake, api).cached == 36


def test_half_the_online_price(lake, server):
    api = BatchApi(server.base_url, KEY)
    submit(lake, api)
    report = poll_to_end(lake, api)[-1]
    rows = lake.read("responses")
    online = (rows["prompt_tokens"].sum() * 0.40 + rows["completion_tokens"].sum() * 1.60) / 1e6
    cached = rows["cached_tokens"].sum() * 0.30 / 1e6
    assert report.cost_usd == pytest.approx((online - cached) / 2)
    assert set(rows["backend"]) == {"batch"}


def test_missing_broken_and_invalid_entries_go_into_the_next_batch(lake, server):
    asked = set()

    def first_time(custom_id, digits):
        hit = custom_id[0] in digits and custom_id not in asked
        asked.add(custom_id) if hit else None
        return hit

    server.batches.lose = lambda custom_id: first_time(custom_id, "0123")
    server.batches.fail = lambda custom_id: first_time(custom_id, "4567")
    server.fault = lambda call: "nan" if call.group == "tone" and call.times == 1 else None
    api = BatchApi(server.base_url, KEY)
    submit(lake, api)
    reports = poll_to_end(lake, api)
    assert sum(r.ok for r in reports) == 36
    assert sum(r.failed for r in reports) == 0
    assert sum(r.again for r in reports) >= len(asked) + 3
    assert all_scores(lake).height == 6 * 132
    assert max(server.answered.values()) == 1


def test_an_expired_batch_gives_what_it_finished_and_the_rest_is_asked_again(lake, server):
    server.batches.expire_after = 10
    api = BatchApi(server.base_url, KEY)
    submit(lake, api)
    first = batches.poll(lake, api)
    assert (first.ok, first.again) == (10, 26)
    server.batches.expire_after = None
    assert poll_to_end(lake, api)[-1].ok == 26
    assert max(server.answered.values()) == 1


def test_what_stays_invalid_or_missing_becomes_a_failed_row(lake, server):
    server.fault = lambda call: "all_half" if call.group == "tone" else None
    server.batches.lose = lambda custom_id: custom_id.startswith(("0", "1", "2"))
    api = BatchApi(server.base_url, KEY)
    submit(lake, api)
    reports = poll_to_end(lake, api, limits=Limits(reasks=1))
    failed = lake.read("responses").filter(status="failed")
    assert failed.height == sum(r.failed for r in reports) > 6
    assert set(failed["reason"].str.split(":").list.first()) == {"degenerate", "transport"}
    tone = failed.filter(pl.col("reason").str.starts_with("degenerate"))
    assert tone["attempts"].to_list() == [2] * tone.height
    again = batches.submit(
        ("00", "01"), load, V1, lake, api, limits=Limits(retry_failed=True)
    )  # asked again only when told to
    assert submit(lake, api).submitted == 0
    assert again.submitted == failed.height


def test_a_batch_asks_exactly_what_an_online_call_asks(lake, tmp_path):
    """To the byte: the order of names is what the model answers in, and what is cached."""
    transport = BatchFiles(tmp_path / "files")
    submit(lake, transport, shards=["00"])
    (path,) = transport.folder.glob("*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    calls = keyed(load("00"), V1, V1.model)
    online = {r.key: Dialect().body(r) for r in build(load("00"), calls, V1, V1.model)}
    assert {n["custom_id"]: json.dumps(n["body"]) for n in lines} == {
        key: json.dumps(body) for key, body in online.items()
    }


class Crash(Exception):
    pass


@pytest.mark.parametrize("moment", ["files.create", "batches.create", "save", "collect"])
def test_a_crash_at_any_moment_pays_nothing_twice(lake, server, moment, monkeypatch):
    api = BatchApi(server.base_url, KEY)

    def dying(real, times=1):
        left = [times]

        def call(*args, **kwargs):
            out = real(*args, **kwargs)
            left[0] -= 1
            if left[0] >= 0:
                raise Crash
            return out

        return call

    if moment in ("files.create", "batches.create"):
        resource = getattr(api.client, moment.split(".")[0])
        monkeypatch.setattr(resource, "create", dying(resource.create))
    else:
        monkeypatch.setattr(batches, "save", dying(batches.save))
    if moment != "collect":
        with pytest.raises(Crash):
            submit(lake, api)
    else:
        monkeypatch.undo()
        submit(lake, api)
        monkeypatch.setattr(batch_collect, "save", dying(batch_collect.save))
        with pytest.raises(Crash):
            batches.poll(lake, api)
    submit(lake, api)
    poll_to_end(lake, api)
    assert all_scores(lake).height == 6 * 132
    assert len(server.batches.batches) == 1
    assert set(server.answered.values()) == {1}


def test_a_rejected_batch_is_said_and_its_calls_are_free_again(lake, server):
    server.batches.reject = f"Line 3: bad model {KEY}"
    api = BatchApi(server.base_url, KEY)
    submit(lake, api)
    report = batches.poll(lake, api)
    assert "was rejected: Line 3: bad model [API key]" in report.messages[0]
    assert report.pending == 0
    server.batches.reject = None
    assert submit(lake, api).submitted == 36
    assert poll_to_end(lake, api)[-1].ok == 36


def test_a_wrong_key_is_one_sentence_and_the_plan_stays(lake, server):
    with pytest.raises(RecfeatError, match="refuses the API key") as caught:
        submit(lake, BatchApi(server.base_url, "sk-wrong-key-0123456789"))
    assert "sk-wrong" not in str(caught.value)
    api = BatchApi(server.base_url, KEY)
    assert poll_to_end(lake, api)[-1].ok == 36


def test_no_server_is_waited_out(lake):
    with OpenAIServer() as gone:
        pass
    api = BatchApi(gone.base_url, KEY)
    report = submit(lake, api)
    assert "no connection" in report.messages[0]
    assert report.pending == 36


def test_a_budget_cuts_the_plan(lake, server):
    report = submit(lake, BatchApi(server.base_url, KEY), limits=Limits(budget_usd=0.05))
    assert 0 < report.submitted < 36
    assert "The budget ($0.05 left) surely pays for" in report.messages[0]


def test_files_for_a_cluster_without_a_server(lake, tmp_path):
    folder = tmp_path / "files"
    transport = BatchFiles(folder)
    assert submit(lake, transport).submitted == 36
    assert batches.poll(lake, transport).pending == 36
    (path,) = folder.glob("*.jsonl")
    run_batch(path)
    report = batches.poll(lake, transport)
    assert (report.ok, report.pending) == (36, 0)
    assert all_scores(lake).height == 6 * 132


def run_batch(path, keep=lambda n: True):
    """What ``vllm run-batch`` does with a file."""
    server = OpenAIServer(dialect="vllm")
    out = []
    for n, line in enumerate(path.read_text().splitlines()):
        request = json.loads(line)
        assert set(request) == {"custom_id", "method", "url", "body"}
        status, body = server.complete_in_batch(request["body"])
        response = {"status_code": status, "request_id": "r", "body": body}
        entry = {"id": "vllm-1", "custom_id": request["custom_id"], "response": response}
        if keep(n):
            out.append(json.dumps(entry | {"error": None}))
    path.with_suffix(".out.jsonl").write_text("\n".join(out) + '\n{"torn')


def test_an_incomplete_file_waits_until_someone_says_that_it_is_done(lake, tmp_path):
    transport = BatchFiles(tmp_path / "files")
    submit(lake, transport)
    (path,) = transport.folder.glob("*.jsonl")
    run_batch(path, keep=lambda n: n % 2 == 0)
    assert batches.poll(lake, transport).pending == 36
    path.with_suffix(".done").touch()
    report = batches.poll(lake, transport)
    assert (report.ok, report.again, report.pending) == (18, 18, 18)


def test_switching_the_backend_keeps_every_answer(lake, server, tmp_path):
    api = BatchApi(server.base_url, KEY)
    submit(lake, api, shards=["00"])
    poll_to_end(lake, api)
    online = Scripted()
    assert extract(load("00"), V1, lake, "00", online, limits=Limits(4)).cached == 18
    assert extract(load("01"), V1, lake, "01", online, limits=Limits(4)).sent == 18
    assert submit(lake, BatchFiles(tmp_path / "f")).cached == 36


def test_what_is_in_a_batch_is_not_asked_online(lake, server):
    submit(lake, BatchApi(server.base_url, KEY), shards=["00"])
    online = Scripted()
    summary = extract(load("00"), V1, lake, "00", online, limits=Limits(4))
    assert (summary.pending, summary.sent) == (18, 0)
    assert not online.asked


def test_files_stay_within_the_api_limits(lake, tmp_path, monkeypatch):
    monkeypatch.setattr(under_way, "MAX_CALLS", 7)
    submit(lake, BatchFiles(tmp_path / "f"))
    sizes = [len(p.read_text().splitlines()) for p in (tmp_path / "f").glob("*.jsonl")]
    assert sum(sizes) == 36
    assert max(sizes) == 7
    assert all(b.n_calls <= 7 for b in load_all(lake))


def test_a_batch_that_the_endpoint_no_longer_knows_keeps_no_other_from_being_collected(lake):
    with OpenAIServer() as ours, OpenAIServer() as theirs:
        submit(lake, BatchApi(theirs.base_url, None), shards=["00"])
        submit(lake, BatchApi(ours.base_url, None), shards=["01"])
        report = batches.poll(lake, BatchApi(ours.base_url, None))
        lost = next(b for b in load_all(lake) if b.base_url.startswith(theirs.url))
        assert (report.ok, report.pending) == (18, 18)
        assert f"Batch {lost.name} (18 calls) is not known at {ours.url}" in report.messages[0]
        assert f"handed over at {theirs.url}" in report.messages[0]
        assert f"recfeat batches --abandon {lost.name}" in report.messages[0]
        batches.abandon(lake, lost.name)
        assert submit(lake, BatchApi(ours.base_url, None)).submitted == 18
        with pytest.raises(RecfeatError, match="No open batch is called 'x'; there is"):
            batches.abandon(lake, "x")


def test_the_endpoints_own_words_are_kept_per_row(lake, server):
    server.fault = lambda call: "context" if call.group == "tone" else None
    server.batches.polls_needed = 1
    api = BatchApi(server.base_url, KEY)
    submit(lake, api)
    poll_to_end(lake, api)
    failed = lake.read("responses").filter(status="failed")
    assert set(failed["group"]) == {"tone"}
    said = "rejected: HTTP 400: This model's maximum context length is 8192 tokens"
    assert set(failed["reason"]) == {said}


def test_a_lakes_budget_counts_what_batches_may_cost(lake, server):
    from recfeat_pipeline.extraction.spending import Book

    api = BatchApi(server.base_url, KEY)
    first = submit(lake, api, limits=Limits(budget_per_lake=0.05))
    assert 0 < first.submitted < 36
    assert 0 < Book(lake).total() <= 0.05
    report = poll_to_end(lake, api)[-1]
    assert Book(lake).total() == pytest.approx(report.cost_usd)
    more = submit(lake, api, limits=Limits(budget_per_lake=0.05))
    assert more.submitted > 0
