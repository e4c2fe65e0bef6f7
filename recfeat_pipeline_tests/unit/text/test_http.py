import asyncio
import logging
import math
import time
from itertools import pairwise

import pytest

from recfeat_pipeline.text.http import (
    Pace,
    PoliteClient,
    RequestFailedError,
    UnavailableError,
    _retry_after,
    in_parallel,
)
from recfeat_pipeline_tests.servers.loopback import LoopbackServer, Response

PACE = Pace(rate=500, workers=4, attempts=3, timeout=0.3, backoff=0.001, cool_down=0.02)


class Echo(LoopbackServer):
    body: object = {"answer": 42}

    def route(self, request):
        return request.path

    def answer(self, request):
        return Response(self.body)


@pytest.fixture
def server():
    with Echo() as server:
        yield server


def ask(server, n=1, pace=PACE, secrets=None, **options):
    """The replies and the client after ``n`` requests, one worker per job."""

    async def run():
        replies = []
        async with PoliteClient(server.url, pace, "tests/1", secrets=secrets) as http:

            async def one(_):
                replies.append(await http.get("/x", {"q": 1}, route="x", **options))

            try:
                await in_parallel(range(n), one, pace.workers)
            finally:
                ask.traffic = http.traffic
        return replies

    return asyncio.run(run())


@pytest.mark.parametrize("kind", ["error", "timeout", "drop", "half", "cut", "html"])
def test_what_may_pass_is_asked_again(server, kind):
    server.fail(kind, times=2)
    assert ask(server)[0].data == {"answer": 42}
    assert server.counts["/x"] == 3
    assert ask.traffic.retries == 2


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("error", "HTTP 500 with text that is not JSON"),
        ("timeout", "no answer within 0.3 s"),
        ("drop", "the connection broke"),
        ("half", "the connection broke"),
        ("cut", "HTTP 200 with text that is not JSON"),
        ("html", "HTTP 200 with HTML"),
        ("redirect_loop", "redirected more than 3 times"),
        ("redirect_away", "redirected to another site"),
    ],
)
def test_what_does_not_pass_fails_with_its_reason(server, kind, reason):
    server.fail(kind, times=math.inf)
    with pytest.raises(RequestFailedError, match=reason):
        ask(server)


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


def test_no_request_is_sent_during_a_cool_down(server):
    server.retry_after = "1"
    server.fail("throttle", times=1)
    ask(server, n=12)
    arrivals = sorted(server.arrivals)
    gaps = [b - a for a, b in pairwise(arrivals)]
    assert sum(gap > 0.8 for gap in gaps) == 1  # one silence of about a second, for all workers
    assert ask.traffic.cool_downs == 1


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
        async with PoliteClient(server.url, pace, "tests/1") as http:
            while True:
                try:
                    await http.get("/x", route="x")
                except RequestFailedError:
                    failed += 1
                except UnavailableError as error:
                    return failed, str(error)

    failed, message = asyncio.run(run())
    assert (failed, server.counts["/x"]) == (2, 6)
    assert "failed 3 requests in a row" in message


def test_the_rate_is_never_exceeded(server):
    ask(server, n=40, pace=Pace(rate=50, workers=4))
    arrivals = sorted(server.arrivals)
    most = max(sum(a <= b < a + 0.2 for b in arrivals) for a in arrivals)
    assert most <= 50 * 0.2 + 5  # the window's share, and the short burst that catches up a stall


def test_a_secret_is_in_no_log_and_no_error(server, caplog):
    caplog.set_level(logging.DEBUG)
    assert ask(server, secrets={"api_key": "s3cret"})
    server.fail("html", times=math.inf)
    with pytest.raises(RequestFailedError) as error:
        ask(server, secrets={"api_key": "s3cret"})
    assert "s3cret" not in caplog.text + str(error.value)
    assert "api_key=***" in caplog.text


def test_retry_after_is_seconds_or_a_date():
    assert _retry_after("7") == 7
    assert _retry_after(None) is None
    assert _retry_after("soon") is None
    in_a_minute = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 60))
    assert 50 < _retry_after(in_a_minute) <= 61
    assert _retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


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
