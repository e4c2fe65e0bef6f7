"""Which runs are alive: a run that was killed must not look as if it went on.

Dagster cannot tell, and automation waits for what is in progress. So the process of a run holds a
lock file named after it, which the operating system frees whatever ends the process.
"""

from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

from recfeat_pipeline.lake import Lake

GONE = (
    "The process of this run is gone (killed, or the machine restarted). Start it again: it "
    "continues where it stopped."
)

_held: dict[str, FileLock] = {}


def hold(lake: Lake, run_id: str) -> None:
    """Hold the run's lock until this process ends or holds another run's.

    Not until the run ends: it is marked as ended only a moment after its last step.
    """
    for other in [other for other in _held if other != run_id]:
        _held.pop(other).release()
    if run_id not in _held:
        lock = lake.lock(f"run-{run_id}")
        try:
            lock.acquire(timeout=0)
        except Timeout:  # another process of the same run has it
            return
        _held[run_id] = lock


def end_abandoned(lake: Lake, instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose process is gone; returns their ids."""
    ended = []
    for path in sorted((lake.state / "locks").glob("run-*.lock")):
        run = instance.get_run_by_id(path.stem.removeprefix("run-"))
        if run is not None and not run.is_finished:
            if not _is_free(path):
                continue
            instance.report_run_failed(run, message=GONE)
            ended.append(run.run_id)
        path.unlink(missing_ok=True)
    return ended


def _is_free(path: Path) -> bool:
    lock = FileLock(path, timeout=0)
    try:
        with lock:
            return True
    except Timeout:
        return False
