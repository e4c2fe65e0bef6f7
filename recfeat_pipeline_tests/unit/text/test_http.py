import asyncio
import logging
import math
from itertools import pairwise
from types import SimpleNamespace

import pytest

from recfeat_pipeline import pacing
from recfeat_pipeline.text import http
from recfeat_pipeline.text.http import (
    Pace,
    PoliteClient,
    RequestFailedError,
    UnavailableError,
)
from recfeat_pipeline.text.parallel import in_parallel
from recfeat_pipeline_tests.servers.loopback import LoopbackServer, Response

PACE = Pace(rate=500, workers=4, attempts=3, timeout=0.6, backoff=0.001, cool_down=0.02)


class Echo(LoopbackServer):
    body: object = {"answer": 42}

    def route(self, request):
        return request.path

    def answer(self, request):
        return Response(self.body)


@pytest.fixture
def server():
    with Echo() as server:
        server.hang = 1.0
        yield server


def ask(server, n=1, pace=PACE, secrets=None, heard=False, **options):
    """The replies to ``n`` requests, one worker per job; ``heard``: of a site that did answer."""

    async def run():
        replies = []
        async with PoliteClient(server.url, pace, "tests/1", secrets=secrets) as client:
            if heard:
                await client.get("/hello", route="hello")

            async def one(_):
                replies.append(await client.get("/x", {"q": 1}, route="x", **options))

            try:
                await in_parallel(range(n), one, pace.workers)
            finally:
                ask.traffic = client.traffic
        return replies

    return asyncio.run(run())


@pytest.mark.parametrize("kind", ["error", "timeout", "drop", "half", "cut", "html"])
def test_what_may_pass_is_asked_again(server, kind):
    server.fail(kind, times=2, route="/x")
    assert ask(server, heard=True)[0].data == {"answer": 42}
    assert server.counts["/x"] == 3
    assert ask.traffic.retries == 2


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("error", "HTTP 500 with text that is not JSON"),
        ("timeout", "no answer within 0.6 s"),
        ("drop", "the connection broke"),
        ("half", "the connection broke"),
        ("cut", "HTTP 200 with text that is not JSON"),
        ("html", "HTTP 200 with HTML"),
        ("redirect_loop", "redirects more than 3 times"),
        ("redirect_away", "redirects to another site"),
    ],
)
def test_what_does_not_pass_fails_with_its_reason(server, kind, reason):
    server.fail(kind, times=math.inf, route="/x")
    with pytest.raises(RequestFailedError, match=reason):
        ask(server, heard=True)
    assert server.counts["/x"] == PACE.attempts * (1 if kind != "redirect_loop" else 4)


@pytest.mark.parametrize(
    ("kind", "requests", "trouble"),
    [
        ("redirect_away", 1, "redirects to another site"),
        ("timeout", 2, "gave no answer within 0.6 s, twice"),
    ],
)
def test_a_site_that_never_answered_is_given_up_at_the_first_request(
    server, kind, requests, trouble
):
    server.fail(kind, times=math.inf)
    with pytest.raises(UnavailableError, match=trouble):
        ask(server)
    assert server.counts["/x"] == requests


def test_a_page_in_place_of_an_api_is_given_up_at_once_an_api_s_404_is_not(server):
    server.answer = lambda request: Response("<html>Not Found</html>", 404)
    with pytest.raises(UnavailableError, match="HTTP 404 with HTML"):
        ask(server)
    server.answer = lambda request: Response({"status_code": 34}, 404)
    with pytest.raises(RequestFailedError, match="HTTP 404, code 34"):
        ask(server)
    assert server.counts["/x"] == 2


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9", "connection refused"),
        ("http://me:s3cret@127.0.0.1:9", "connection refused"),
        ("http://nowhere.invalid", "(Name or|Temporary failure)"),
    ],
)
def test_nobody_at_the_address_is_one_failure(url, why):
    with pytest.raises(UnavailableError, match=f"cannot be reached .{why}") as error:
        ask(SimpleNamespace(url=url), n=50, pace=Pace(rate=1000, workers=1))
    assert ask.traffic.requests == {"x": 1}
    assert "s3cret" not in str(error.value)


def test_a_connection_lost_in_between_is_tried_again(server):
    server.answer = lambda request: Response({}, headers={"Connection": "close"})

    async def run():
        async with PoliteClient(server.url, PACE, "tests/1") as client:
            await client.get("/x", route="x")
            server.__exit__()
            try:
                await client.get("/x", route="x")
            finally:
                assert client.traffic.requests == {"x": 1 + PACE.attempts}

    with pytest.raises(RequestFailedError, match="connection refused"):
        asyncio.run(run())


