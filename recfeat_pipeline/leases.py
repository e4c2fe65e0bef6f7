"""Leases: what one process holds, among all that share a lake, whatever machine they are on.

A lock (:mod:`recfeat_pipeline.locks`) ends with its machine. Where the lake is a folder, that is
enough. On an object store the holder has a lease as well: a file ``leases/<name>/<number>.json``
that says who he is. Whoever wants it makes the file with the next number, which a conditional put
lets one of them do. A holder counts a beat up in his file while he lives. A file that is released,
or whose beat nobody has counted up for :data:`TTL_S` seconds of the watcher's own clock, holds
nobody back; clocks of two machines are never compared.

Numbers only grow. The file with the highest is the lease; its maker deletes lower ones. So one who
made a file late, while others went on, sees a higher one in his listing and stands back.
"""

import os
import socket
import threading
import time
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from recfeat_pipeline import sealed
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.files import Files
from recfeat_pipeline.locks import Lock
from recfeat_pipeline.waiting import Wait

TTL_S = 30.0  # without a beat, after which others take over
BEAT_S = 5.0
LOOK_AGAIN = 0.5  # seconds

_watched: dict[tuple[str, str], tuple[Any, float]] = {}
"""By root and path: what was seen of somebody's beats, and since when it has been so."""


class Lease:
    """Held by one process of all machines; a context manager.

    Args:
        lock: keeps apart the processes of this machine.
        files: the object store; None: the lock is enough.
        name: what is held.
        machine: this machine's name; a lease of a dead process of it is taken over at once.
        timeout: seconds to wait for another holder; negative: as long as it takes, 0: not at all.
    """

    def __init__(
        self, lock: Lock, files: Files | None, name: str, machine: str, timeout: float = -1
    ):
        self.name, self.timeout = name, timeout
        self._lock, self._files, self._machine = lock, files, machine
        self._number = 0
        self._beats = 0
        self._lost = ""
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None

    def acquire(self) -> None:
        """Hold it.

        Raises:
            TimeoutError: another process held it all the time.
        """
        deadline = time.monotonic() + self.timeout
        self._lock.acquire()
        try:
            wait = Wait()
            while self._files is not None and not self._take(self._files):
                if self.timeout >= 0 and time.monotonic() >= deadline:
                    raise TimeoutError(f"{self.name} is held by {self._holder()}.")
                wait(lambda: f"{self._holder()}, which holds {self.name!r}")
                time.sleep(LOOK_AGAIN)
        except BaseException:
            self._lock.release()
            raise
        if self._files is not None:
            self._ended.clear()
            self._heart = threading.Thread(
                target=self._beat, args=(self._files,), name=f"lease {self.name}", daemon=True
            )
            self._heart.start()

    def release(self) -> None:
        """Let it go; nothing where it is not held."""
        if self._heart is not None:
            self._ended.set()
            self._heart.join()
            self._heart = None
            if self._files is not None and not self._lost:
                self._write(self._files, released=True)
        self._lock.release()

    def check(self) -> None:
        """Make sure that it is still held, as far as the last beat has told.

        Raises:
            RecfeatError: this process was taken for dead (it was suspended, or cut off from the
                object store), and another holds it now.
        """
        if self._lost:
            raise RecfeatError(
                f"This process could not be seen for {TTL_S:.0f} seconds, so {self._lost} has "
                f"taken over {self.name!r}. What was answered is kept; run again when it has ended."
            )

    def _take(self, files: Files) -> bool:
        """Make the next file, if the present one holds nobody back."""
        number, about = self._latest(files)
        if about and not about["released"] and about["machine"] != self._machine:
            still = is_still(files, f"leases/{self.name}", (number, about["beat"]))
            if not still:
                return False
        self._number, self._beats, self._lost = number + 1, 0, ""
        if not files.create(self._path(self._number), self._content(released=False)):
            return False
        newest, _ = self._latest(files)
        if newest != self._number:
            files.delete(self._path(self._number))
            return False
        for path in files.glob(f"leases/{self.name}/*.json"):
            if _number_of(path) < self._number:
                files.delete(path)
        return True

    def _beat(self, files: Files) -> None:
        while not self._ended.wait(BEAT_S):
            try:
                number, about = self._latest(files)
                if number > self._number:
                    self._lost = _who(about)
                    return
                self._write(files, released=False)
            except Exception:  # noqa: BLE001 - each object store has its own; others see it as well
                continue

    def _write(self, files: Files, released: bool) -> None:
        self._beats += 1
        files.write_bytes(self._path(self._number), self._content(released))

    def _content(self, released: bool) -> bytes:
        owner = f"process {os.getpid()} of {socket.gethostname()}"
        return sealed.to_json(
            {"owner": owner, "machine": self._machine, "beat": self._beats, "released": released}
        )

    def _latest(self, files: Files) -> tuple[int, dict[str, Any] | None]:
        """The highest number, and what its file says; one that vanishes is looked for again."""
        while True:
            paths = files.glob(f"leases/{self.name}/*.json")
            if not paths:
                return 0, None
            path = max(paths, key=_number_of)
            try:
                return _number_of(path), sealed.from_json(files.read_bytes(path))
            except FileNotFoundError:
                continue

    def _holder(self) -> str:
        assert self._files is not None
        return _who(self._latest(self._files)[1])

    def _path(self, number: int) -> str:
        return f"leases/{self.name}/{number:08d}.json"

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


def is_still(files: Files, path: str, seen: Any) -> bool:
    """Whether somebody's beats have stood still for :data:`TTL_S` seconds of this process's watch.

    It takes two looks; until then the answer is no.

    Args:
        files: the object store.
        path: whose beats they are.
        seen: what is seen of them now.
    """
    key, now = (files.root, path), time.monotonic()
    known, since = _watched.get(key, (None, now))
    if known != seen:
        _watched[key] = seen, now
        return False
    return now - since >= TTL_S


def _number_of(path: str) -> int:
    return int(PurePosixPath(path).stem)


def _who(about: dict[str, Any] | None) -> str:
    return about["owner"] if about else "another process"


def machine_name(locks: Path) -> str:
    """A name for where locks lie, drawn once; a container keeps it with its volume."""
    path = locks / "machine"
    if not path.exists():
        with Lock(locks / "machine-name.lock"):
            if not path.exists():
                path.write_text(os.urandom(6).hex(), encoding="ascii")
    return path.read_text(encoding="ascii")
