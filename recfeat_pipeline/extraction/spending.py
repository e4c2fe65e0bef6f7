"""The book of a lake's spending: what each run may have been billed, by day.

A run writes down, ahead of sending, up to what it may spend, and corrects that when it ends. So
what a killed run had in flight stays counted, at its worst case, and a budget per day or per lake
holds across restarts and across processes that run at once.
"""

import uuid
from datetime import UTC, date, datetime

import polars as pl

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.leases import Lease


def page_of(batch: str) -> str:
    """The page of a batch."""
    return f"batch-{batch}"


class Book:
    """One run's page in the lake's book, and the sums of the others'.

    Args:
        lake: whose book.
        page: its name; a run's is drawn at random, a batch has its own.
    """

    def __init__(self, lake: Lake, page: str | None = None):
        self.lake, self.page = lake, page or uuid.uuid4().hex[:16]
        self._day = _today()
        self._before = 0.0  # of this run's dollars, on days before
        self._past: dict[tuple[str, str], float] = {}  # closed pages, which change no more

    def lock(self) -> Lease:
        """Held while a sum is read and the next part written."""
        return self.lake.lease("spending")

    def today(self) -> float:
        """Dollars of the other pages, this day (UTC), less what this run spent on days before."""
        before = self._before if _today() == self._day else self._own()
        return self._sum(day=str(_today())) - before

    def total(self) -> float:
        """Dollars of all pages but this run's, ever."""
        return self._sum()

    def write(self, usd: float, closed: bool = False) -> None:
        """Put this run down for so many dollars, all its days together; later days get the rest."""
        if (day := _today()) != self._day:
            self._before, self._day = min(self._own(), usd), day
        page = {"usd": max(usd - self._before, 0.0), "closed": closed}
        self.lake.write_note("spending", page, day=str(self._day), page=self.page)

    def open_balance(self) -> None:
        """Begin the book of a lake that has answers and no book yet, with what they cost."""
        if self.lake.note_keys("spending"):
            return
        columns = ["cache_key", "created_at", "cost_usd"]
        frames = list(self.lake.each("responses", columns))
        if not frames:
            return
        rows = pl.concat(frames).unique(["cache_key", "created_at"]).drop_nulls("cost_usd")
        by_day = rows.group_by(pl.col("created_at").dt.date().alias("day")).agg(pl.sum("cost_usd"))
        for day, usd in by_day.iter_rows():
            page = {"usd": usd, "closed": True}
            self.lake.write_note("spending", page, day=str(day), page="before")

    def _own(self) -> float:
        """What this run is put down for so far."""
        page = self.lake.read_note("spending", day=str(self._day), page=self.page)
        return self._before + (page or {"usd": 0.0})["usd"]

    def _sum(self, **days: str) -> float:
        total = 0.0
        for keys in self.lake.note_keys("spending", **days):
            if keys["page"] == self.page:
                continue
            place = (keys["day"], keys["page"])
            if place not in self._past:
                page = self.lake.read_note("spending", **keys)
                if not page["closed"]:
                    total += page["usd"]
                    continue
                self._past[place] = page["usd"]
            total += self._past[place]
        return total


def _today() -> date:
    return datetime.now(UTC).date()
