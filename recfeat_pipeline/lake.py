"""The lake: paths, atomic writes, append-only segments, compaction.

The root is a folder or an fsspec URL (``s3://bucket/lake``); no other module knows which. A file
appears whole or not at all: locally it is written beside its place and renamed, on an object store
a put is atomic by itself. What must be a local file whatever the root is (journals, locks, the
DuckDB file, Dagster's home) lies under :attr:`Lake.state`.
"""

import hashlib
import io
import json
import os
import uuid
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.locks import Lock
from recfeat_pipeline.schemas import LAKE, LakeTable

FORMAT = 2  # of the lake's layout; raised together with a step in migrations.py
DEFAULT_SHARDS, MAX_SHARDS = 16, 64
COMPACT_ABOVE = 32  # small segments of a folder; a run leaves one or more in each
SMALL_BYTES, COMPACT_AT_ONCE = 1 << 20, 64  # of a segment; segments in memory at once
RETIRED_FOR = timedelta(hours=1)  # until a merged segment goes; a reader has listed it before
REMEDIES = {  # for a damaged file without a backup, by the folder it lies in
    "responses": "move it elsewhere: the answers it held were paid for, and are bought again",
    "raw": "delete it: what it held is scraped again",
    "runs": "delete its folder and run again",
}
INTEGERS = {"format": (0, 10**6), "n_shards": (1, MAX_SHARDS)}  # of lake.json, with their ranges


