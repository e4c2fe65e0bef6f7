"""Locks between processes: files that the operating system unlocks, whatever ends their holder.

A lock is of one machine: it does not reach across a network. A file system without locks is told
apart from one whose lock is held, since on it two processes would buy the same answers.
"""

import errno
import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.waiting import Wait, holder

HELD = (errno.EACCES, errno.EAGAIN)
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
LOOK_AGAIN = 0.05  # seconds


class Lock:
    """A lock on a file; a context manager.

    Args:
        path: its file, which stays.
        timeout: seconds to wait for another holder; negative: as long as it takes, 0: not at all.
        shared: others may hold it shared as well.
    """

    def __init__(self, path: Path, timeout: float = -1, shared: bool = False):
        self.path, self.timeout = path, timeout
        self._mode = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
        self._fd = -1

    def acquire(self) -> None:
        """Hold it.

        Raises:
            TimeoutError: another process held it all the time.
            RecfeatError: the file system has no locks, or the file cannot be opened.
        """
        fd = self._open()
        deadline, wait = time.monotonic() + self.timeout, Wait()
        try:
            while not self._try(fd):
                if self.timeout >= 0 and time.monotonic() >= deadline:
                    raise TimeoutError(f"{self.path} is locked by another process.")
                wait(self._holder)
                time.sleep(LOOK_AGAIN)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd

    def release(self) -> None:
        """Let it go; nothing where it is not held."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def is_free(self) -> bool:
        """Whether nobody holds it; does not take it."""
        fd = self._open()
        try:
            return self._try(fd)
        finally:
            os.close(fd)

    def _holder(self) -> str:
        who = holder(self.path) or "another process"
        return f"{who}, which holds the lock {self.path.stem!r}"

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise RecfeatError(
                f"Cannot lock {self.path}: {error.strerror or error}. Whoever works on a lake must "
                "be able to write to its folder."
            ) from error

    def _try(self, fd: int) -> bool:
        try:
            fcntl.flock(fd, self._mode)
        except OSError as error:
            if error.errno in HELD:
                return False
            if error.errno in NO_LOCKS:
                raise RecfeatError(
                    f"The file system of {self.path.parent} has no locks ({error.strerror}), so "
                    "two processes could buy the same answers. Put the lake on a local disk, or "
                    "mount the share with locks (NFS: without `nolock`)."
                ) from error
            raise
        return True
