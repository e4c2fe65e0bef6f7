"""The raw store: every answer of one text source, append-only, and what is due to be asked.

``raw/<source>/shard=NN/*.parquet`` holds rows of :data:`recfeat_pipeline.text_schemas.RAW`. Three
statuses are answers (``ok``, ``partial``, ``missing``); ``failed`` is not one and never hides an
earlier body. A source that suddenly says *missing* where it had text must say so twice before the
text is given up, since an outage can look like that.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from recfeat_pipeline.guard import rejected_windows
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.leases import Lease
from recfeat_pipeline.text_schemas import CHANGES, RAW

UNCHANGED = "unchanged"  # how_found of an "ok" row without a body: the stored revision still holds
FLUSH_ROWS, FLUSH_CHARS, FLUSH_SECONDS = 256, 8 << 20, 15.0
_META = [column for column in RAW if column != "body"]


@dataclass(frozen=True)
class Policy:
    """When an item is due again."""

    ttl: timedelta = timedelta(days=30)  # of an ok answer; each item's own, in [ttl/2, ttl]
    missing: timedelta = timedelta(days=30)  # of a "missing" one, each item's own as well
    again: timedelta = timedelta(days=1)  # of a partial one, and of text that vanished once


class RawStore:
    """One source's answers in a lake."""

    def __init__(self, lake: Lake, source: str, policy: Policy | None = None):
        self.lake = lake
        self.source = source
        self.policy = policy or Policy()
        self._n_shards = lake.n_shards
        self._held: list[Lease] = []

    # -- what is due -----------------------------------------------------------------------------

    def plan(self, items: pl.DataFrame, now: datetime | None = None) -> pl.DataFrame:
        """The items to ask now, in shard order so that few segments are written.

        Args:
            items: ``item_id`` and ``key`` (what the source is asked for), and any other columns.
            now: for tests.

        Returns:
            Rows of ``items`` with ``due`` (new, failed, partial, vanished, missing, changed,
            expired) and, if a body is stored, its ``url``, ``how_found`` and, unless it is
            partial, ``revision``.
        """
        now = now or datetime.now(UTC)
        policy = self.policy
        known = self._known(items)
        age = (pl.lit(now) - pl.col("fetched_at")).dt.total_seconds()
        # Each item's own term, so that what was fetched in one day does not expire in one.
        share = 0.5 + 0.5 * pl.col("item_id").hash(seed=0) / 2**64
        changed = pl.col("noted_at") > pl.col("fetched_at")
        due = (
            pl.when(pl.col("status").is_null())
            .then(pl.lit("new"))
            .when(pl.col("status") == "failed")
            .then(pl.lit("failed"))
            .when(changed)
            .then(pl.lit("changed"))
            .when((pl.col("status") == "partial") & (age >= policy.again.total_seconds()))
            .then(pl.lit("partial"))
            .when(pl.col("vanished") & (age >= policy.again.total_seconds()))
            .then(pl.lit("vanished"))
            .when((pl.col("status") == "missing") & (age >= share * policy.missing.total_seconds()))
            .then(pl.lit("missing"))
            .when((pl.col("status") == "ok") & (age >= share * policy.ttl.total_seconds()))
            .then(pl.lit("expired"))
        )
        changes = self.changes().group_by("url").agg(pl.max("noted_at"))
        return (
            items.join(known, on="item_id", how="left")
            .join(changes, on="url", how="left")
            .with_columns(due.alias("due"), shard_of(items["item_id"], self._n_shards))
            .filter(pl.col("due").is_not_null())
            .sort("shard", "item_id")
            .drop("status", "fetched_at", "vanished", "noted_at")
        )

    def revisions(self, items: pl.DataFrame) -> pl.DataFrame:
        """``url`` and stored ``revision`` of the items whose newest answer is a whole text."""
        known = self._known(items).filter(pl.col("status") == "ok").select("url", "revision")
        return known.drop_nulls().unique().sort("url")

    # -- what is stored --------------------------------------------------------------------------

    def _known(self, items: pl.DataFrame) -> pl.DataFrame:
        """Per item its newest row, and where its text is from."""
        return (
            self.history(items)
            .group_by("item_id")
            .agg(
                pl.last("status", "fetched_at"),
                pl.col("revision").filter(_has_body() & (pl.col("status") == "ok")).last(),
                pl.col("url", "how_found").filter(_has_body()).last(),
                _vanished_once().alias("vanished"),
            )
        )

    def current(self, items: pl.DataFrame) -> pl.DataFrame:
        """RAW rows with the body that holds for each item (``item_id``, ``key``), if there is one.

        The newest ``ok`` body, else the newest ``partial``; none once an item vanished twice.
        """
        chosen = (
            self.history(items)
            .filter(_answered() & ~_vanished_twice().over("item_id") & _has_body())
            .sort(pl.col("status") == "ok", "fetched_at")
            .group_by("item_id")
            .agg(pl.last("fetched_at"))
        )
        bodies = [
            part.join(chosen, on=["item_id", "fetched_at"], how="semi", maintain_order="left")
            for part in self._segments(items)
        ]
        if not bodies:
            return pl.DataFrame(schema={**RAW, "item_id": items["item_id"].dtype})
        return pl.concat(bodies).unique("item_id").sort("item_id")

    def history(self, items: pl.DataFrame) -> pl.DataFrame:
        """All rows of the items under their present keys, oldest first, without bodies.

        Answers of a day that somebody rejected (:mod:`recfeat_pipeline.guard`) are void.
        """
        frames = list(self._segments(items, _META))
        if not frames:
            return pl.DataFrame(schema={**RAW, "item_id": items["item_id"].dtype}).select(_META)
        keys = items.select("item_id", "key").unique()
        at = pl.col("fetched_at")
        void = [(at > after) & (at <= until) for after, until in rejected_windows(self.lake)]
        return (
            pl.concat(frames, how="vertical_relaxed")
            .unique()
            .filter(~pl.any_horizontal(void) if void else True)
            .join(keys, on=["item_id", "key"], how="semi")
            .sort("fetched_at")
        )

    def status(self, items: pl.DataFrame) -> pl.DataFrame:
        """The newest row's metadata per item, without its body: for reports."""
        return self.history(items).group_by("item_id").last().select(_META).sort("item_id")

    def _segments(
        self, items: pl.DataFrame, columns: list[str] | None = None
    ) -> Iterator[pl.DataFrame]:
        for shard in self._shards(items):
            yield from self.lake.each("raw", columns, source=self.source, shard=shard)

    def _shards(self, items: pl.DataFrame) -> pl.Series:
        return shard_of(items["item_id"], self._n_shards).unique().sort()

    def forget(self, keep: timedelta, now: datetime | None = None) -> int:
        """Delete rows that are older than may be kept, of whatever item; returns how many.

        It needs no client and no catalogue: the terms hold for who no longer asks as well. The
        rest of a segment is written before the segment goes, so a crash loses nothing.
        """
        oldest = (now or datetime.now(UTC)) - keep
        forgotten: set[tuple[Any, ...]] = set()
        for path in self.lake.table_paths("raw", source=self.source):
            if not (self.lake.read_parquet(path, ["fetched_at"])["fetched_at"] < oldest).any():
                continue
            shard = self.lake.keys_of("raw", path)["shard"]
            with self._lease(shard):
                if not self.lake.exists(path):
                    continue  # merged meanwhile: the next run finds its rows
                rows = self.lake.read_parquet(path)
                kept = rows.filter(pl.col("fetched_at") >= oldest)
                self.lake.append("raw", kept, source=self.source, shard=shard)
                self.lake.delete(path)
            gone = rows.filter(pl.col("fetched_at") < oldest)
            forgotten.update(gone.select("item_id", "key", "fetched_at").iter_rows())
        return len(forgotten)

    # -- the change feed -------------------------------------------------------------------------

    def changes(self) -> pl.DataFrame:
        """What the source's change feed has named: ``url``, ``noted_at``."""
        return self.lake.read("changes", source=self.source).drop("source")

    def note_changes(self, urls: list[str], asked_until: datetime) -> None:
        """Keep what the feed named and how far it was read: first the names, then the mark."""
        noted = pl.DataFrame({"url": urls, "noted_at": [asked_until] * len(urls)}, schema=CHANGES)
        self.lake.append("changes", noted, source=self.source)
        self.lake.compact("changes", source=self.source)
        mark = {"asked_until": asked_until.isoformat()}
        self.lake.write_note("changes", mark, source=self.source)

    @property
    def asked_until(self) -> datetime | None:
        """How far the change feed was read."""
        mark = self.lake.read_note("changes", source=self.source)
        return datetime.fromisoformat(mark["asked_until"]) if mark else None

    # -- writing ---------------------------------------------------------------------------------

    @contextmanager
    def locked(self, items: pl.DataFrame) -> Iterator[None]:
        """Hold the items' shards: two runs never ask for the same item at once, on any machine."""
        with ExitStack() as stack:
            stack.callback(self._held.clear)
            for shard in self._shards(items):  # in order, so that two never wait for each other
                self._held.append(stack.enter_context(self._lease(shard)))
            yield

    def check_held(self) -> None:
        """Make sure that what is held still is.

        Raises:
            RecfeatError: another machine took this process for dead, and asks the source now.
        """
        for lease in self._held:
            lease.check()

    def _lease(self, shard: str) -> Lease:
        return self.lake.lease(f"raw-{self.source}-{shard}")

    @contextmanager
    def writer(self, dtype: pl.DataType) -> Iterator["RawWriter"]:
        """A :class:`RawWriter`; whatever ends the block, its rows are kept."""
        writer = RawWriter(self, dtype)
        try:
            yield writer
        finally:
            writer.close()


