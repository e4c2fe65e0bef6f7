"""Batches: calls handed over in a file and collected later, at half the price.

Two transports share everything but the carrying: ``batch`` (the OpenAI Batch API) and
``batch-files`` (a folder of JSONL files that ``vllm run-batch`` and others read and write).
No process waits: :func:`submit` hands over what the ledger lacks, :func:`poll` (driven by a sensor)
moves every open batch one step. Both may die at any line and be run again.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.backends.batch_collect import (
    UnknownBatchError,
    collect,
    dearest,
    plan_within_budget,
)
from recfeat_pipeline.extraction.batches import (
    OPEN,
    Batch,
    BatchReport,
    calls_of,
    load_all,
    parts,
    pending_keys,
    save,
)
from recfeat_pipeline.extraction.dialect import Dialect
from recfeat_pipeline.extraction.endpoint import Endpoint
from recfeat_pipeline.extraction.ledger import Ledger
from recfeat_pipeline.extraction.prices import Price, find_price
from recfeat_pipeline.extraction.requests import build, keyed
from recfeat_pipeline.extraction.spending import Book
from recfeat_pipeline.extraction.types import Limits, TransientError
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import BATCH_CALLS
from recfeat_pipeline.settings import Settings


class Transport(Protocol):
    """How a batch's file travels."""

    name: str

    @property
    def base_url(self) -> str | None:
        """Where to; None: through no endpoint that we know."""
        ...

    def hand_over(self, batch: Batch, lines: Iterator[bytes], saved: Callable[..., Batch]) -> Batch:
        """Hand a planned batch over; ``saved(**changes)`` keeps each step."""
        ...

    def fetch(self, batch: Batch) -> tuple[str, list[dict[str, Any]], str | None]:
        """``"open" | "done" | "rejected"``, result entries, and a message."""
        ...


def choose_transport(settings: Settings, folder: str | Path | None = None) -> Transport:
    """The Batch API of the configured endpoint, or, when a folder is given, files in it."""
    if folder is not None:
        from recfeat_pipeline.extraction.backends.batch_files import BatchFiles

        return BatchFiles(folder)
    from recfeat_pipeline.extraction.backends.batch_api import BatchApi

    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    return BatchApi(settings.llm_base_url, key)


def submit(
    shards: Iterable[str],
    documents: Callable[[str], pl.DataFrame],
    version: PromptVersion,
    lake: Lake,
    transport: Transport,
    *,
    model: str | None = None,
    limits: Limits | None = None,
    prices: str | Path | None = None,
) -> BatchReport:
    """Hand over every call that neither the ledger nor an open batch holds.

    Raises:
        RecfeatError: the endpoint refuses the key or the file; what was planned stays planned.
    """
    model, limits, report = model or version.model, limits or Limits(), BatchReport()
    with lake.lease("batches"):
        pending = pending_keys(lake)
        template: Batch | None = None
        frames = []
        for shard in shards:
            frame = documents(shard)
            calls = keyed(frame, version, model).unique("cache_key", maintain_order=True)
            with Ledger(lake, shard) as ledger:
                ledger.adopt(calls["cache_key"])
                held = ledger.statuses()
            known = calls.join(held, on="cache_key", how="left", maintain_order="left")
            known = known.with_columns(pl.col("status").fill_null("missing"))
            wanted = ["missing", *(["failed"] if limits.retry_failed else [])]
            report.requested += calls.height
            report.cached += known.filter(status="ok").height
            report.known_failed += known.filter(status="failed").height * (not limits.retry_failed)
            missing = known.filter(
                pl.col("status").is_in(wanted) & ~pl.col("cache_key").is_in(pending.implode())
            )
            requests = list(build(frame, missing, version, model))
            template = template or _template(version, model, transport, frame)
            frames.append(_first_calls(requests, shard))
            pending = pl.concat([pending, missing["cache_key"]])
        if template is not None:
            price = _price_of(model, transport, prices)
            dialect = dialect_of(lake, template, transport, prices)
            new = _within_budget(lake, pl.concat(frames), template, dialect, price, limits, report)
            for part in parts(template, new):
                plan_within_budget(lake, template, part, dialect, price, limits)
                report.submitted += part.height
        _hand_over_planned(lake, transport, report, prices)
        _count_open(lake, report)
    return report


def poll(
    lake: Lake,
    transport: Transport,
    *,
    limits: Limits | None = None,
    prices: str | Path | None = None,
) -> BatchReport:
    """Move every open batch one step: hand over, look, collect, plan the calls to ask again."""
    limits, report = limits or Limits(), BatchReport()
    with lake.lease("batches"):
        _hand_over_planned(lake, transport, report, prices)
        for batch in load_all(lake):
            if batch.status != "submitted" or batch.transport != transport.name:
                continue
            try:
                state, entries, message = transport.fetch(batch)
            except TransientError as error:
                report.messages.append(f"Batch {batch.name} could not be looked at: {error}.")
                continue
            except UnknownBatchError:
                report.messages.append(
                    f"Batch {batch.name} ({batch.n_calls:,} calls) is not known at "
                    f"{transport.base_url} with this key; it was handed over at "
                    f"{batch.base_url or 'an address that was not kept'}. Set address and key back "
                    f"to collect it, or give it up: `recfeat batches --abandon {batch.name}`."
                )
                continue
            if state == "rejected":
                save(lake, batch, status="rejected", message=message)
                report.messages.append(f"Batch {batch.name} was rejected: {message}.")
            elif state == "done":
                price = _price_of(batch.model, transport, prices)
                dialect = dialect_of(lake, batch, transport, prices)
                collect(lake, batch, entries, limits, price, dialect, report)
        _hand_over_planned(lake, transport, report, prices)
        _count_open(lake, report)
    return report


