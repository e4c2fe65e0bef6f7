"""How a server is asked no faster than it wants: rates, shared pauses, Retry-After.

For whatever sends requests over a network; models' endpoints and text sources keep to the same.
"""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

Clock = Callable[[], float]
DOUBLINGS = 10  # of a pause, at most


class Rate:
    """So much a second, spread evenly, with a little caught up after a stall.

    Args:
        per_second: amount; None: as fast as you like.
        burst_s: seconds' worth that may be caught up.
        clock: tells the time in seconds; None: the system's, monotonic.
    """

    def __init__(self, per_second: float | None, burst_s: float = 1.0, clock: Clock | None = None):
        self.seconds_each = 1 / per_second if per_second else 0.0
        self._burst_s, self._clock = burst_s, clock or time.monotonic
        self._free_at = self._clock()

    def take(self, amount: float = 1.0) -> float:
        """Reserve; returns the seconds to wait before using it."""
        now = self._clock()
        self._free_at = max(self._free_at, now - self._burst_s)
        wait = self._free_at - now
        self._free_at += amount * self.seconds_each
        return max(wait, 0.0)

    def hold(self, until: float) -> None:
        """Give nothing before a moment."""
        self._free_at = max(self._free_at, until)


class CoolDown:
    """One pause for everybody who asks a server that has enough, longer each time it is no help.

    A limit is the account's, not the request's: all wait for the same moment.

    Args:
        first: seconds of the first pause where the server names none; doubles.
        longest: seconds of the longest such pause.
        again: what is added, doubling, where it names a time that was not enough.
        clock: tells the time in seconds; None: the system's, monotonic.
    """

    def __init__(self, first: float, longest: float, again: float, clock: Clock | None = None):
        self._first, self._longest, self._again = first, longest, again
        self._clock = clock or time.monotonic
        self.in_a_row = 0  # since the last answer
        self.since = 0.0  # when the first of these began
        self.until = 0.0
        self._began = float("-inf")

    def begin(self, sent_at: float, asked: float | None = None) -> bool:
        """A request was turned away; whether that began a pause.

        One that was sent before the last pause began tells nothing new.

        Args:
            sent_at: when it was sent.
            asked: seconds that the server wants, if it said so.
        """
        now = self._clock()
        if sent_at < self._began:
            self.until = max(self.until, now + (asked or 0.0))
            return False
        if not self.in_a_row:
            self.since = now
        longer = 2 ** min(self.in_a_row, DOUBLINGS)
        if asked is None:
            pause = min(self._first * longer, self._longest) * random.uniform(0.9, 1.1)
        else:
            pause = max(asked, min(self._again * (longer - 1), self._longest))
        self.in_a_row += 1
        self._began, self.until = now, max(self.until, now + pause)
        return True

    def over(self) -> None:
        """The server answers."""
        self.in_a_row = 0


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait, whichever of three ways it says so (RFC 9110, 10.2.3)."""
    try:
        if value := headers.get("retry-after-ms"):
            return max(float(value) / 1e3, 0.0)
        value = headers.get("retry-after")
        if not value:
            return None
        if value.strip().replace(".", "", 1).isdigit():
            return float(value)
        now = headers.get("date")  # by the server's clock, which may be another than ours
        since = parsedate_to_datetime(now) if now else datetime.now(UTC)
        return max((_in_utc(parsedate_to_datetime(value)) - _in_utc(since)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
