"""Waiting with a message: whatever holds this process up is named, at once and again.

Domain code prints nothing, so what it waits for goes to the logger of this module: the command line
shows it on the terminal, Dagster in the run's log.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

SAY_AFTER, SAY_AGAIN = 2.0, 60.0  # seconds


class Wait:
    """One wait. Call it in each turn of the loop, with what is waited for (asked when said)."""

    def __init__(self, say: Callable[[str], None] = logger.warning):
        self._say = say
        self._next = time.monotonic() + SAY_AFTER
        self._said = ""

    def __call__(self, for_what: Callable[[], str]) -> None:
        """Say it, if it has lasted long enough and is not said yet."""
        now = time.monotonic()
        if now < self._next:
            return
        what = for_what()
        again = " still" if what == self._said else ""
        self._say(f"Waiting{again} for {what}; Ctrl-C ends this one, what is done is kept.")
        self._said, self._next = what, now + SAY_AGAIN


def holder(path: Path) -> str | None:
    """Who holds a file's lock, as ``"process 4711 (recfeat run)"``; None where nobody knows.

    Linux alone tells (``/proc/locks``), and only of processes that this one can see.
    """
    try:
        inode = str(path.stat().st_ino)
        rows = [row.split() for row in Path("/proc/locks").read_text(encoding="ascii").splitlines()]
    except OSError:
        return None
    pids = [row[4] for row in rows if len(row) > 5 and row[5].rpartition(":")[2] == inode]
    return f"process {pids[0]}{_command(pids[0])}" if pids and pids[0] != "-1" else None


def _command(pid: str) -> str:
    """The words that a process was started with, as far as they say what it is."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    except OSError:
        return ""
    names = [Path(word).name for word in words if word and not word.startswith("-")]
    for marker in ("recfeat", "recfeat_pipeline.cli"):
        if marker in names:
            return f" (recfeat {' '.join(names[names.index(marker) + 1 :][:1])})"
    return " (a run of the Dagster UI)" if "dagster" in " ".join(words) else ""
