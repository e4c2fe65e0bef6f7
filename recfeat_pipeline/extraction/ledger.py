"""The ledger of one shard: what was bought, kept so that no crash loses it and none pays twice.

An answer is one line of an append-only journal the moment it arrives; lines become Parquet segments
under ``responses/shard=NN/``, each appearing whole by rename. After ``kill -9`` the journal is
replayed: at most the calls in flight are lost. A segment is named by its content, so a replay of
lines that had just become one writes the same file again. One process holds a shard at a time; when
it leaves, it merges the small segments of many short runs (:meth:`Lake.compact`).

A journal is of one machine, which may not come back. Where the lake is an object store, answers
leave for it every few seconds or few hundred rows, and what holds the shard is a lease.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.journal import read_lines, responses_frame, to_line
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import JOURNAL, fill
from recfeat_pipeline.schemas import RESPONSES

SEGMENT_ROWS = 5_000
SHIPPED_ROWS, SHIPPED_SECONDS = 200, 5.0  # what another machine may buy again, at most
SYNC_SECONDS = 1.0  # a power cut, unlike kill -9, may lose twice this much
_SYNCER = ThreadPoolExecutor(1, thread_name_prefix="fsync")  # a slow disk must not stop the calls


class Ledger:
    """The ledger of one shard, open for writing; a context manager that holds the shard's lock.

    Args:
        lake: where the segments lie.
        shard: ``"03"``.
        wait_s: how long to wait for another process that holds the shard.

    Raises:
        RecfeatError: another process holds the shard.
    """

    def __init__(self, lake: Lake, shard: str, wait_s: float = 60.0):
        self.lake, self.shard = lake, shard
        self._lease = lake.lease(f"responses-{shard}", timeout=wait_s)
        self._path = lake.state / fill(JOURNAL, shard=shard)
        self.damaged = 0  # lines of a dead process's journal that were put aside
        self._rows: list[dict[str, Any]] = []  # of the journal
        self._shipped = 0  # how many of them are in segments already
        self._shipping = threading.Lock()
        self._courier: threading.Thread | None = None
        self._due, self._left = threading.Event(), False
        self._fd = -1
        self._synced = 0.0
        self._new_segments = False
        self._sync: Future[None] | None = None

    def __enter__(self) -> "Ledger":
        try:
            self._lease.acquire()
        except TimeoutError as error:
            raise RecfeatError(
                f"Shard {self.shard} of {self.lake.root} is being extracted by another process. "
                "Wait until it ends, or give this one other shards."
            ) from error
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._replay()
            if not self.lake.is_local:
                name = f"ship {self.shard}"
                self._courier = threading.Thread(target=self._ship, name=name, daemon=True)
                self._courier.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._courier is not None:
                self._left = True
                self._due.set()
                self._courier.join()
            if self._fd >= 0:
                self.flush()
            if self._new_segments:
                self.lake.compact("responses", shard=self.shard)
        finally:
            if self._sync is not None:
                self._sync.exception()  # wait; what it synced is in a segment by now
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1
            self._lease.release()

    def append(self, row: dict[str, Any]) -> None:
        """Keep one ended call (a RESPONSES row); it survives the process from here on.

        Raises:
            RecfeatError: it cannot be written; or it was, and another machine has the shard now.
        """
        self._write(to_line(row))
        self._rows.append(row)
        if len(self._rows) >= SEGMENT_ROWS:
            self.flush()
        elif len(self._rows) - self._shipped >= SHIPPED_ROWS:
            self._due.set()
        self._lease.check()

    def flush(self) -> None:
        """Turn the journal into a segment and empty it, in this order."""
        with self._shipping:
            if self._rows:
                self._add_segment(len(self._rows))
                os.ftruncate(self._fd, 0)
                self._rows.clear()
                self._shipped = 0

    def _ship(self) -> None:
        """Copy what has arrived into the lake, again and again, in a thread of its own."""
        while not self._left:
            self._due.wait(SHIPPED_SECONDS)
            self._due.clear()
            with self._shipping, contextlib.suppress(Exception):  # tried again; `flush` will raise
                self._add_segment(len(self._rows))

    def _add_segment(self, end: int) -> None:
        """Write the journal's rows up to a number that are in no segment yet."""
        rows = self._rows[self._shipped : end]
        if rows:
            self.lake.append("responses", responses_frame(rows), shard=self.shard)
            self._new_segments = True
            self._shipped = end

    def statuses(self) -> pl.DataFrame:
        """Every key of the shard once: ``cache_key, status`` ("ok" beats "failed")."""
        return statuses(self.lake, self.shard)

    def adopt(self, keys: pl.Series) -> int:
        """Copy valid answers that other shards bought under these keys; returns how many.

        An item that changed its id lies in another shard; a key does not know the item.
        """
        own = self.lake.table_paths("responses", shard=self.shard)
        others = [path for path in self.lake.table_paths("responses") if path not in own]
        found = list(_rows_of(self.lake, others, keys))
        if not found:
            return 0
        rows = pl.concat(found, how="vertical_relaxed").unique("cache_key", maintain_order=True)
        self.lake.append("responses", rows, shard=self.shard)
        self._new_segments = True
        return rows.height

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._fd, data)
            if written != len(data):
                raise OSError(f"wrote {written} of {len(data)} bytes")
            if time.monotonic() - self._synced > SYNC_SECONDS:
                if self._sync is not None:
                    self._sync.result()
                self._sync = _SYNCER.submit(os.fsync, self._fd)
                self._synced = time.monotonic()
        except OSError as error:
            raise RecfeatError(
                f"Cannot write the journal {self._path}: {error}. Free some disk space and run "
                "again; what was answered before is kept."
            ) from error

    def _replay(self) -> None:
        """Turn what a dead process left into a segment; damaged and torn lines are put aside."""
        self._rows, damaged = read_lines(self._path.read_bytes())
        if self._rows and not self.lake.is_local:
            self._rows = self._not_shipped(self._rows)
        self.damaged = len(damaged)
        if damaged:
            with self.aside.open("ab") as file:
                file.write(b"\n".join(damaged) + b"\n")
                file.flush()
                os.fsync(file.fileno())  # before the journal, which holds them too, is emptied
        self.flush()
        os.ftruncate(self._fd, 0)

    def _not_shipped(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those that the dead process had not copied into the lake."""
        parts = self.lake.each("responses", ["cache_key", "created_at"], shard=self.shard)
        held = {row for part in parts for row in part.iter_rows()}
        return [row for row in rows if (row["cache_key"], row["created_at"]) not in held]

    @property
    def aside(self) -> Path:
        """The file of lines that could not be read."""
        return self._path.with_suffix(".damaged")


def statuses(lake: Lake, shard: str) -> pl.DataFrame:
    """``cache_key, status`` of a shard's segments, each key once; opens nothing for writing."""
    schema = {"cache_key": pl.String, "ok": pl.Boolean}
    frames = [
        part.select("cache_key", ok=pl.col("status") == "ok")
        for part in lake.each("responses", ["cache_key", "status"], shard=shard)
    ]
    merged = pl.concat([pl.DataFrame(schema=schema), *frames])
    best = merged.group_by("cache_key").agg(pl.col("ok").any())
    return best.select(
        "cache_key", status=pl.when("ok").then(pl.lit("ok")).otherwise(pl.lit("failed"))
    )


def journalled(lake: Lake) -> pl.DataFrame:
    """RESPONSES rows in this machine's journals: of runs that go on, or were killed.

    The next run turns them into segments; what has been copied into the lake is in both.
    """
    paths = sorted((lake.state / JOURNAL).parent.glob(Path(fill(JOURNAL, shard="*")).name))
    rows = [row for path in paths for row in read_lines(path.read_bytes())[0]]
    return responses_frame(rows)


def answers(lake: Lake, shard: str, keys: pl.Series) -> pl.DataFrame:
    """The newest valid RESPONSES row of each of these keys, from one shard."""
    found = list(_rows_of(lake, lake.table_paths("responses", shard=shard), keys))
    if not found:
        return pl.DataFrame(schema=RESPONSES)
    return (
        pl.concat(found, how="vertical_relaxed")
        .sort("created_at")
        .unique("cache_key", keep="last", maintain_order=True)
    )


def answered(lake: Lake, shard: str, calls: pl.DataFrame) -> pl.DataFrame:
    """The calls that have a valid answer, in their order.

    Args:
        lake: holds the ledger.
        shard: of it.
        calls: with ``cache_key``, as :func:`~recfeat_pipeline.extraction.requests.keyed` has them.

    Returns:
        Their columns, and ``response, model, created_at`` of the newest answer.
    """
    rows = answers(lake, shard, calls["cache_key"].unique())
    told = rows.select("cache_key", "response", "model", "created_at")
    return calls.join(told, on="cache_key", maintain_order="left")


def _rows_of(lake: Lake, paths: Iterable[str], keys: pl.Series) -> Iterator[pl.DataFrame]:
    """Valid rows with one of the keys, file by file; files without one are read by key only."""
    wanted = keys.to_frame("cache_key")
    for path in paths:
        marks = lake.read_parquet(path, ["cache_key", "status"])
        if marks.filter(pl.col("status") == "ok").join(wanted, on="cache_key", how="semi").height:
            rows = lake.read_parquet(path).filter(pl.col("status") == "ok")
            yield rows.join(wanted, on="cache_key", how="semi", maintain_order="left")
