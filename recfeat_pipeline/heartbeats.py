"""Heartbeats: which processes of other machines are alive, told through a shared object store.

A process that is to be seen counts a number up in a file ``alive/<name>/<process>.json``. Whoever
asks looks whether it moves; clocks of two machines are never compared.
"""

import contextlib
import threading
import uuid

from recfeat_pipeline import sealed
from recfeat_pipeline.files import Files
from recfeat_pipeline.leases import BEAT_S, is_still


class Heartbeat:
    """Beats from the start until it is stopped, or its process ends."""

    def __init__(self, files: Files, name: str):
        self._files, self._path = files, f"{_folder(name)}/{uuid.uuid4().hex}.json"
        self._ended = threading.Event()
        self._write(0)
        self._thread = threading.Thread(target=self._beat, name=f"beat {name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Be seen no longer."""
        self._ended.set()
        self._thread.join()
        self._files.delete(self._path)

    def _beat(self) -> None:
        number = 0
        while not self._ended.wait(BEAT_S):
            number += 1
            with contextlib.suppress(Exception):  # each object store has its own; it is tried again
                self._write(number)

    def _write(self, number: int) -> None:
        self._files.write_bytes(self._path, sealed.to_json({"beat": number}))


def is_gone(files: Files, name: str) -> bool:
    """Whether none of the name's processes has been seen to beat while this one has watched.

    It takes two looks; see :func:`~recfeat_pipeline.leases.is_still`.
    """
    return is_still(files, _folder(name), _beats(files, name))


def forget(files: Files, name: str) -> None:
    """Delete what dead processes have left."""
    files.delete(_folder(name))


def _folder(name: str) -> str:
    return f"alive/{name}"


def _beats(files: Files, name: str) -> list[tuple[str, bytes]]:
    found = []
    for path in files.glob(f"{_folder(name)}/*.json"):
        with contextlib.suppress(FileNotFoundError):  # it has just been stopped
            found.append((path, files.read_bytes(path)))
    return found
