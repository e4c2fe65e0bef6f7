"""One extraction over many shards: what is missing, who waits for whom, when a shard is done."""

import asyncio
import shutil
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.batches import pending_keys
from recfeat_pipeline.extraction.ledger import Ledger
from recfeat_pipeline.extraction.prices import find_price
from recfeat_pipeline.extraction.requests import build, keyed
from recfeat_pipeline.extraction.runner import DRAIN_S, Job, Runner
from recfeat_pipeline.extraction.spending import Book
from recfeat_pipeline.extraction.types import Backend, Limits, Summary
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake

Progress = Callable[[int, int], None]
Note = Callable[[str], None]
Documents = Callable[[str], pl.DataFrame]
"""Loads one shard's documents when its turn comes."""
Calls = Callable[[pl.DataFrame, str], pl.DataFrame]
"""The calls of a shard's documents, in the form of :func:`keyed`."""

LOCK_WAIT_S = 60.0
LEAST_FREE = 100_000_000  # bytes of disk; below it nothing is sent, so that what comes is kept
SPACE_EVERY_S = 0.5  # between two looks at the disk
LOOK_S = 0.1  # between two looks whether somebody wants the run to stop


class ShardsRun:
    """Prepares the next shard while the present one is asked; a ledger stays open until its last
    call has ended.
    """  # noqa: D205

    def __init__(
        self,
        version: PromptVersion,
        lake: Lake,
        backend: Backend,
        limits: Limits,
        prices: str | Path | None,
        progress: Progress | None,
        note: Note | None = None,
        calls: Calls | None = None,
        version_key: str | None = None,
    ):
        self.version, self.lake, self.backend, self.limits = version, lake, backend, limits
        self._calls = calls or (lambda frame, shard: keyed(frame, version, backend.model))
        self._version_key = version_key
        self.summaries: dict[str, Summary] = {}
        self._book = None if backend.instant else Book(lake)
        self._note = note or (lambda sentence: None)
        price = find_price(backend.model, prices)
        self._runner = Runner(backend, limits, price, self._book, self._note)
        self._progress = progress or (lambda done, total: None)
        self._looked = 0.0
        self._ledgers: dict[str, Ledger] = {}
        self._left: dict[str, int] = {}  # calls of a shard that have not ended
        self._waiting: dict[str, list[str]] = {}  # key in flight: shards that need its answer
        self._fresh: set[str] = set()  # keys answered since the next shard is being prepared

    async def run(self, shards: list[str], documents: Documents, stop: threading.Event) -> None:
        """Work through the shards; see :func:`recfeat_pipeline.extraction.extract_many`."""
        started = time.perf_counter()
        self._check_space()
        if self._book:
            self._book.open_balance()
        if self.backend.endpoint:
            self.backend.endpoint.remember_in(self.lake, self._note)
        watch = asyncio.create_task(self._watch(stop))
        try:
            async with aclosing(self._jobs(shards, documents)) as jobs:
                await self._runner.run(jobs)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            await self._close_all()
        for summary in self.summaries.values():
            summary.stopped = self._runner.total.stopped
            summary.seconds = time.perf_counter() - started

    @property
    def spent(self) -> float:
        """Dollars that the run may have been billed."""
        return self._runner.budget.spent

    async def _watch(self, stop: threading.Event) -> None:
        """Pass on, to the loop, that somebody wants the run to stop."""
        while not stop.is_set():
            await asyncio.sleep(LOOK_S)
        self._note(
            f"Stopping: nothing more is sent, {DRAIN_S:.0f} seconds for the calls in flight; once "
            "more ends at once."
        )
        self._runner.stop()

    async def _close_all(self) -> None:
        """Close every ledger and the backend; one that fails keeps no other from it."""
        errors: list[Exception] = []
        for shard in list(self._ledgers):
            try:
                self._close(shard)
            except (RecfeatError, OSError) as error:
                errors.append(error)
        await self.backend.close()
        if errors:
            raise errors[0]

    async def _jobs(self, shards: list[str], documents: Documents) -> AsyncGenerator[Job, None]:
        following: asyncio.Task[tuple[pl.DataFrame, pl.DataFrame]] | None = None
        try:
            for shard, after in zip(shards, [*shards, None][1:], strict=True):
                frame, missing = await (following or self._prepare(shard, documents))
                missing = self._not_asked_already(shard, missing)
                following = asyncio.create_task(self._prepare(after, documents)) if after else None
                for key in missing["cache_key"]:
                    self._waiting[key] = [shard]
                self._left[shard] = self._left.get(shard, 0) + missing.height
                self._report()
                model, key = self.backend.model, self._version_key
                for request in build(frame, missing, self.version, model, key):
                    yield Job(request, self._keep)
                self._close_if_done(shard)
        finally:
            if following:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

    async def _prepare(self, shard: str, documents: Documents) -> tuple[pl.DataFrame, pl.DataFrame]:
        ledger = await self._open(shard)
        self._flush()
        self._fresh.clear()
        return await asyncio.to_thread(self._missing, ledger, shard, documents)

    async def _open(self, shard: str) -> Ledger:
        """Take the shard's lock without stopping the calls of the others."""
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                ledger = self._ledgers[shard] = Ledger(self.lake, shard, wait_s=0).__enter__()
                return ledger
            except RecfeatError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.5)

    def _missing(
        self, ledger: Ledger, shard: str, documents: Documents
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The shard's documents, and the calls of them that the ledger does not answer."""
        frame = documents(shard)
        calls = self._calls(frame, shard).unique("cache_key", keep="first", maintain_order=True)
        summary = self.summaries[shard] = Summary(requested=calls.height)
        summary.put_aside = ledger.damaged
        missing = self._unanswered(calls, ledger, summary)
        if missing.height and ledger.adopt(missing["cache_key"]):
            missing = self._unanswered(calls, ledger, summary)
        return frame, missing

    def _unanswered(self, calls: pl.DataFrame, ledger: Ledger, summary: Summary) -> pl.DataFrame:
        held = calls.join(ledger.statuses(), on="cache_key", how="left", maintain_order="left")
        again = pl.lit(self.limits.retry_failed)
        failed = pl.col("status") == "failed"
        summary.cached = held.filter(pl.col("status") == "ok").height
        summary.known_failed = held.filter(failed & ~again).height
        missing = held.filter(pl.col("status").is_null() | (failed & again)).drop("status")
        asked = missing["cache_key"].is_in(pending_keys(self.lake).implode())
        summary.pending = int(asked.sum())
        return missing.filter(~asked)

    def _not_asked_already(self, shard: str, missing: pl.DataFrame) -> pl.DataFrame:
        """Leave out what another shard of this run asks or has just asked: one key, one call."""
        asked = [key for key in missing["cache_key"] if key in self._waiting]
        for key in asked:
            self._waiting[key].append(shard)
        self._left[shard] = len(asked)
        answered = [key for key in missing["cache_key"] if key in self._fresh]
        if answered:
            self._flush()
            self._ledgers[shard].adopt(pl.Series(answered))
            self.summaries[shard].cached += len(answered)
        return missing.filter(~pl.col("cache_key").is_in([*asked, *answered]))

    def _keep(self, row: dict[str, Any], http_requests: int) -> None:
        """Write an ended call to every shard that waits for it; the first one paid."""
        payer, *others = self._waiting.pop(row["cache_key"])
        if row["status"] == "ok":
            self._fresh.add(row["cache_key"])
        self._ledgers[payer].append(row)
        self.summaries[payer].add(row, http_requests)
        for shard in others:
            self._ledgers[shard].append(row)
            self.summaries[shard].cached += row["status"] == "ok"
            self.summaries[shard].known_failed += row["status"] != "ok"
        for shard in (payer, *others):
            self._left[shard] -= 1
            self._close_if_done(shard)
        self._report()
        if time.monotonic() - self._looked > SPACE_EVERY_S:
            self._check_space()

    def _check_space(self) -> None:
        """Stop while there is room for the answers to the calls in flight."""
        self._looked = time.monotonic()
        place = next(p for p in (self.lake.state, *self.lake.state.parents) if p.exists())
        free = shutil.disk_usage(place).free
        if free < LEAST_FREE and not self.backend.instant:
            raise RecfeatError(
                f"Only {free / 1e6:,.0f} MB are free at {self.lake.state}, so nothing more is "
                "sent; what was answered is kept. Free some space and run again."
            )

    def _report(self) -> None:
        summaries = list(self.summaries.values())  # the thread that prepares a shard may add one
        self._progress(sum(s.done for s in summaries), sum(s.requested for s in summaries))

    def _flush(self) -> None:
        """Let every open shard's answers be found by the others."""
        for ledger in self._ledgers.values():
            ledger.flush()

    def _close_if_done(self, shard: str) -> None:
        if self._left.get(shard) == 0:
            self._close(shard)

    def _close(self, shard: str) -> None:
        if ledger := self._ledgers.pop(shard, None):
            ledger.__exit__()
