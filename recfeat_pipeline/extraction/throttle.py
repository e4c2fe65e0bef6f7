"""One gate for all calls: concurrency, rates, one global cool-down, and when to give up.

A rate limit is the account's, not the call's, so every call waits for the same moment; a server
in trouble gets half the load, and one more call at a time as it answers again. The gate opens as
valid answers come, one place for each: a wrong key costs one call, a useless model a few dozen, and
a slow server gets no more calls at once than it can work on.
"""

import asyncio
import time

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.types import Limits, TransientError, Usage
from recfeat_pipeline.pacing import CoolDown, Rate

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds of a cool-down that the server set no time for
STREAK = 3  # failures without an answer between them: the server's trouble, not one call's
PATIENCE = 20  # cool-downs in a row while the server says "rate limit": it is alive, only busy
QUEUEING = 2.0  # times the latency of a lone call, from which on more calls only wait longer
SLOW, TOO_SLOW = 0.25, 0.5  # shares of the time limit: no more calls at once, or fewer
FIRST = 5  # answers whose best latency is that of a lone call


class ClosedError(Exception):
    """The run is ending; no further call goes out."""


class Throttle:
    """The gate: :meth:`enter` before a call, then one of ``succeeded``, ``failed``, ``left``.

    ``widen`` is told of each valid answer.
    """

    def __init__(self, limits: Limits):
        self.limits = limits
        self.answered = False
        self.width = 1.0  # calls let in at once
        self.in_flight = 0
        self.cooling = CoolDown(FIRST_PAUSE, LONGEST_PAUSE, FIRST_PAUSE)
        self.closed = False
        self.latency = 0.0  # seconds, a running mean
        self._lone_latency = float("inf")
        self._n_answers = 0
        self._in_trouble = False  # once; from then on the gate opens slowly
        self._streak = 0  # failures since the last answer
        self._patience = limits.give_up_after
        self._exhausted_at = float("inf")  # when the server began to say that nothing is left
        self._requests = _a_minute(limits.requests_per_minute)
        self._input = _a_minute(limits.input_tokens_per_minute)
        self._output = _a_minute(limits.output_tokens_per_minute)
        self._room = asyncio.Condition()

    @property
    def hopeless(self) -> bool:
        """Whether so many cool-downs passed without an answer that the endpoint is dead."""
        return self.cooling.in_a_row >= self._patience

    def nothing_left(self, error: TransientError, sent_at: float) -> RecfeatError | None:
        """Why to end, where the server says again, to a call sent later, that nothing is left."""
        if error.exhausted is None:
            return None
        self._exhausted_at = min(self._exhausted_at, time.monotonic())
        again = sent_at >= self._exhausted_at + error.sure_after
        return error.exhausted if again else None

    async def enter(self, input_tokens: int, output_tokens: int) -> float:
        """Wait for a place, the rates and the end of a cool-down; returns when that was.

        Raises:
            ClosedError: the gate was closed meanwhile.
        """
        async with self._room:
            await self._room.wait_for(lambda: self.closed or self.in_flight < int(self.width))
            self.in_flight += 1
        try:
            rates = (
                self._requests.take(1),
                self._input.take(input_tokens),
                self._output.take(output_tokens),
            )
            ready_at = time.monotonic() + max(rates)
            while not self.closed:
                pause = max(ready_at, self.cooling.until) - time.monotonic()
                if pause <= 0:
                    return time.monotonic()
                await asyncio.sleep(min(pause, 1.0))
            raise ClosedError
        except BaseException:
            await self.left()
            raise

    async def succeeded(self, usage: Usage, expected: tuple[int, int], sent_at: float) -> None:
        """An answer came, valid or not: correct the token rates, end the trouble."""
        self._input.take(usage.prompt - expected[0])
        self._output.take(usage.completion - expected[1])
        self._streak = 0
        self.cooling.over()
        self._see(time.monotonic() - sent_at)
        self.answered = True
        if sent_at > self._exhausted_at:
            self._exhausted_at = float("inf")
        await self.left()

    async def widen(self) -> None:
        """An answer was valid: let more calls in, unless the server only makes them wait."""
        share = self.latency / self.limits.timeout_s
        queueing = self.latency > QUEUEING * self._lone_latency
        if queueing and share > TOO_SLOW:
            self.width = max(self.width * 0.9, 1.0)
        elif not (queueing and share > SLOW):
            step, before = 1 / self.width if self._in_trouble else 1.0, int(self.width)
            self.width = min(self.width + step, self.limits.concurrency)
            if int(self.width) > before:
                async with self._room:
                    self._room.notify(int(self.width) - before)

    def _see(self, seconds: float) -> None:
        """Follow the latency; the best of the first few answers is a lone call's."""
        self._n_answers += 1
        if self._n_answers <= FIRST:
            self._lone_latency = min(self._lone_latency, seconds)
        weight = max(1 / self._n_answers, 0.1)
        self.latency += weight * (seconds - self.latency)

    async def failed(self, error: TransientError, sent_at: float) -> None:
        """A transient failure; one cool-down for all when it is more than this call's."""
        self._streak += 1
        shared = error.rate_limited or error.retry_after is not None or self._streak >= STREAK
        if shared and self.cooling.begin(sent_at, error.retry_after):
            self.width, self._in_trouble = max(self.width / 2, 1.0), True
            self._patience = PATIENCE if error.rate_limited else self.limits.give_up_after
        await self.left()

    async def left(self) -> None:
        """A call ended without saying anything about the server."""
        async with self._room:
            self.in_flight -= 1
            self._room.notify(max(int(self.width) - self.in_flight, 0))

    async def close(self) -> None:
        """Let no further call go out; those in flight may end."""
        self.closed = True
        async with self._room:
            self._room.notify_all()


def _a_minute(amount: float | None) -> Rate:
    return Rate(amount / 60 if amount else None)
