"""One gate for all calls."""

import asyncio

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import throttle
from recfeat_pipeline.extraction.throttle import STREAK, Bucket, ClosedError, Throttle, Ticket
from recfeat_pipeline.extraction.types import Limits, TransientError, Usage


def test_a_bucket_spreads_a_rate_with_a_second_of_burst():
    now = [100.0]
    bucket = Bucket(120, clock=lambda: now[0])  # two a second
    assert bucket.take(1) == 0.0
    assert bucket.take(1) == pytest.approx(0.5)
    assert bucket.take(1) == pytest.approx(1.0)
    now[0] = 110.0  # idle for long: one second's worth at once, no more
    assert [bucket.take(1) for _ in range(4)] == pytest.approx([0.0, 0.0, 0.0, 0.5])


def test_what_was_reserved_too_much_is_given_back():
    now = [0.0]
    bucket = Bucket(60, clock=lambda: now[0])
    bucket.take(100)
    bucket.take(-90)
    assert bucket.take(1) == pytest.approx(10.0)


def test_no_rate_no_wait():
    bucket = Bucket(None)
    assert [bucket.take(10**9) for _ in range(3)] == [0.0] * 3


def run(scenario):
    return asyncio.run(scenario())


async def valid(gate, ticket=None):
    ticket = ticket or await gate.enter(1, 1)
    await gate.succeeded(Usage(1, 0, 1), (1, 1), ticket)
    await gate.widen()


def test_one_call_alone_until_the_first_answer_then_a_place_for_each_valid_one():
    async def scenario():
        gate = Throttle(Limits(concurrency=4))
        ticket = await gate.enter(1, 1)
        second = asyncio.create_task(gate.enter(1, 1))
        await asyncio.sleep(0.01)
        assert not second.done()
        await valid(gate, ticket)
        await valid(gate, await second)
        assert gate.width == 3
        await valid(gate)
        await valid(gate)
        assert gate.width == 4

    run(scenario)


def test_answers_that_are_not_valid_let_nobody_in():
    async def scenario():
        gate = Throttle(Limits(concurrency=4))
        for _ in range(5):
            await gate.succeeded(Usage(1, 0, 1), (1, 1), await gate.enter(1, 1))
        assert gate.width == 1

    run(scenario)


@pytest.mark.parametrize(
    ("lone", "seconds", "width"),
    [
        (1.0, 20.0, 11),  # slow, but far from the limit: another place
        (1.0, 40.0, 10),  # waiting in a queue
        (1.0, 70.0, 9),  # for so long that calls would run into the limit
        (40.0, 70.0, 11),  # as slow when alone: nothing is gained by asking less
    ],
)
def test_a_server_that_makes_calls_wait_gets_fewer(lone, seconds, width):
    async def scenario():
        gate, _ = await opened(concurrency=64, timeout_s=120.0)
        gate.width, gate.latency, gate._lone_latency = 10.0, seconds, lone
        await gate.widen()
        assert gate.width == width

    run(scenario)


async def opened(**limits):
    """A gate as wide as it gets."""
    gate = Throttle(Limits(**limits))
    ticket = await gate.enter(1, 1)
    await valid(gate, ticket)
    gate.width = float(gate.limits.concurrency)
    return gate, ticket


def test_a_rate_limit_halves_the_width_once_for_a_whole_wave():
    async def scenario():
        gate, _ = await opened(concurrency=64)
        tickets = [await gate.enter(1, 1) for _ in range(10)]
        for ticket in tickets:
            await gate.failed(TransientError("429", retry_after=5, rate_limited=True), ticket)
        assert (gate.width, gate.cool_downs, gate.in_flight) == (32, 1, 0)

    run(scenario)


def test_one_broken_call_does_not_stop_the_others():
    async def scenario():
        gate, _ = await opened(concurrency=8)
        for _ in range(STREAK - 1):
            await gate.failed(TransientError("500"), await gate.enter(1, 1))
        assert (gate.width, gate.cool_downs) == (8, 0)
        await gate.failed(TransientError("500"), await gate.enter(1, 1))
        assert (gate.width, gate.cool_downs) == (4, 1)

    run(scenario)


def test_after_some_cool_downs_without_an_answer_it_is_hopeless():
    async def scenario():
        gate, _ = await opened(concurrency=8, give_up_after=2)
        for expected in (False, True):
            gate.resume_at = 0.0
            ticket = await gate.enter(1, 1)
            gate._streak = STREAK
            await gate.failed(TransientError("503"), ticket)
            assert gate.hopeless is expected
        gate.resume_at = 0.0
        await valid(gate)
        assert not gate.hopeless

    run(scenario)


def test_a_closed_gate_lets_nobody_in():
    async def scenario():
        gate = Throttle(Limits())
        await gate.enter(1, 1)
        waiting = asyncio.create_task(gate.enter(1, 1))
        await asyncio.sleep(0)
        await gate.close()
        with pytest.raises(ClosedError):
            await waiting
        assert gate.in_flight == 1

    run(scenario)


@pytest.mark.parametrize(
    ("sure_after", "sent_at", "ends"),
    [
        (0, [1, 2, 4], [False, False, True]),  # two were in flight; the third was sent after
        (60, [1, 4, 62.9, 63.1], [False, False, False, True]),
    ],
)
def test_an_end_is_believed_when_a_later_call_hears_it_too(sure_after, sent_at, ends, monkeypatch):
    async def scenario():
        gate = Throttle(Limits())
        error = TransientError("HTTP 429", exhausted=RecfeatError("nothing"), sure_after=sure_after)
        heard = [gate.nothing_left(error, Ticket(at, 0)) is not None for at in sent_at]
        assert heard == ends
        assert not gate.nothing_left(TransientError("HTTP 429"), Ticket(99, 0))
        await gate.succeeded(Usage(1, 0, 1), (1, 1), Ticket(2, 0))  # sent before it was said
        assert gate.nothing_left(error, Ticket(99, 0))
        await gate.succeeded(Usage(1, 0, 1), (1, 1), Ticket(99, 0))
        monkeypatch.setattr(throttle.time, "monotonic", lambda: 100.0)
        assert not gate.nothing_left(error, Ticket(99.5, 0))

    monkeypatch.setattr(throttle.time, "monotonic", lambda: 3.0)
    run(scenario)
