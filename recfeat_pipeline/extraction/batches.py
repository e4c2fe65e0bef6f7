"""Batches under way: what was handed over, so that a crash or a day's wait loses nothing.

A batch is a folder ``batches/<name>/`` in the lake: ``batch.json`` (where it stands) and
``requests.parquet`` (whose calls it holds, and what earlier asks of them cost). Its name is the
hash of its calls, so planning the same calls again after a crash is the same batch.
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import polars as pl

from recfeat_pipeline.extraction.types import Question, Request
from recfeat_pipeline.lake import Lake

OPEN = ("planned", "uploaded", "submitted")
MAX_CALLS, MAX_BYTES = 50_000, 190_000_000  # of one file; the API allows 50,000 and 200 MB


@dataclass(frozen=True)
class Batch:
    """Where one batch stands: planned → uploaded → submitted → collected, rejected or abandoned."""

    name: str
    version: str
    model: str
    params: dict[str, Any]
    questions: dict[str, dict[str, Any]]  # by group: system, schema
    integer_ids: bool
    transport: str  # "batch" | "batch-files"
    n_calls: int
    base_url: str | None = None  # where it was handed over
    status: str = "planned"
    file_id: str | None = None
    batch_id: str | None = None
    message: str | None = None
    counts: dict[str, int] = field(default_factory=dict)  # ok, failed, again

    @cached_property
    def _asked(self) -> dict[str, Question]:
        return {group: Question(group=group, **asked) for group, asked in self.questions.items()}

    def request(self, call: dict[str, Any]) -> Request:
        """One of its calls, as every backend knows it."""
        question = self._asked[call["group"]]
        return Request(
            key=call["cache_key"],
            item_id=int(call["item_id"]) if self.integer_ids else call["item_id"],
            version=self.version,
            question=question,
            document=call["document"],
            identity=call["identity"],
            model=self.model,
            params=self.params,
        )


@dataclass
class BatchReport:
    """What a submit or a poll did, and what is still under way."""

    requested: int = 0
    cached: int = 0
    known_failed: int = 0
    submitted: int = 0  # calls handed over now
    collected: int = 0  # answers collected now, "failed" ones included
    ok: int = 0
    failed: int = 0
    again: int = 0  # calls planned for another round
    pending: int = 0  # calls in open batches
    cost_usd: float = 0.0
    batches: list[str] = field(default_factory=list)  # open ones
    touched: set[tuple[str, str]] = field(default_factory=set)  # (version, shard) with new answers
    messages: list[str] = field(default_factory=list)  # trouble, as sentences


def save(lake: Lake, batch: Batch, **changes: Any) -> Batch:
    """Write where a batch stands, atomically; names in the order in which the model is asked."""
    batch = replace(batch, **changes)
    lake.write_note("batch", asdict(batch), batch=batch.name)
    return batch


def load_all(lake: Lake) -> list[Batch]:
    """Every batch of the lake, by name."""
    return [Batch(**about) for _, about in lake.notes("batch")]


def calls_of(lake: Lake, name: str) -> pl.DataFrame:
    """The calls that a batch holds."""
    return lake.read("batch_calls", batch=name).drop("batch")


def plan(lake: Lake, template: Batch, calls: pl.DataFrame) -> Batch:
    """A new batch of these calls; while it is open, the same calls are the same batch."""
    digest = hashlib.sha256("".join(calls["cache_key"].sort()).encode())
    digest.update(str(calls["rounds"].max()).encode())
    for attempt in itertools.count():
        name = f"{digest.hexdigest()[:16]}-{attempt}"
        found = lake.read_note("batch", batch=name)
        if found is None:
            break
        if found["status"] in OPEN:
            return Batch(**found)
    lake.write("batch_calls", calls, batch=name)
    fresh = replace(
        template, name=name, n_calls=calls.height, status="planned", file_id=None, batch_id=None
    )
    return save(lake, fresh, message=None, counts={})


def pending_keys(lake: Lake) -> pl.Series:
    """Keys that are asked in an open batch; nobody else should ask them meanwhile."""
    names: Iterable[str] = [b.name for b in load_all(lake) if b.status in OPEN]
    frames = [calls_of(lake, name).select("cache_key") for name in names]
    return pl.concat([pl.DataFrame(schema={"cache_key": pl.String}), *frames])["cache_key"]


def parts(template: Batch, calls: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Calls in files within the API's limits."""
    fixed = max(len(json.dumps(q)) for q in template.questions.values()) * 2 + 2_000
    size = (calls["document"].str.len_bytes() * 2 + fixed).cast(pl.Int64)
    file_no = pl.max_horizontal(
        size.cum_sum() // MAX_BYTES, pl.int_range(calls.height, eager=True) // MAX_CALLS
    )
    numbered = calls.with_columns(file_no=file_no)
    yield from numbered.partition_by("file_no", maintain_order=True, include_key=False)
