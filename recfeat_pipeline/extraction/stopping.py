"""Ctrl-C and SIGTERM while calls are in flight: send no more, wait some seconds, then end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_signals(stop: threading.Event) -> Iterator[None]:
    """Turn the first signal into ``stop``, and deliver it when the block has ended.

    A second signal goes through at once. Outside the main thread, where Python delivers none,
    nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}
    came: list[int] = []

    def first(number: int, frame: FrameType | None) -> None:
        came.append(number)
        stop.set()
        if len(came) > 1:
            restore()
            signal.raise_signal(number)

    def restore() -> None:
        while before:
            number, handler = before.popitem()
            signal.signal(number, handler)

    for number in SIGNALS:
        before[number] = signal.signal(number, first)
    try:
        yield
    finally:
        restore()
        if len(came) == 1:
            signal.raise_signal(came[0])
