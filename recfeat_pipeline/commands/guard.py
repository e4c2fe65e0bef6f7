"""A command with all that it starts, ended together with whoever asked for it.

``dagster dev`` is a handful of processes that outlive each other when one is killed: a webserver
that keeps the port, a daemon without code. Between ``recfeat ui`` and them stands this small
process. It holds one end of a pipe; when the other end closes, for whatever reason, the whole group
is asked to stop and, if it does not, is killed.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

GRACE = 20.0  # seconds: a run that is stopped waits ten for calls that are paid for


def run_guarded(command: Sequence[str], cwd: Path, env: Mapping[str, str]) -> int:
    """Run a command until it ends, or this process does; nothing of it is left. Its exit code."""
    theirs, ours = os.pipe()
    guard = subprocess.Popen(
        [sys.executable, "-m", __name__, str(theirs), *command],
        cwd=cwd, env=env, pass_fds=[theirs], start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        return guard.wait()
    finally:
        os.close(ours)
        with suppress(KeyboardInterrupt):  # a second Ctrl-C does not wait for runs that drain
            guard.wait()


def main(pipe: int, command: Sequence[str]) -> int:
    """Run the command as a group until it ends, or the pipe closes; then end what is left of it."""
    process = subprocess.Popen(command, process_group=0)
    threading.Thread(target=_watch, args=(pipe, process.pid), daemon=True).start()
    code = process.wait()
    _stop(process.pid, signal.SIGTERM)  # what it has left behind
    deadline = time.monotonic() + GRACE
    while _stop(process.pid, 0) and time.monotonic() < deadline:
        time.sleep(0.1)
    _stop(process.pid, signal.SIGKILL)
    return code


def _watch(pipe: int, group: int) -> None:
    os.read(pipe, 1)  # nobody writes: it returns when the other end is gone
    _stop(group, signal.SIGTERM)
    time.sleep(GRACE)
    _stop(group, signal.SIGKILL)


def _stop(group: int, number: int) -> bool:
    """Signal a group; whether any of it was left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
