"""Starting the command and the daemon, and killing them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path

DAEMON = [str(Path(sys.executable).with_name("dagster-daemon")), "run"]
LOCATION = ["-m", "recfeat_pipeline.definitions"]
MODULES = ["recfeat_pipeline.definitions", "recfeat_pipeline.commands.driving", "torch", "aiohttp"]


class Command:
    """``recfeat …`` in a process and a process group of its own.

    Args:
        words: what comes after ``recfeat``.
        folder: where it runs.
        log: its standard error.
        warm: fork it from a process with the modules loaded, instead of a new interpreter.
    """

    def __init__(self, words: list[str], folder: Path, log: Path, warm: bool):
        log.write_text("")
        self._forked: ForkServerProcess | None = None
        if warm:
            forking = multiprocessing.get_context("forkserver")
            forking.set_forkserver_preload(MODULES)
            self._forked = forking.Process(
                target=_become, args=(words, dict(os.environ), str(folder), str(log))
            )
            self._forked.start()
            self.pid = self._forked.pid or 0
            return
        with log.open("w") as err:
            self._started = subprocess.Popen(
                [sys.executable, "-m", "recfeat_pipeline.cli", *words], cwd=folder,
                stdout=subprocess.DEVNULL, stderr=err, start_new_session=True,
            )  # fmt: skip
        self.pid = self._started.pid

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._forked.exitcode if self._forked else self._started.poll()

    def kill(self, children: bool) -> None:
        """SIGKILL, with or without what it has started, and wait for its end."""
        kill(self.pid, children)
        while self.code is None:
            time.sleep(0.01)


def _become(words: list[str], environment: dict[str, str], folder: str, log: str) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    out = os.open(os.devnull, os.O_WRONLY)
    err = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.argv = ["recfeat", *words]
    from recfeat_pipeline.cli import main

    main()


def start_daemon(folder: Path, log: Path, home: Path) -> subprocess.Popen[bytes]:
    """A daemon that refreshes each minute."""
    with log.open("w") as out:
        return subprocess.Popen(
            [*DAEMON, *LOCATION], cwd=folder, stdout=out, stderr=out,
            env={**os.environ, "DAGSTER_HOME": str(home), "RECFEAT_AUTOMATION": "1",
                 "RECFEAT_REFRESH_CRON": "* * * * *"},
            start_new_session=True,
        )  # fmt: skip


def kill(pid: int, children: bool) -> None:
    """SIGKILL for a process, or for its whole group."""
    with suppress(ProcessLookupError):
        if children:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
