import errno
import fcntl
import logging
import subprocess
import sys

import pytest

from recfeat_pipeline import locks, waiting
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.locks import Lock

HOLD = """
import sys
from pathlib import Path
from recfeat_pipeline.locks import Lock
Lock(Path(sys.argv[1]), shared=sys.argv[2] == "shared").acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold():
    """Lets another process hold a lock; it may be killed."""
    processes = []

    def start(path, how="alone"):
        command = [sys.executable, "-c", HOLD, str(path), how]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        processes.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_lock_is_freed_by_the_death_of_its_holder(tmp_path, hold):
    lock = Lock(tmp_path / "locks" / "a.lock", timeout=0)
    process = hold(lock.path)
    assert not lock.is_free()
    with pytest.raises(TimeoutError, match="locked by another process"):
        lock.acquire()
    process.kill()
    process.wait()
    assert lock.is_free()
    with lock:
        assert not Lock(lock.path).is_free()
    assert lock.is_free()


def test_processes_share_a_lock_that_others_do_not_get(tmp_path, hold):
    path = tmp_path / "a.lock"
    hold(path, "shared")
    with Lock(path, timeout=0, shared=True):
        assert not Lock(path).is_free()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who holds a lock")
def test_a_wait_names_the_holder_within_seconds(tmp_path, hold, monkeypatch, caplog):
    monkeypatch.setattr(waiting, "SAY_AFTER", 0.0)
    process = hold(tmp_path / "batches.lock")
    with caplog.at_level(logging.WARNING), pytest.raises(TimeoutError):
        Lock(tmp_path / "batches.lock", timeout=0.2).acquire()
    [said] = [record.getMessage() for record in caplog.records]
    assert said == (
        f"Waiting for process {process.pid}, which holds the lock 'batches'; Ctrl-C ends this one, "
        "what is done is kept."
    )


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_a_sentence(tmp_path, monkeypatch, number):
    def refuse(fd, mode):
        raise OSError(number, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with pytest.raises(RecfeatError, match=r"has no locks .* Put the lake on a local disk"):
        Lock(tmp_path / "a.lock").acquire()
    assert fcntl.flock is refuse


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RecfeatError, match="must be able to write to its folder"):
        Lock(tmp_path / "file" / "a.lock").acquire()
