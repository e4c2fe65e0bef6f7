"""The lake: the one door to what is stored. Tables and notes are named, not their files.

A table is written whole or added to, and read by its name and keys (``lake.read("scores",
version="v1@…")``); where it lies and what it looks like says :mod:`recfeat_pipeline.layout`. What
must be a local file whatever the root is (journals, locks, checkpoints, the DuckDB file, Dagster's
home) lies under :attr:`Lake.state`.
"""

import hashlib
import io
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from recfeat_pipeline import sealed
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.files import Files
from recfeat_pipeline.layout import LAKE, NOTES, fill, keys_of
from recfeat_pipeline.leases import Lease, machine_name
from recfeat_pipeline.locks import Lock
from recfeat_pipeline.schemas import ID_COLUMNS, Schema

FORMAT = 2  # of the lake's layout; raised together with a step in migrations.py
DEFAULT_SHARDS, MAX_SHARDS = 16, 64
COMPACT_ABOVE = 32  # small segments of a folder; a run leaves one or more in each
SMALL_BYTES, COMPACT_AT_ONCE = 1 << 20, 64  # of a segment; segments in memory at once
RETIRED_FOR = timedelta(hours=1)  # until a merged segment goes; a reader has listed it before
INTEGERS = {"format": (0, 10**6), "n_shards": (1, MAX_SHARDS)}  # of lake.json, with their ranges