def abandon(lake: Lake, name: str) -> Batch:
    """Give an open batch up: its calls may be asked again, and what it may have cost stays counted.

    Raises:
        RecfeatError: no open batch is called so.
    """
    with lake.lease("batches"):
        still = [batch for batch in load_all(lake) if batch.status in OPEN]
        for batch in still:
            if batch.name == name:
                return save(lake, batch, status="abandoned")
    there = ", ".join(batch.name for batch in still) or "none"
    raise RecfeatError(f"No open batch is called {name!r}; there is: {there}.")


def dialect_of(
    lake: Lake, batch: Batch, transport: Transport, profiles: str | Path | None
) -> Dialect:
    """How the batch's endpoint wants its calls, as far as this lake has learned it."""
    endpoint = Endpoint(transport.base_url or "", batch.model, profiles)
    endpoint.remember_in(lake, lambda sentence: None)
    return endpoint.dialect


def lines_of(lake: Lake, batch: Batch, dialect: Dialect) -> Iterator[bytes]:
    """A batch's file, line by line."""
    for call in calls_of(lake, batch.name).iter_rows(named=True):
        yield _line(batch, call, dialect)


def _line(batch: Batch, call: dict[str, Any], dialect: Dialect) -> bytes:
    body = dialect.body(batch.request(call), call["asks"], call["reminder"])
    line = {
        "custom_id": call["cache_key"],
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": body,
    }
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _hand_over_planned(
    lake: Lake, transport: Transport, report: BatchReport, profiles: str | Path | None
) -> None:
    for batch in load_all(lake):
        if batch.status not in ("planned", "uploaded") or batch.transport != transport.name:
            continue
        state = {"batch": batch}

        def saved(state: dict[str, Batch] = state, **changes: Any) -> Batch:
            state["batch"] = save(lake, state["batch"], **changes)
            return state["batch"]

        try:
            dialect = dialect_of(lake, batch, transport, profiles)
            transport.hand_over(batch, lines_of(lake, batch, dialect), saved)
        except TransientError as error:
            report.messages.append(f"Batch {batch.name} could not be handed over yet: {error}.")


def _count_open(lake: Lake, report: BatchReport) -> None:
    still = [b for b in load_all(lake) if b.status in OPEN]
    report.batches = [b.name for b in still]
    report.pending = sum(b.n_calls for b in still)


def _template(
    version: PromptVersion, model: str, transport: Transport, documents: pl.DataFrame
) -> Batch:
    questions = {q.group: {"system": q.system, "schema": dict(q.schema)} for q in version.questions}
    return Batch(
        name="",
        version=version.key,
        model=model,
        params=dict(version.params),
        questions=questions,
        integer_ids=documents.schema["item_id"].is_integer(),
        transport=transport.name,
        base_url=transport.base_url,
        n_calls=0,
    )


def _first_calls(requests: list[Any], shard: str) -> pl.DataFrame:
    rows = [
        (
            r.key,
            shard,
            str(r.item_id),
            r.question.group,
            r.document,
            r.identity,
            0,
            0,
            0,
            0,
            0,
            None,
        )
        for r in requests
    ]
    return pl.DataFrame(rows, schema=BATCH_CALLS, orient="row")


def _price_of(model: str, transport: Transport, prices: str | Path | None) -> Price | None:
    """Per token: how long a machine works on a batch, nobody says."""
    price = find_price(model, prices, batch=transport.name == "batch")
    return None if price is None or price.hour else price


def _within_budget(
    lake: Lake,
    calls: pl.DataFrame,
    template: Batch,
    dialect: Dialect,
    price: Price | None,
    limits: Limits,
    report: BatchReport,
) -> pl.DataFrame:
    """As many calls as the budgets surely pay for."""
    book = Book(lake)
    book.open_balance()
    left = [
        cap - spent
        for cap, spent in (
            (limits.budget_usd, 0.0),
            (limits.budget_per_day, book.today()),
            (limits.budget_per_lake, book.total()),
        )
        if cap is not None
    ]
    if not left:
        return calls
    if price is None:
        raise RecfeatError(
            "A budget of batches needs a price per token, and no table lists one for the model "
            f"{template.model!r}. Add it to prices.toml in RECFEAT_PROMPTS, or run without one."
        )
    most = pl.Series(dearest(template, calls, dialect, price, limits), dtype=pl.Float64)
    affordable = calls.filter(most.cum_sum() <= min(left))
    if affordable.height < calls.height:
        report.messages.append(
            f"The budget (${max(min(left), 0):,.2f} left) surely pays for {affordable.height:,} of "
            f"{calls.height:,} calls; the others wait for the next run."
        )
    return affordable
