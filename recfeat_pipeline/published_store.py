"""The feature store of a lake on an object store: built on one machine, read on any.

DuckDB works on local files. Whoever builds does so on a copy of his own (``Lake.feature_store``)
and puts it into the lake as a version, named by what its tables are made of and by its content. A
note says which version is current. Whoever reads fetches that one once and keeps it, read-only,
under ``Lake.state``. A version that has been replaced stays for an hour, for those who read it.
"""

import hashlib
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import RETIRED_FOR, Lake
from recfeat_pipeline.layout import PUBLISHED_STORE, fill

BASE = "feature_store.base"  # beside the local copy: the version that it continues


def current(lake: Lake) -> dict[str, Any] | None:
    """``version, made_of, sha256, bytes, published_at`` of what is read; None: nothing is yet."""
    note: dict[str, Any] | None = lake.read_note("store")
    return note


def fetch(lake: Lake) -> Path:
    """A local, read-only file of the current version.

    Raises:
        RecfeatError: none has been published, or what arrives is not what was.
    """
    for last in (False, True):
        about = current(lake)
        if about is None:
            raise RecfeatError(
                f"The lake {lake.root} has no feature store yet: run `recfeat run` first."
            )
        path = _cached(lake, about["version"])
        if path.exists():
            os.utime(path)  # in use: not to be pruned
            return path
        try:
            _download(lake, about, path)
        except FileNotFoundError:
            if last:
                raise
            continue  # replaced, and pruned, since the note was read
        _prune_cache(path)
        return path
    raise AssertionError("unreachable")


def check_out(lake: Lake) -> None:
    """Let the local copy continue the current version; what it held of another is dropped."""
    about = current(lake)
    if about is None or _base(lake) == about["version"]:
        return
    _replace(lake.feature_store, fetch(lake))
    lake.feature_store.with_suffix(".duckdb.wal").unlink(missing_ok=True)
    _note_base(lake, about["version"])


def publish(lake: Lake, made_of: str) -> None:
    """Make the local copy, which nobody has open for writing, the current version.

    A version that is made of the same as the current one is not put there again.
    """
    about = current(lake)
    if about is not None and about["made_of"] == made_of:
        return
    digest = _sha256(lake.feature_store)
    version = f"{made_of}-{digest[:8]}"
    path = _cached(lake, version)
    _replace(path, lake.feature_store)
    path.chmod(0o444)
    lake.upload(path, fill(PUBLISHED_STORE, version=version))
    found = {
        "version": version,
        "made_of": made_of,
        "sha256": digest,
        "bytes": path.stat().st_size,
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    lake.write_note("store", found)
    _note_base(lake, version)
    _prune(lake, fill(PUBLISHED_STORE, version=version))
    _prune_cache(path)


def _download(lake: Lake, about: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    place = fill(PUBLISHED_STORE, version=about["version"])
    try:
        lake.download(place, temporary)
        if _sha256(temporary) != about["sha256"]:
            raise lake.damaged(place, "is damaged: its content is not what was published")
        temporary.chmod(0o444)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _cached(lake: Lake, version: str) -> Path:
    return lake.state / fill(PUBLISHED_STORE, version=version)


def _base(lake: Lake) -> str | None:
    """The version that the local copy continues; None: there is no copy, or it has none."""
    path = lake.state / BASE
    known = path.exists() and lake.feature_store.exists()
    return path.read_text(encoding="ascii") if known else None


def _note_base(lake: Lake, version: str) -> None:
    (lake.state / BASE).write_text(version, encoding="ascii")


def _replace(target: Path, source: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    shutil.copyfile(source, temporary)
    temporary.replace(target)


def _prune(lake: Lake, kept: str) -> None:
    for path in lake.glob(fill(PUBLISHED_STORE)):
        since = lake.modified(path)
        if path != kept and since is not None and datetime.now(UTC) - since > RETIRED_FOR:
            lake.delete(path)


def _prune_cache(kept: Path) -> None:
    for path in kept.parent.glob(f"*{PurePosixPath(PUBLISHED_STORE).suffix}"):
        age = time.time() - path.stat().st_mtime
        if path != kept and age > RETIRED_FOR.total_seconds():
            path.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