class Lake(Files):
    """One catalogue's lake, at a folder or an object store's URL."""

    def __init__(self, root: str | os.PathLike[str]):
        super().__init__(root)
        if self.is_local:
            self.state = Path(self.root)
            if self.state.is_file():
                raise RecfeatError(f"The lake {self.root} is a file; set RECFEAT_LAKE to a folder.")
        else:
            digest = hashlib.sha256(self.root.encode()).hexdigest()[:16]
            self.state = Path.home() / ".recfeat" / digest

    def __repr__(self) -> str:
        return f"Lake({self.root!r})"

    @property
    def feature_store(self) -> Path:
        """The DuckDB file, always local."""
        return self.state / "feature_store.duckdb"

    # -- tables ----------------------------------------------------------------------------------

    def write(self, table: str, frame: pl.DataFrame, **keys: str) -> None:
        """Replace a table, or one partition of it; a file whose content stays is not touched.

        Raises:
            TypeError: the frame is not in the table's schema.
        """
        spec = LAKE[table]
        assert not spec.appends, f"{table} is append-only"
        path = fill(spec.path, **{"part": table, **keys})
        assert "*" not in path, f"{path}: a key is missing"
        self._write_new(path, _parquet(_in_schema(table, frame), sealing=True))

    def append(self, table: str, frame: pl.DataFrame, **keys: str) -> str | None:
        """Add rows as a new file named by its content; None when there are no rows.

        Appending the same rows twice leaves one file, so a retried append is harmless.

        Raises:
            TypeError: the frame is not in the table's schema.
        """
        assert LAKE[table].appends, f"{table} is written whole"
        folder = fill(LAKE[table].path, **keys)
        assert "*" not in folder, f"{folder}: a key is missing"
        return self._add_segment(folder, _in_schema(table, frame))

    def read(self, table: str, **keys: str) -> pl.DataFrame:
        """A table, with its keys as columns; typed and empty when there are no files.

        ``keys`` narrow it to one partition: ``read("scores", version="v1", shard="03")``.
        """
        spec = LAKE[table]
        frames = [
            self.read_parquet(path).with_columns(
                pl.lit(value).alias(key)
                for key, value in self.keys_of(table, path).items()
                if key in spec.keys
            )
            for path in self.table_paths(table, **keys)
        ]
        if not frames:
            return pl.DataFrame(schema=self.schema(table))
        return pl.concat(frames, how="vertical_relaxed")

    def schema(self, table: str) -> Schema:
        """Columns and types of a table, its keys included, its ids as this catalogue has them.

        ``lake.json`` remembers under ``ids`` which of item and user ids are text.
        """
        spec, ids = LAKE[table], self.meta.get("ids", {})
        text = {name: pl.String for name in spec.schema if ids.get(name.removeprefix("target_"))}
        return {**spec.schema, **text, **dict.fromkeys(spec.keys, pl.String)}

    def each(
        self, table: str, columns: Sequence[str] | None = None, **keys: str
    ) -> Iterator[pl.DataFrame]:
        """A table file by file, which bounds the memory; ``columns`` of its schema, or all."""
        for path in self.table_paths(table, **keys):
            yield self.read_parquet(path, columns)

    def table_paths(self, table: str, **keys: str) -> list[str]:
        """Relative paths of a table's files, narrowed to the given keys."""
        return self.glob(fill(LAKE[table].files, **keys))

    def keys_of(self, table: str, path: str) -> dict[str, str]:
        """The keys of one of a table's paths."""
        return keys_of(LAKE[table].files, path)

    def has(self, table: str, **keys: str) -> bool:
        """Whether any file of the table, or of that partition, is there."""
        return bool(self.table_paths(table, **keys))

    def drop(self, table: str, **keys: str) -> None:
        """Delete the files of a table, or of one partition."""
        for path in self.table_paths(table, **keys):
            self.delete(path)

    def read_parquet(self, path: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """One Parquet file, or some of its columns.

        Raises:
            RecfeatError: it is damaged.
        """
        on_disk = self.is_local and columns is not None and self.is_sound(path)
        try:
            return pl.read_parquet(
                self.path(path) if on_disk else io.BytesIO(self.read_bytes(path)),
                columns=None if columns is None else list(columns),
            )
        except pl.exceptions.PolarsError as error:
            problem = f"is not a readable Parquet file ({str(error).splitlines()[0]})"
            raise self.damaged(path, problem) from error

    def compact(self, table: str, **keys: str) -> None:
        """Merge a folder's small segments when there are many; otherwise one listing.

        What was merged stays beside the merged file for an hour, so that whoever has listed it can
        read it. Meanwhile, and after a crash, a row may lie in two files, and never in none:
        readers that count rows count distinct ones.
        """
        folder = fill(LAKE[table].path, **keys)
        retired = self._retired(folder)
        sizes = sorted((size, path) for path, size in self.sizes(f"{folder}*.parquet"))
        small = [p for size, p in sizes if size < SMALL_BYTES and p not in retired]
        while len(small) > COMPACT_ABOVE:
            some, small = sorted(small[:COMPACT_AT_ONCE]), small[COMPACT_AT_ONCE:]
            frames = [self.read_parquet(path) for path in some]
            merged = pl.concat(frames, how="diagonal_relaxed").unique(maintain_order=True)
            kept = self._add_segment(folder, merged)
            replaced = [path for path in some if path != kept]
            self.write_bytes(f"{kept}.replaces.json", sealed.to_json({"replaced": replaced}))

    def _retired(self, folder: str) -> set[str]:
        """Segments that lie in a merged one as well; those of an hour ago are deleted."""
        retired: set[str] = set()
        for note in self.glob(f"{folder}*.replaces.json"):
            found, since = self._read_json(note) or [], self.modified(note)
            replaced = found["replaced"] if isinstance(found, dict) else found  # older releases'
            if since is None or datetime.now(UTC) - since < RETIRED_FOR:
                retired.update(replaced)
                continue
            for path in (*replaced, note):
                self.delete(path)
        return retired

    def _add_segment(self, folder: str, frame: pl.DataFrame) -> str | None:
        if frame.is_empty():
            return None
        data = _parquet(frame)
        path = f"{folder}part-{hashlib.sha256(data).hexdigest()[:16]}.parquet"
        self.write_bytes(path, data)
        return path

    # -- notes -----------------------------------------------------------------------------------

    def read_note(self, name: str, **keys: str) -> Any:
        """A JSON note; None when it is absent.

        Raises:
            RecfeatError: it is damaged.
        """
        return self._read_json(fill(NOTES[name], **keys))

    def write_note(self, name: str, value: dict[str, Any], **keys: str) -> None:
        """Replace a JSON note; one whose content stays is not touched."""
        path = fill(NOTES[name], **keys)
        assert "*" not in path, f"{path}: a key is missing"
        self._write_new(path, sealed.to_json(value))

    def drop_note(self, name: str, **keys: str) -> None:
        """Delete a note, if it is there."""
        self.delete(fill(NOTES[name], **keys))

    def note_keys(self, name: str, **keys: str) -> list[dict[str, str]]:
        """The keys of every note of a name, narrowed to those given; a listing."""
        return [keys_of(NOTES[name], path) for path in self.glob(fill(NOTES[name], **keys))]

    def notes(self, name: str, **keys: str) -> Iterator[tuple[dict[str, str], Any]]:
        """Every note of a name, narrowed to the given keys: its keys and its content."""
        for found in self.note_keys(name, **keys):
            yield found, self.read_note(name, **found)

    def _read_json(self, path: str) -> Any:
        try:
            return sealed.from_json(self.read_bytes(path))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise self.damaged(path, f"is not valid JSON ({error})") from error

    def _write_new(self, path: str, data: bytes) -> None:
        if not (self.exists(path) and self._holds(path, data)):
            self.write_bytes(path, data)

    def _holds(self, path: str, data: bytes) -> bool:
        try:
            return self.read_bytes(path) == data
        except RecfeatError:  # damaged, and about to be replaced
            return False

    # -- identity, shards, locks ---------------------------------------------------------------

    def open(self, catalog: str | None = None, name: str | None = None) -> dict[str, Any]:
        """Create ``lake.json``, or check it; returns it. ``migrations.py`` opens older lakes.

        Args:
            catalog: the catalogue file or folder to remember; None keeps what is remembered.
            name: the catalogue's name; a lake that already holds another one refuses.

        Raises:
            RecfeatError: the lake belongs to another catalogue or to a newer format.
        """
        meta = self.meta
        held = meta.get("name")
        if name and held and held != name:
            raise RecfeatError(
                f"The lake {self.root} holds the catalogue {held!r}, not {name!r}. "
                f"Give each catalogue a lake of its own: RECFEAT_LAKE=data_lake/{name}."
            )
        updated = {**meta, **({"name": name, "catalog": catalog} if name else {})}
        if updated != self.read_note("lake"):
            self.write_note("lake", updated)
        return updated

    def remember(self, **values: Any) -> None:
        """Set entries of ``lake.json``."""
        self.write_note("lake", {**self.meta, **values})

    @property
    def meta(self) -> dict[str, Any]:
        """``lake.json``, or what a new lake would hold; never writes.

        Raises:
            RecfeatError: it is damaged, or of a format that this release does not know yet.
        """
        meta = self.read_note("lake")
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
        """A lock among this machine's processes; freed when one of them dies."""
        return Lock(self.state / "locks" / f"{name}.lock", timeout, shared)

    def lease(self, name: str, timeout: float = -1) -> Lease:
        """What one process holds among all that share the lake, on this machine or another."""
        files, machine = (None, "") if self.is_local else (self, self.machine)
        return Lease(self.lock(name, timeout), files, name, machine, timeout)

    @property
    def machine(self) -> str:
        """A name for where this lake's locks lie."""
        return machine_name(self.state / "locks")


def _parquet(frame: pl.DataFrame, sealing: bool = False) -> bytes:
    buffer = io.BytesIO()
    metadata = {sealed.NAME: sealed.BLANK} if sealing else None
    frame.write_parquet(buffer, compression="zstd", metadata=metadata)
    return sealed.seal(buffer.getvalue()) if sealing else buffer.getvalue()


def _in_schema(table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its columns in the table's order.

    Raises:
        TypeError: a column is missing, not the table's, or of another type.
    """
    schema: Mapping[str, Any] = LAKE[table].schema
    wrong = [
        f"{name} is {frame.schema.get(name, 'missing')}, not {schema.get(name, 'a column')}"
        for name in schema.keys() | frame.schema.keys()
        if not _fits(name, frame.schema.get(name), schema.get(name))
    ]
    if wrong:
        raise TypeError(f"Not a frame for the lake's table {table}: {'; '.join(sorted(wrong))}.")
    return frame.select(list(schema))


def _fits(name: str, found: Any, wanted: Any) -> bool:
    if name in ID_COLUMNS and wanted is not None:
        return found in (pl.Int64, pl.String)
    return found is not None and found == wanted


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