def test_deep_json_and_large_bodies_are_no_answers(server):
    server.body = "[" * 100_000
    with pytest.raises(RequestFailedError, match="not JSON"):
        ask(server)
    server.body = {"answer": "x" * 2000}
    with pytest.raises(RequestFailedError, match="larger than 1000 bytes"):
        ask(server, pace=Pace(rate=500, attempts=2, backoff=0.001, max_bytes=1000))


def test_throttling_is_waited_out_by_all_and_counts_as_no_attempt(server):
    server.retry_after = "0"
    server.fail("throttle", times=10)
    replies = ask(server, n=30)
    assert len(replies) == 30
    assert ask.traffic.retries == 0
    assert 10 / PACE.workers <= ask.traffic.cool_downs <= 10


def test_an_error_that_names_its_wait_is_waited_out(server):
    server.broken = lambda: Response("maintenance", 503, {"Retry-After": "0"})
    server.fail("error", times=5)  # more than the attempts
    assert ask(server)[0].data == {"answer": 42}
    assert (ask.traffic.cool_downs, ask.traffic.retries) == (5, 0)


def test_endless_throttling_stops_the_run(server):
    server.retry_after = None
    server.fail("throttle", times=math.inf)
    with pytest.raises(UnavailableError, match="keeps throttling"):
        ask(server, pace=Pace(rate=500, backoff=0.001, cool_down=0.01, longest_wait=0.3))
    assert server.counts["/x"] <= 8  # 0.01 s, 0.02 s, …: each wait doubles


def test_a_long_retry_after_stops_the_run_at_once(server):
    server.retry_after = "86400"
    server.fail("throttle", times=1)
    with pytest.raises(UnavailableError, match="86400 s"):
        ask(server)
    assert server.counts["/x"] == 1


def test_a_dead_server_stops_the_run_after_a_few_items(server):
    server.fail("error", times=math.inf)
    pace = Pace(rate=1000, workers=1, attempts=2, backoff=0.001, patience=3)

    async def run():
        failed = 0
        async with PoliteClient(server.url, pace, "tests/1") as client:
            while True:
                try:
                    await client.get("/x", route="x")
                except RequestFailedError:
                    failed += 1
                except UnavailableError as error:
                    return failed, str(error)

    failed, message = asyncio.run(run())
    assert (failed, server.counts["/x"]) == (2, 6)  # two attempts each
    assert "failed 3 requests in a row" in message


class Clock:
    """Time that passes only in sleeps."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        for module in (http, pacing):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(http, "asyncio", SimpleNamespace(sleep=self.sleep))

    async def sleep(self, seconds):
        self.now += max(seconds, 0)

    def slots(self, client, n):
        """When ``n`` requests after each other may start."""

        async def take():
            started = []
            for _ in range(n):
                await client._slot()
                started.append(round(self.now - 1000, 6))
            return started

        return asyncio.run(take())


def test_requests_keep_the_rate_and_catch_up_only_a_short_stall(monkeypatch):
    clock = Clock(monkeypatch)
    client = PoliteClient("http://x", Pace(rate=10), "tests/1")
    first = clock.slots(client, 8)
    assert [round(b - a, 6) for a, b in pairwise(first[4:])] == [0.1] * 3
    clock.now += 60  # a long stall: four slots are made up for, not six hundred
    after = clock.slots(client, 8)
    assert [round(b - a, 6) for a, b in pairwise(after)] == [0, 0, 0, 0, 0.1, 0.1, 0.1]


def test_no_request_starts_during_a_cool_down_and_none_bursts_after_it(monkeypatch):
    clock = Clock(monkeypatch)
    client = PoliteClient("http://x", Pace(rate=10), "tests/1")
    clock.slots(client, 8)
    cooled_at = clock.now
    client._cool(sent=cooled_at, asked=30.0)
    client._cool(sent=cooled_at - 1, asked=30.0)  # one sent before it began asks for no second one
    assert client.traffic.cool_downs == 1
    started = clock.slots(client, 4)
    assert started[0] == pytest.approx(cooled_at - 1000 + 30)
    assert [round(b - a, 6) for a, b in pairwise(started)] == [0.1] * 3


def test_a_secret_is_in_no_log_and_no_error(server, caplog):
    caplog.set_level(logging.DEBUG)
    assert ask(server, secrets={"api_key": "s3cret"})
    server.fail("html", times=math.inf)
    with pytest.raises(RequestFailedError) as error:
        ask(server, secrets={"api_key": "s3cret"})
    assert "s3cret" not in caplog.text + str(error.value)
    assert "api_key=***" in caplog.text


def test_the_first_error_of_parallel_work_stops_the_rest():
    started = []

    async def work(job):
        started.append(job)
        await asyncio.sleep(0)
        if job == 3:
            raise KeyError(job)

    with pytest.raises(KeyError):
        asyncio.run(in_parallel(range(1000), work, 2))
    assert len(started) < 10
