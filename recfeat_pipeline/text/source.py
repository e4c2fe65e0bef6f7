"""What every text source fills.

A source scrapes into a :class:`~recfeat_pipeline.text.raw.RawStore`, and parses stored bodies into
FIELDS rows at any time, with no request. :mod:`recfeat_pipeline.text.sources` finds them.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import FIELDS, Schema
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.http import (
    PoliteClient,
    RequestFailedError,
    Traffic,
    UnavailableError,
)
from recfeat_pipeline.text.overrides import PINNED
from recfeat_pipeline.text.parallel import in_parallel
from recfeat_pipeline.text.raw import UNCHANGED, Policy, RawStore, RawWriter

Progress = Callable[[int, int], None]

EVIDENCE: Schema = {
    "item_id": FIELDS["item_id"],
    "source": pl.String,
    "title": pl.String,
    "other_titles": pl.List(pl.String),  # original, alternative, translated
    "years": pl.List(pl.Int32),  # every year in which the work may be said to have appeared
    "creators": pl.List(pl.String),  # directors, authors, artists
    "imdb_id": pl.String,
    "kind": pl.String,  # "film", "series", "franchise", "book", …
    "url": pl.String,
}
"""What a source says about who an item is; one row per item and source."""

TEXTS: Schema = {**FIELDS, "language": pl.String}
"""FIELDS of a source that knows the languages of its texts."""


@dataclass
class ScrapeSummary:
    """What one scrape asked, got and left; summaries of shards add up."""

    source: str
    items: int = 0  # given
    without_id: int = 0  # nothing to ask the source for
    due: Counter[str] = field(default_factory=Counter)  # by why
    results: Counter[str] = field(default_factory=Counter)  # ok, unchanged, partial, …
    reasons: Counter[str] = field(default_factory=Counter)  # of what is not ok
    traffic: Traffic = field(default_factory=Traffic)
    shards: set[str] = field(default_factory=set)  # with due items
    stopped: str | None = None  # why the run ended early; the rest stays due
    seconds: float = 0.0

    @property
    def requests(self) -> int:
        """Requests sent, retries included."""
        return sum(self.traffic.requests.values())

    def __add__(self, other: "ScrapeSummary") -> "ScrapeSummary":
        return ScrapeSummary(
            self.source,
            self.items + other.items,
            self.without_id + other.without_id,
            self.due + other.due,
            self.results + other.results,
            self.reasons + other.reasons,
            self.traffic + other.traffic,
            self.shards | other.shards,
            self.stopped or other.stopped,
            self.seconds + other.seconds,
        )

    def __str__(self) -> str:
        """One line for people."""
        due, done = sum(self.due.values()), sum(self.results.values())
        parts = [f"{self.source}: {due} of {self.items} items due ({_counts(self.due)})"]
        parts.append(f"{self.requests} requests ({_counts(self.traffic.requests)})")
        if self.shards:
            parts.append(f"{done} answered ({_counts(self.results)}) in {len(self.shards)} shards")
        if self.traffic.retries or self.traffic.cool_downs:
            parts.append(f"{self.traffic.retries} retries, {self.traffic.cool_downs} cool-downs")
        if self.reasons:
            why = (f"{reason} ×{n}" for reason, n in self.reasons.most_common())
            parts.append("why: " + ", ".join(why))
        if self.stopped:
            parts.append(f"stopped early, {due - done} left for the next run: {self.stopped}")
        return "; ".join(parts)


@dataclass(frozen=True)
class Question:
    """One free GET that shows whether a source answers, and to whom."""

    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ScrapeJob:
    """One running scrape: the due items and where their answers go."""

    due: pl.DataFrame
    store: RawStore
    writer: RawWriter
    summary: ScrapeSummary
    progress: Progress | None

    def record(self, item: dict[str, Any], status: str, **row: Any) -> None:
        """Keep one item's answer: RAW columns beyond ``item_id``, ``key`` and ``status``."""
        self.writer.add(item_id=item["item_id"], key=item["key"], status=status, **row)
        unchanged = row.get("how_found") == UNCHANGED
        self.summary.results[UNCHANGED if unchanged else status] += 1
        if reason := row.get("reason"):
            self.summary.reasons[reason] += 1
        if self.progress:
            self.progress(sum(self.summary.results.values()), self.due.height)

    def unchanged(self, item: dict[str, Any]) -> None:
        """Keep that the stored revision still holds."""
        self.record(item, "ok", how_found=UNCHANGED, revision=item["revision"], url=item["url"])


