"""``recfeat`` as a process of its own, to be stopped and killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 300.0  # seconds, on a machine that is busy with other things


class Running:
    """``recfeat`` in a process group of its own, as a terminal starts it."""

    def __init__(self, folder: Path, *arguments: str, log: str = "stderr.txt"):
        self.log = folder / log
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "recfeat_pipeline.cli", *arguments],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                # Tests that run in the background have it ignored, which a child inherits.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_until(self, is_so) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"never came: {self.log.read_text()}"
            time.sleep(0.02)

    def send(self, number: signal.Signals) -> tuple[int, str]:
        """Signal the whole group, as a terminal does; the exit code and what was said."""
        os.killpg(self.process.pid, number)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, self.log.read_text()


def finish(folder: Path, *arguments: str) -> str:
    """The same command again, to its end."""
    done = Running(folder, *arguments)
    out, _ = done.process.communicate(timeout=PATIENCE)
    assert done.process.returncode == 0, done.log.read_text()
    return out.decode()


def check_interrupted(code: int, said: str) -> None:
    """The command ended as Ctrl-C and `kill` end it."""
    assert code == 130
    assert "Interrupted. What is done is kept: the same command continues." in said
    assert "Traceback" not in said
