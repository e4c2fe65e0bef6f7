"""Waiting for a pool: aloud, without spinning, and not for the dead.

Dagster's in-process executor asks for a slot again and again at full speed, says nothing and keeps
Ctrl-C for later. Where this is set up, asking returns only with the slot.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from recfeat_pipeline.defs.running import end_abandoned
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.waiting import SAY_AFTER, Wait, holder

LOOK_AGAIN = 0.25  # seconds


def wait_patiently(instance: dg.DagsterInstance, lake: Lake, say: Callable[[str], None]) -> None:
    """Let runs that this process executes wait for pools as this module says; ``say`` is told."""
    storage = instance.event_log_storage
    if not isinstance(storage.claim_concurrency_slot, Patience):
        storage.claim_concurrency_slot = Patience(instance, lake, say)  # type: ignore[method-assign]


class Patience:
    """Claims a slot of a pool, for a process that has nothing else to do meanwhile."""

    def __init__(self, instance: dg.DagsterInstance, lake: Lake, say: Callable[[str], None]):
        self.instance, self.lake, self.say = instance, lake, say
        self.storage = instance.event_log_storage
        self._claim = self.storage.claim_concurrency_slot

    def __call__(
        self, concurrency_key: str, run_id: str, step_key: str, priority: int | None = None
    ) -> Any:
        """See ``EventLogStorage.claim_concurrency_slot``."""
        wait, looked = Wait(self.say), -SAY_AFTER
        with interruptible():
            while True:
                status = self._claim(concurrency_key, run_id, step_key, priority)
                if status.is_claimed:
                    return status
                if time.monotonic() - looked >= SAY_AFTER:
                    looked = time.monotonic()
                    end_abandoned(self.lake, self.instance)
                    self._rejoin(concurrency_key, run_id, step_key)
                wait(lambda: self._in_the_way(concurrency_key))
                time.sleep(LOOK_AGAIN)

    def _rejoin(self, pool: str, run_id: str, step_key: str) -> None:
        """Queue anew where a slot is free: whoever should have passed it on is dead."""
        info = self.storage.get_concurrency_info(pool)
        if info.active_slot_count < info.slot_count and not info.assigned_step_count:
            self.storage.free_concurrency_slot_for_step(run_id, step_key)

    def _in_the_way(self, pool: str) -> str:
        """The pool, and who has it."""
        info = self.storage.get_concurrency_info(pool)
        if not info.slot_count:
            return f"the pool {pool!r}, whose limit somebody has set to 0"
        runs = info.active_run_ids
        who = [self._who(run_id) for run_id in sorted(runs)]
        return f"the pool {pool!r}, which {' and '.join(who) or 'another run'} holds"

    def _who(self, run_id: str) -> str:
        run = self.instance.get_run_by_id(run_id)
        process = holder(self.lake.lock(f"run-{run_id}").path)
        of = f" of {run.job_name}" if run and not run.job_name.startswith("__") else ""
        return f"run {run_id[:8]}{of}" + (f", {process}," if process else "")


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGINT and SIGTERM end what is within at once, where Dagster would keep them for later.

    Raises:
        dg.DagsterExecutionInterruptedError: as steps do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(signum: int, frame: object) -> None:
    raise dg.DagsterExecutionInterruptedError