class Source(ABC):
    """A place that has text about items."""

    name: ClassVar[str]
    order: ClassVar[int]  # of the sources that give one label, the earliest with text wins
    attribution: ClassVar[str]  # shown wherever the text or what is made of it is shown
    address: ClassVar[str]  # the settings that say where it is
    switch: ClassVar[str]  # the setting without which it is left out
    pool: ClassVar[str] = ""  # sources of one pool are never asked at once; "": a pool of its own
    weight: ClassVar[float] = 1.0  # as a witness of who an item is
    keep: ClassVar[timedelta | None] = None  # after which a body may not be kept (TMDB's terms)
    finds_by: ClassVar[tuple[str, ...]] = ()  # names of ITEM_IDS, for key(): columns "id_NAME"
    policy: Policy = Policy()  # when an item is asked again

    @classmethod
    @abstractmethod
    def from_settings(cls, settings: Settings) -> Self | None:
        """The source as the settings want it; None when they do not enable it."""

    def store(self, lake: Lake) -> RawStore:
        """Where this source's answers lie."""
        return RawStore(lake, self.name, self.policy)

    def keyed(self, items: pl.DataFrame) -> pl.DataFrame:
        """The items that can be asked for, with ``key``: what they are asked by.

        ``pinned`` is the page that the user says is an item's, or null.
        """
        column = f"{PINNED}{self.name}"
        pinned = pl.col(column) if column in items.columns else pl.lit(None, pl.String)
        lacking = [f"id_{n}" for n in self.finds_by if f"id_{n}" not in items.columns]
        return (
            items.with_columns(
                *(pl.lit(None, pl.String).alias(name) for name in lacking),
                pinned.alias("pinned"),
                pl.col("imdb_id").str.extract(r"^(tt\d{7,10})$"),  # it goes into URLs and queries
            )
            .with_columns(pl.coalesce(pl.format("page:{}", "pinned"), self.key()).alias("key"))
            .filter(pl.col("key").is_not_null())
            .unique("item_id", keep="first", maintain_order=True)
        )

    def key(self) -> pl.Expr:
        """An item's ids, null when it has none; when they change, what is stored is void."""
        ids = pl.concat_str(
            pl.format("tmdb:{}", "tmdb_id"),
            pl.format("imdb:{}", "imdb_id"),
            separator=" ",
            ignore_nulls=True,
        )
        return pl.when(ids != "").then(ids)

    def scrape(
        self,
        items: pl.DataFrame,
        store: RawStore,
        *,
        progress: Progress | None = None,
        now: datetime | None = None,
    ) -> ScrapeSummary:
        """Ask for the items that are due and store every answer.

        A killed run loses at most the last unflushed rows; the next one asks for what is left.

        Args:
            items: ``item_id, title, year, imdb_id, tmdb_id`` and, if known, ``creators``.
            store: this source's raw store.
            progress: called with (answered, due).
            now: for tests.

        Raises:
            RecfeatError: the source refuses the credentials.
        """
        keyed = self.keyed(items)
        summary = ScrapeSummary(self.name, items.height, items.height - keyed.height)
        started = time.monotonic()
        with store.locked(keyed):
            due = store.plan(keyed, now)
            summary.due.update(due["due"])
            summary.shards.update(due["shard"])
            if due.height:
                with store.writer(due.schema["item_id"]) as writer:
                    job = ScrapeJob(due, store, writer, summary, progress)
                    try:
                        asyncio.run(self._ask(job))
                    except UnavailableError as error:
                        summary.stopped = str(error)
        if self.keep is not None:
            store.forget(self.keep, now)
        summary.seconds = time.monotonic() - started
        return summary

    def raw(self, items: pl.DataFrame, store: RawStore) -> pl.DataFrame:
        """The stored bodies that hold for these items, for :meth:`fields` and :meth:`evidence`."""
        return store.current(self.keyed(items))

    def ask_changes(
        self,
        items: pl.DataFrame,
        store: RawStore,
        *,
        progress: Progress | None = None,
        now: datetime | None = None,
    ) -> ScrapeSummary | None:
        """Ask the source what changed and note it for the next scrape; None: it has no feed."""
        return None

    def given_up(self, why: str) -> RecfeatError:
        """What to tell the user of a run that the source stopped."""
        return RecfeatError(
            f"{self.name} was given up: {why}. Check the network and {self.address}, then run "
            f"again, which goes on where this run ended; or unset {self.switch} to run without "
            f"{self.name}."
        )

    def question(self) -> Question | None:
        """What ``recfeat doctor`` asks; None: there is no one place to ask."""
        return None

    @abstractmethod
    async def _ask(self, job: ScrapeJob) -> None:
        """Ask for ``job.due`` and ``job.record`` every answer."""

    @abstractmethod
    def fields(self, raw: pl.DataFrame) -> pl.DataFrame:
        """FIELDS rows of raw rows; a column ``language`` may say in which each text is."""

    @abstractmethod
    def evidence(self, raw: pl.DataFrame) -> pl.DataFrame:
        """EVIDENCE rows of raw rows."""


def field_rows(
    source: str,
    item_id: Any,
    texts: Iterable[tuple[str, str]],
    languages: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """FIELDS rows of one item from (label, text) pairs in document order; empty texts drop out.

    Args:
        source: their source.
        item_id: the item.
        texts: the pairs.
        languages: label → the language of its text, where that is known.
    """
    of_label = languages or {}
    return [
        {"item_id": item_id, "source": source, "label": label, "position": position, "text": text}
        | ({"language": of_label.get(label)} if languages is not None else {})
        for position, (label, text) in enumerate(texts)
        if text
    ]


LookUp = Callable[[PoliteClient, dict[str, Any]], Awaitable[dict[str, Any]]]


async def ask_each(job: ScrapeJob, http: PoliteClient, look_up: LookUp) -> None:
    """``look_up`` every due item, and record the RAW columns that it gives, or why it failed."""
    job.summary.traffic = http.traffic

    async def one(item: dict[str, Any]) -> None:
        try:
            job.record(item, **await look_up(http, item))
        except RequestFailedError as error:
            job.record(item, "failed", reason=str(error))

    await in_parallel(job.due.iter_rows(named=True), one, http.pace.workers)


def missing(reason: str) -> dict[str, Any]:
    """RAW columns of an item that the source does not have."""
    return {"status": "missing", "reason": reason}


def may_ask(settings: Settings, url: str) -> bool:
    """Whether a source that wants to know who asks may be asked: there is a contact, or the setting
    ``url`` points at another server.
    """  # noqa: D205
    elsewhere = getattr(settings, url) != Settings.model_fields[url].default
    return settings.contact is not None or elsewhere


def policy_of(settings: Settings, days: float) -> Policy:
    """When items are asked again that a source answered so many days ago."""
    return Policy(ttl=timedelta(days=days), missing=timedelta(days=settings.missing_days))


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counter.most_common()) or "none"