class RawWriter:
    """Gathers rows and appends them as segments every so many rows, characters or seconds."""

    def __init__(self, store: RawStore, dtype: pl.DataType):
        self._store = store
        self._schema = {**RAW, "item_id": dtype}
        self._rows: list[dict[str, Any]] = []
        self._chars = 0
        self._flushed = time.monotonic()
        self._touched: set[str] = set()  # shards

    def add(self, **row: Any) -> None:
        """Keep one RAW row; columns left out are null, ``fetched_at`` is now."""
        self._rows.append({"fetched_at": datetime.now(UTC), **row})
        self._chars += len(row.get("body") or "")
        if (
            len(self._rows) >= FLUSH_ROWS
            or self._chars >= FLUSH_CHARS
            or time.monotonic() - self._flushed >= FLUSH_SECONDS
        ):
            self.flush()

    def flush(self) -> None:
        """Append what was gathered, one segment per shard.

        Raises:
            RecfeatError: it is kept, and the source is another machine's to ask now.
        """
        store, rows = self._store, self._rows
        frame = pl.DataFrame(rows, schema=self._schema)
        frame = frame.with_columns(shard_of(frame["item_id"], store._n_shards))
        for (shard,), part in frame.group_by("shard"):
            store.lake.append("raw", part.drop("shard"), source=store.source, shard=str(shard))
            self._touched.add(str(shard))
        self._rows, self._chars, self._flushed = [], 0, time.monotonic()
        store.check_held()

    def close(self) -> None:
        """Append the rest and merge the segments of shards that have gathered many."""
        self.flush()
        for shard in self._touched:
            self._store.lake.compact("raw", source=self._store.source, shard=shard)


def _has_body() -> pl.Expr:
    return pl.col("status").is_in(["ok", "partial"]) & pl.col("how_found").ne_missing(UNCHANGED)


def _answered() -> pl.Expr:
    return pl.col("status") != "failed"


def _last_missing() -> pl.Expr:
    """How many of the last two answers are "missing"."""
    return (pl.col("status").filter(_answered()).tail(2) == "missing").sum()


def _vanished_once() -> pl.Expr:
    return (_last_missing() == 1) & (pl.last("status") == "missing") & _has_body().any()


def _vanished_twice() -> pl.Expr:
    return _last_missing() == 2