class Lake:
    """One catalogue's lake. Paths given to its methods are relative to the root."""

    def __init__(self, root: str | os.PathLike[str]):
        root = os.fspath(root)
        self.is_local = "://" not in root
        self.root = str(Path(root).expanduser().resolve()) if self.is_local else root.rstrip("/")
        try:
            self._fs, self._base = fsspec.core.url_to_fs(self.root)
        except (ImportError, ValueError) as error:
            raise RecfeatError(
                f"The lake {self.root} cannot be opened: {str(error).rstrip('.')}. Set "
                "RECFEAT_LAKE to a folder, or install what its protocol needs: pip install "
                "'recfeat_pipeline[s3]'."
            ) from error
        if self.is_local:
            self.state = Path(self.root)
            if self.state.is_file():
                raise RecfeatError(f"The lake {self.root} is a file; set RECFEAT_LAKE to a folder.")
        else:
            digest = hashlib.sha256(self.root.encode()).hexdigest()[:16]
            self.state = Path.home() / ".recfeat" / digest

    def __repr__(self) -> str:
        return f"Lake({self.root!r})"

    def path(self, *parts: str) -> str:
        """The full path or URL of a file, as Polars and DuckDB take it."""
        return "/".join((self.root, *parts))

    @property
    def feature_store(self) -> Path:
        """The DuckDB file, always local."""
        return self.state / "feature_store.duckdb"

    # -- files ---------------------------------------------------------------------------------

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return self._fs.exists(self._full(path))

    def glob(self, pattern: str) -> list[str]:
        """Relative paths that match, sorted."""
        base = self._base.rstrip("/") + "/"
        return sorted(p.removeprefix(base) for p in self._fs.glob(self._full(pattern)))

    def _sizes(self, pattern: str) -> list[tuple[str, int]]:
        base = self._base.rstrip("/") + "/"
        found = self._fs.glob(self._full(pattern), detail=True)
        return [(path.removeprefix(base), about["size"]) for path, about in found.items()]

    def modified(self, path: str) -> datetime | None:
        """When a file was written last (UTC); None when it is not there."""
        return self._fs.modified(self._full(path)) if self.exists(path) else None

    def read_bytes(self, path: str) -> bytes:
        """The whole file."""
        return self._fs.cat_file(self._full(path))

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a file atomically."""
        full = self._full(path)
        try:
            if not self.is_local:
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

    def delete(self, path: str) -> None:
        """Remove a file or a folder, if it is there."""
        if self.exists(path):
            self._fs.rm(self._full(path), recursive=True)

    def read_json(self, path: str) -> Any:
        """Parse a JSON file; None when it is absent."""
        if not self.exists(path):
            return None
        try:
            return json.loads(self.read_bytes(path))
        except ValueError as error:
            remedy = REMEDIES.get(path.partition("/")[0])
            raise RecfeatError(
                f"{self.path(path)} is not valid JSON ({error}). Restore it from a backup"
                f"{f', or {remedy}' if remedy else ''}."
            ) from error

    def write_json(self, path: str, value: Any) -> None:
        """Write a JSON file atomically."""
        self.write_bytes(path, json.dumps(value, indent=2, sort_keys=True).encode())

    # -- frames --------------------------------------------------------------------------------

    def write_parquet(self, path: str, frame: pl.DataFrame) -> None:
        """Write one Parquet file atomically."""
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd")
        self.write_bytes(path, buffer.getvalue())

    def append_segment(self, folder: str, frame: pl.DataFrame) -> str | None:
        """Add rows to a folder as a new file named by its content; None when there are no rows.

        Appending the same rows twice leaves one file, so a retried append is harmless.
        """
        if frame.is_empty():
            return None
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd")
        data = buffer.getvalue()
        path = f"{folder}/part-{hashlib.sha256(data).hexdigest()[:16]}.parquet"
        self.write_bytes(path, data)
        return path

    def compact(self, folder: str) -> None:
        """Merge a folder's small segments when there are many; otherwise one listing.

        What was merged stays beside the merged file for an hour, so that whoever has listed it can
        read it. Meanwhile, and after a crash, a row may lie in two files, and never in none:
        readers that count rows count distinct ones.
        """
        retired = self._retired(folder)
        sizes = sorted((size, path) for path, size in self._sizes(f"{folder}/*.parquet"))
        small = [p for size, p in sizes if size < SMALL_BYTES and p not in retired]
        while len(small) > COMPACT_ABOVE:
            some, small = sorted(small[:COMPACT_AT_ONCE]), small[COMPACT_AT_ONCE:]
            frames = [self.read_parquet(path) for path in some]
            merged = pl.concat(frames, how="diagonal_relaxed").unique(maintain_order=True)
            kept = self.append_segment(folder, merged)
            self.write_json(f"{kept}.replaces.json", [path for path in some if path != kept])

    def _retired(self, folder: str) -> set[str]:
        """Segments that lie in a merged one as well; those of an hour ago are deleted."""
        retired: set[str] = set()
        for note in self.glob(f"{folder}/*.replaces.json"):
            replaced, since = self.read_json(note) or [], self.modified(note)
            if since is None or datetime.now(UTC) - since < RETIRED_FOR:
                retired.update(replaced)
                continue
            for path in (*replaced, note):
                self.delete(path)
        return retired

    def read(self, table: str, **hive: str) -> pl.DataFrame:
        """A lake table, with its hive keys as columns; typed and empty when there are no files.

        ``hive`` narrows it to one partition: ``read("scores", version="v1", shard="03")``.
        """
        spec: LakeTable = LAKE[table]
        paths = self.table_paths(table, **hive)
        if not paths:
            return pl.DataFrame(schema=self.schema(table))
        frames = []
        for path in paths:
            keys = dict(part.split("=", 1) for part in path.split("/") if "=" in part)
            frames.append(
                self.read_parquet(path).with_columns(
                    pl.lit(keys[key]).alias(key) for key in spec.hive
                )
            )
        return pl.concat(frames, how="vertical_relaxed")

    def schema(self, table: str) -> dict[str, pl.DataType | type[pl.DataType]]:
        """Columns and types of a table, hive keys included, its ids as this catalogue has them.

        ``lake.json`` remembers under ``ids`` which of item and user ids are text.
        """
        spec, ids = LAKE[table], self.meta.get("ids", {})
        text = {name: pl.String for name in spec.schema if ids.get(name.removeprefix("target_"))}
        return {**spec.schema, **text, **dict.fromkeys(spec.hive, pl.String)}

    def table_paths(self, table: str, **hive: str) -> list[str]:
        """Relative paths of a table's files, narrowed to the given hive keys."""
        pattern = LAKE[table].glob
        for key, value in hive.items():
            pattern = pattern.replace(f"{key}=*", f"{key}={value}")
        return self.glob(pattern)

    def read_parquet(self, path: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """One Parquet file, or some of its columns; locally the others are not read.

        Raises:
            RecfeatError: it is damaged.
        """
        on_disk = columns is not None and self.is_local
        try:
            return pl.read_parquet(
                self.path(path) if on_disk else io.BytesIO(self.read_bytes(path)),
                columns=None if columns is None else list(columns),
            )
        except pl.exceptions.PolarsError as error:
            remedy = REMEDIES.get(path.partition("/")[0], "delete it and run again to rebuild it")
            raise RecfeatError(
                f"{self.path(path)} is not a readable Parquet file "
                f"({str(error).splitlines()[0]}). Restore it from a backup, or {remedy}."
            ) from error

    def _full(self, path: str) -> str:
        return f"{self._base.rstrip('/')}/{path}" if path else self._base

    # -- identity, shards, locks ---------------------------------------------------------------

    def open(self, catalog: str | None = None, name: str | None = None) -> dict[str, Any]:
        """Create ``lake.json``, or check it and upgrade an older lake; returns it.

        Args:
            catalog: the catalogue file or folder to remember; None keeps what is remembered.
            name: the catalogue's name; a lake that already holds another one refuses.

        Raises:
            RecfeatError: the lake belongs to another catalogue or to a newer format.
        """
        meta = self.meta
        if meta["format"] < FORMAT:
            from recfeat_pipeline.migrations import upgrade  # which needs this module

            meta = upgrade(self)
        held = meta.get("name")
        if name and held and held != name:
            raise RecfeatError(
                f"The lake {self.root} holds the catalogue {held!r}, not {name!r}. "
                f"Give each catalogue a lake of its own: RECFEAT_LAKE=data_lake/{name}."
            )
        updated = {**meta, **({"name": name, "catalog": catalog} if name else {})}
        if updated != self.read_json("lake.json"):
            self.write_json("lake.json", updated)
        return updated

    def remember(self, **values: Any) -> None:
        """Set entries of ``lake.json``."""
        self.write_json("lake.json", {**self.open(), **values})

    @property
    def meta(self) -> dict[str, Any]:
        """``lake.json``, or what a new lake would hold; never writes.

        Raises:
            RecfeatError: it is damaged, or of a format that this release does not know yet.
        """
        meta = self.read_json("lake.json")
        if meta is None:
            return {"format": FORMAT, "n_shards": DEFAULT_SHARDS}
        found = {key: meta.get(key) if isinstance(meta, dict) else None for key in INTEGERS}
        for key, (low, high) in INTEGERS.items():
            value = found[key]
            if not isinstance(value, int) or not low <= value <= high:
                raise RecfeatError(
                    f"{self.path('lake.json')} is damaged: {key} is {value!r}. Restore it from a "
                    "backup; the other files of the lake are not touched."
                )
        if meta["format"] > FORMAT:
            raise RecfeatError(
                f"{self.root} was written by a newer recfeat (lake format {meta['format']}, this "
                f"one knows {FORMAT}). Upgrade recfeat_pipeline, or name another lake."
            )
        return meta

    @property
    def n_shards(self) -> int:
        """Number of shards, fixed when the lake was created (at most 64)."""
        return self.meta["n_shards"]

    def lock(self, name: str, timeout: float = -1, shared: bool = False) -> Lock:
        """An inter-process lock; freed by the operating system if its holder dies."""
        return Lock(self.state / "locks" / f"{name}.lock", timeout, shared)


def shard_names(n_shards: int) -> list[str]:
    """``["00", "01", …]``."""
    return [f"{shard:02d}" for shard in range(n_shards)]


def shard_of(item_ids: Iterable[int | str], n_shards: int) -> pl.Series:
    """The shard of each item id: CRC-32 of its text, so it never depends on other items."""
    return pl.Series(
        "shard",
        [f"{zlib.crc32(str(item_id).encode()) % n_shards:02d}" for item_id in item_ids],
        dtype=pl.String,
    )
