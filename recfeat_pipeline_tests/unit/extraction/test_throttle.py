"""One gate for all calls."""

import asyncio

import pytest

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import throttle
from recfeat_pipeline.extraction.throttle import STREAK, ClosedError, Throttle
from recfeat_pipeline.extraction.types import Limits, TransientError, Usage


def run(scenario):
    return asyncio.run(scenario())


async def valid(gate, sent_at=None):
    sent_at = sent_at or await gate.enter(1, 1)
    await gate.succeeded(Usage(1, 0, 1), (1, 1), sent_at)
    await gate.widen()


def test_one_call_alone_until_the_first_answer_then_a_place_for_each_valid_one():
    async def scenario():
        gate = Throttle(Limits(concurrency=4))
        sent_at = await gate.enter(1, 1)
        second = asyncio.create_task(gate.enter(1, 1))
        await asyncio.sleep(0.01)
        assert not second.done()
        await valid(gate, sent_at)
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
    sent_at = await gate.enter(1, 1)
    await valid(gate, sent_at)
    gate.width = float(gate.limits.concurrency)
    return gate, sent_at


def test_a_rate_limit_halves_the_width_once_for_a_whole_wave():
    async def scenario():
        gate, _ = await opened(concurrency=64)
        sent_ats = [await gate.enter(1, 1) for _ in range(10)]
        for sent_at in sent_ats:
            await gate.failed(TransientError("429", retry_after=5, rate_limited=True), sent_at)
        assert (gate.width, gate.cooling.in_a_row, gate.in_flight) == (32, 1, 0)

    run(scenario)


def test_one_broken_call_does_not_stop_the_others():
    async def scenario():
        gate, _ = await opened(concurrency=8)
        for _ in range(STREAK - 1):
            await gate.failed(TransientError("500"), await gate.enter(1, 1))
        assert (gate.width, gate.cooling.in_a_row) == (8, 0)
        await gate.failed(TransientError("500"), await gate.enter(1, 1))
        assert (gate.width, gate.cooling.in_a_row) == (4, 1)

    run(scenario)


def test_after_some_cool_downs_without_an_answer_it_is_hopeless():
    async def scenario():
        gate, _ = await opened(concurrency=8, give_up_after=2)
        for expected in (False, True):
            gate.cooling.until = 0.0
            sent_at = await gate.enter(1, 1)
            gate._streak = STREAK
            await gate.failed(TransientError("503"), sent_at)
            assert gate.hopeless is expected
        gate.cooling.until = 0.0
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
        heard = [gate.nothing_left(error, at) is not None for at in sent_at]
        assert heard == ends
        assert not gate.nothing_left(TransientError("HTTP 429"), 99)
        await gate.succeeded(Usage(1, 0, 1), (1, 1), 2)  # sent before it was said
        assert gate.nothing_left(error, 99)
        await gate.succeeded(Usage(1, 0, 1), (1, 1), 99)
        monkeypatch.setattr(throttle.time, "monotonic", lambda: 100.0)
        assert not gate.nothing_left(error, 99.5)

    monkeypatch.setattr(throttle.time, "monotonic", lambda: 3.0)
    run(scenario)
