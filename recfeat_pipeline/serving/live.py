"""An LLM on the path of a request: asked through the engine, waited for no longer than agreed."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.validation import parse

TOGETHER = 32
"""Requests that go to the engine at once, at most."""

logger = logging.getLogger(__name__)


@dataclass
class _Waiting:
    """A request; who asks waits until ``until`` (monotonic seconds)."""

    document: pl.DataFrame
    until: float
    answer: Future[str | None] = field(default_factory=Future)


class Live:
    """One kind of question to an LLM, for many requests at once.

    A thread passes them on: those that come while others are under way go together in the next
    round. A request that nobody waits for any more is not sent. An answer that comes too late is
    kept by the engine, so that the same request is answered at once the next time. While a round
    takes longer than agreed nobody begins to wait: the server is slow or gone.

    Args:
        ask: documents to the text of a valid answer each, or None; may raise RecfeatError.
        seconds: how long a request waits.
    """

    def __init__(self, ask: Callable[[pl.DataFrame], Sequence[str | None]], seconds: float):
        self._ask, self.seconds = ask, seconds
        self._queue: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._busy_since: float | None = None
        self._said = ""
        threading.Thread(target=self._work, name="ask an LLM", daemon=True).start()

    def answer(self, document: pl.DataFrame) -> dict[str, Any] | None:
        """The valid answer to a document (a row); None: none came in time."""
        now = time.monotonic()
        if self._busy_since is not None and now - self._busy_since > self.seconds:
            return None
        waiting = _Waiting(document, now + self.seconds)
        self._queue.put(waiting)
        try:
            text = waiting.answer.result(self.seconds)
        except TimeoutError:
            return None
        return None if text is None else parse(text)

    def _work(self) -> None:
        while True:
            round_ = [self._queue.get()]
            while len(round_) < TOGETHER and not self._queue.empty():
                round_.append(self._queue.get())
            self._busy_since = time.monotonic()
            round_ = [one for one in round_ if one.until > self._busy_since]
            if round_:
                self._pass_on(round_)
            self._busy_since = None

    def _pass_on(self, round_: list[_Waiting]) -> None:
        texts: Sequence[str | None] = [None] * len(round_)
        try:
            texts = self._ask(pl.concat([one.document for one in round_]))
        except RecfeatError as error:
            if str(error) != self._said:  # a server that is down would fill the log
                self._said = str(error)
                logger.warning("The LLM was not asked: %s", error)
        except Exception:  # the thread lives on; whoever waits gets none
            logger.exception("The LLM was not asked.")
        for one, text in zip(round_, texts, strict=True):
            one.answer.set_result(text)
