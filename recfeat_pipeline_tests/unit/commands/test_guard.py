"""Nothing that `recfeat ui` starts outlives it, whichever of the processes is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# What dagster dev is to us: a process with a child that ignores whether its parent lives.
TREE = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
os.rename("pids", "ready")
time.sleep(600)
"""
ASK = """
import os, sys
from pathlib import Path
from recfeat_pipeline.commands.guard import run_guarded
sys.exit(run_guarded([sys.executable, "-c", sys.argv[1]], Path.cwd(), os.environ))
"""


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait(is_so, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("victim", ["command", "server"])
def test_a_kill_ends_them_all(tmp_path, victim):
    command = [sys.executable, "-c", ASK, TREE]
    with subprocess.Popen(command, cwd=tmp_path, start_new_session=True) as process:
        try:
            wait((tmp_path / "ready").exists)
            server, child = map(int, (tmp_path / "ready").read_text().split())
            os.kill(process.pid if victim == "command" else server, signal.SIGKILL)
            wait(lambda: gone(server) and gone(child))
            wait(lambda: process.poll() is not None)
        finally:
            process.kill()
