"""Time limits of calls, counted from when the server can be working on them.

A server with one place works through 64 calls one after the other: the last one waits for 63. Its
time runs anew whenever an older call is answered, so queueing is no time-out, and a server that
answers nobody still runs into the limit.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SWEEP_S = 0.25  # between two looks at all clocks


class Clocks:
    """The clocks of the calls in flight; one set per run."""

    def __init__(self, limit_s: float):
        self._limit = limit_s
        self._running: dict[asyncio.Timeout, float] = {}  # with when its call was sent
        self._swept = 0.0

    @asynccontextmanager
    async def limit(self) -> AsyncIterator[None]:
        """Around one call.

        Raises:
            TimeoutError: the server had the time limit for it and did not answer.
        """
        async with asyncio.timeout(self._limit) as clock:
            sent = self._running[clock] = time.monotonic()
            try:
                yield
                self._answered(sent)
            finally:
                del self._running[clock]

    def _answered(self, sent: float) -> None:
        now = time.monotonic()
        if now - self._swept < SWEEP_S:
            return
        self._swept = now
        until = asyncio.get_running_loop().time() + self._limit
        for clock, younger in self._running.items():
            if younger > sent and not clock.expired():
                clock.reschedule(until)
