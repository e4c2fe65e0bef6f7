"""Files under a root, a folder or an object store's URL: written atomically, checked when read.

A file appears whole or not at all: locally it is written beside its place and renamed, on an object
store a put is atomic by itself. What a file holds is compared with its seal
(:mod:`recfeat_pipeline.sealed`) or, for a segment, with the hash that names it, once per process.
"""

import contextlib
import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import fsspec

from recfeat_pipeline import sealed
from recfeat_pipeline.errors import RecfeatError

REMEDIES = {  # for a damaged file without a backup, by the folder it lies in
    "responses": "move it elsewhere: the answers it held were paid for, and are bought again",
    "raw": "delete it: what it held is scraped again",
    "runs": "delete its folder and run again",
    "lake.json": "mend it by hand and leave out its entry recfeat.seal",
}
REBUILT = "delete it and run again to rebuild it"
_NAMED = re.compile(r"/part-([0-9a-f]{16})\.parquet$")  # a segment, by the hash of its content


class Files:
    """The files of one root. Paths given to its methods are relative to it."""

    def __init__(self, root: str | os.PathLike[str]):
        root = os.fspath(root)
        self.is_local = "://" not in root
        self.root = str(Path(root).expanduser().resolve()) if self.is_local else root.rstrip("/")
        try:
            # No listings are kept: other machines write to the same place.
            options = {} if self.is_local else {"use_listings_cache": False}
            self._fs, self._base = fsspec.core.url_to_fs(self.root, **options)
        except (ImportError, ValueError) as error:
            raise RecfeatError(
                f"The lake {self.root} cannot be opened: {str(error).rstrip('.')}. Set "
                "RECFEAT_LAKE to a folder, or install what its protocol needs: pip install "
                "'recfeat_pipeline[s3]'."
            ) from error
        self._sound: dict[str, Any] = {}  # path -> stamp of the file that was found undamaged

    def path(self, *parts: str) -> str:
        """The full path or URL of a file, as Polars and DuckDB take it."""
        return "/".join((self.root, *parts))

    def lend_to(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let a database read files by their :meth:`path`, with this root's credentials.

        DuckDB's own extension for object stores would be downloaded, and knows no credentials.
        """
        named = self._fs.protocol  # one name, or several
        names = {named} if isinstance(named, str) else set(named)
        if not self.is_local and not names & set(connection.list_filesystems()):
            connection.register_filesystem(self._fs)

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return self._fs.exists(self._full(path))

    def glob(self, pattern: str) -> list[str]:
        """Relative paths that match, sorted."""
        return sorted(path for path, _ in self.sizes(pattern))

    def sizes(self, pattern: str) -> list[tuple[str, int]]:
        """Relative paths that match, and their bytes."""
        base = self._base.rstrip("/") + "/"
        with self._reaching():
            found = self._fs.glob(self._full(pattern), detail=True)
        return [(path.removeprefix(base), about["size"]) for path, about in found.items()]

    def modified(self, path: str) -> datetime | None:
        """When a file was written last (UTC); None when it is not there."""
        return self._fs.modified(self._full(path)) if self.exists(path) else None

    # -- reading ---------------------------------------------------------------------------------

    def read_bytes(self, path: str) -> bytes:
        """The whole file.

        Raises:
            FileNotFoundError: it is not there.
            RecfeatError: its content is not what was written.
        """
        stamp = self._stamp(path) if path.endswith(".parquet") else None  # a request, elsewhere
        with self._reaching():
            data = self._fs.cat_file(self._full(path))
        try:
            if name := _NAMED.search(path):
                if not hashlib.sha256(data).hexdigest().startswith(name[1]):
                    raise sealed.Damaged("its content is not what was written")
            else:
                sealed.check(data)
        except sealed.Damaged as damage:
            raise self.damaged(path, f"is damaged: {damage}") from None
        if stamp is not None:
            self._sound[path] = stamp
        return data

    def check(self, paths: Iterable[str]) -> None:
        """Read those that this process has not read yet, for a program that reads them itself.

        Raises:
            RecfeatError: a file's content is not what was written.
        """
        for path in paths:
            if not self.is_sound(path):
                self.read_bytes(path)

    def is_sound(self, path: str) -> bool:
        """Whether this process has read the file, as it is now, and found no damage."""
        return path in self._sound and self._sound[path] == self._stamp(path)

    def content_hash(self, path: str) -> str:
        """A hash of the file's content, where possible without reading all of it."""
        if name := _NAMED.search(path):
            return name[1]
        tail = self._fs.tail(self._full(path), sealed.TAIL)
        return sealed.digest(tail) or hashlib.sha256(self.read_bytes(path)).hexdigest()

    def damaged(self, path: str, problem: str) -> RecfeatError:
        """The error of a file that cannot be used, with what to do about it."""
        remedy = REMEDIES.get(path.partition("/")[0], REBUILT)
        return RecfeatError(f"{self.path(path)} {problem}. Restore it from a backup, or {remedy}.")

    # -- writing ---------------------------------------------------------------------------------

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a file atomically.

        Raises:
            RecfeatError: it cannot be written; nothing is half-written.
        """
        full = self._full(path)
        try:
            if not self.is_local:
                with self._reaching():
                    self._fs.pipe_file(full, data)
                return
            os.makedirs(os.path.dirname(full), exist_ok=True)
            temporary = f"{full}.{uuid.uuid4().hex}.tmp"
            try:
                with open(temporary, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, full)
            finally:
                Path(temporary).unlink(missing_ok=True)
        except OSError as error:
            raise RecfeatError(
                f"Cannot write {self.path(path)}: {error.strerror or error}. "
                "Check the disk and the folder's permissions; nothing was half-written."
            ) from error

    def create(self, path: str, data: bytes) -> bool:
        """Write a file where there is none, on an object store; False: there is one.

        Of several who try, one succeeds (``If-None-Match``).

        Raises:
            RecfeatError: the store cannot be written, or knows no conditional writes.
        """
        try:
            with self._reaching():
                self._fs.pipe_file(self._full(path), data, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            raise RecfeatError(
                f"Cannot write {self.path(path)}: {error.strerror or error}. The object store must "
                "know conditional writes (If-None-Match), so that two machines never buy the same."
            ) from error
        return True

    def upload(self, local: Path, path: str) -> None:
        """Put a local file here, which appears whole.

        Raises:
            RecfeatError: it cannot be written; nothing was replaced.
        """
        try:
            with self._reaching():
                self._fs.put_file(str(local), self._full(path))
        except OSError as error:
            raise RecfeatError(
                f"Cannot write {self.path(path)}: {error.strerror or error}. Nothing was replaced; "
                "run again when the store can be reached."
            ) from error

    def download(self, path: str, local: Path) -> None:
        """Copy a file to a local place.

        Raises:
            FileNotFoundError: it is not there.
        """
        self._fs.get_file(self._full(path), str(local))

    def move(self, path: str, to: str) -> None:
        """Give a file another place; locally it is never absent from both."""
        if self.is_local:
            os.makedirs(os.path.dirname(self._full(to)), exist_ok=True)
            os.replace(self._full(path), self._full(to))
        else:
            self._fs.copy(self._full(path), self._full(to))
            self.delete(path)

    def delete(self, path: str) -> None:
        """Remove a file or a folder, if it is there."""
        if self.exists(path):
            self._fs.rm(self._full(path), recursive=True)

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        """Say in a sentence that an object store is not there, whose errors are its client's own.

        Raises:
            RecfeatError: it cannot be reached, or knows no such credentials.
        """
        try:
            yield
        except (OSError, RecfeatError):
            raise
        except Exception as error:
            if self.is_local:
                raise
            problem = str(error).splitlines()[0].rstrip(".")
            raise RecfeatError(
                f"The lake {self.root} cannot be reached: {problem}. Check the store's address and "
                "credentials (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, …), then run again; what is "
                "done is kept."
            ) from error

    def _full(self, path: str) -> str:
        return f"{self._base.rstrip('/')}/{path}" if path else self._base

    def _stamp(self, path: str) -> Any:
        """What changes with a file, as far as its listing tells."""
        if self.is_local:
            about = os.stat(self._full(path))
            return about.st_mtime_ns, about.st_size, about.st_ino
        found = self._fs.info(self._full(path))
        return found["size"], str(found.get("ETag") or found.get("created") or "")
