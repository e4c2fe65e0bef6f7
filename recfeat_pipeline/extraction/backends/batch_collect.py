"""A finished batch: what came is checked and kept, what did not come is planned once more."""

from typing import Any

import polars as pl

from recfeat_pipeline.extraction.backends.secret import Secret
from recfeat_pipeline.extraction.backends.wire import error_of, read_completion
from recfeat_pipeline.extraction.batches import (
    Batch,
    BatchReport,
    calls_of,
    parts,
    plan,
    save,
)
from recfeat_pipeline.extraction.budget import worst_case
from recfeat_pipeline.extraction.dialect import Dialect
from recfeat_pipeline.extraction.ledger import Ledger, statuses
from recfeat_pipeline.extraction.prices import Price
from recfeat_pipeline.extraction.rows import response_row
from recfeat_pipeline.extraction.spending import Book, page_of
from recfeat_pipeline.extraction.types import Answer, ItemError, Limits, Usage
from recfeat_pipeline.extraction.validation import FINAL, InvalidError, check
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.schemas import BATCH_CALLS


class UnknownBatchError(Exception):
    """The endpoint does not know a batch that was handed over: another key, project or address."""


MAX_ROUNDS = 5  # batches in which one call may be missing or broken before it fails


def collect(
    lake: Lake,
    batch: Batch,
    entries: list[dict[str, Any]],
    limits: Limits,
    price: Price | None,
    dialect: Dialect,
    report: BatchReport,
) -> None:
    """Validate what came, keep it, plan the rest once more. Doing it twice changes nothing."""
    by_id = {e["custom_id"]: e for e in entries if isinstance(e, dict) and "custom_id" in e}
    counts = {"ok": 0, "failed": 0, "again": 0}
    cost = 0.0
    again: list[dict[str, Any]] = []
    for (shard,), calls in calls_of(lake, batch.name).partition_by("shard", as_dict=True).items():
        with Ledger(lake, str(shard)) as ledger:
            held = set(statuses(lake, str(shard)).filter(status="ok")["cache_key"])
            for call in calls.iter_rows(named=True):
                if call["cache_key"] in held:
                    continue
                row, retry = _end(batch, call, by_id.get(call["cache_key"]), limits, price)
                if retry is not None:
                    again.append(retry)
                    counts["again"] += 1
                elif row is not None:
                    ledger.append(row)
                    counts[row["status"]] += 1
                    cost += row["cost_usd"] or 0.0
        report.touched.add((batch.version, str(shard)))
    if again:
        for part in parts(batch, pl.DataFrame(again, schema=BATCH_CALLS, orient="row")):
            plan_within_budget(lake, batch, part, dialect, price, limits)
    if price:
        Book(lake, page_of(batch.name)).write(cost, closed=True)
    save(lake, batch, status="collected", counts=counts)
    report.cost_usd += cost
    report.ok += counts["ok"]
    report.failed += counts["failed"]
    report.again += counts["again"]
    report.collected += counts["ok"] + counts["failed"]


def plan_within_budget(
    lake: Lake,
    template: Batch,
    calls: pl.DataFrame,
    dialect: Dialect,
    price: Price | None,
    limits: Limits,
) -> None:
    """Plan a batch, and write down in the lake's book what it may cost."""
    batch = plan(lake, template, calls)
    if price:
        most = sum(dearest(template, calls, dialect, price, limits))
        Book(lake, page_of(batch.name)).write(most)


def dearest(
    template: Batch, calls: pl.DataFrame, dialect: Dialect, price: Price, limits: Limits
) -> list[float]:
    """The most that each call may cost, in dollars, with the asks that it has left."""
    params = dialect.params(template.params)
    return [
        price.cost(worst_case(template.request(call), params))
        * max(limits.reasks + 1 - call["asks"], 1)
        for call in calls.iter_rows(named=True)
    ]


def _end(
    batch: Batch,
    call: dict[str, Any],
    entry: dict[str, Any] | None,
    limits: Limits,
    price: Price | None,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """A call's row, or the call as it is to be asked again."""
    request = batch.request(call)
    usage = Usage(call["prompt_tokens"], call["cached_tokens"], call["completion_tokens"])
    answer, reason, reminder, final = Answer(None), "", None, False
    asks, rounds = call["asks"], call["rounds"] + 1
    try:
        answer = read_completion(_completion(entry), request)
        asks += 1
        usage += answer.usage
        check(answer, request)
    except InvalidError as error:
        reason, reminder = str(error), error.reminder
        final = error.reason in FINAL or asks > limits.reasks
    except ItemError as error:
        reason, final = str(error), True
    except ValueError as error:
        reason, final = f"transport: {error}", rounds >= MAX_ROUNDS
    if reason and not final:
        tokens = ("prompt_tokens", "cached_tokens", "completion_tokens")
        spent = dict(zip(tokens, (usage.prompt, usage.cached, usage.completion), strict=True))
        return None, call | spent | {"asks": asks, "rounds": rounds, "reminder": reminder}
    status = "failed" if reason else "ok"
    cost = price.cost(usage) if price else None
    return (
        response_row(
            request, batch.transport, answer.content, status, reason or None, max(asks, 1), usage,
            cost, None,
        ),
        None,
    )  # fmt: skip


def _completion(entry: dict[str, Any] | None) -> Any:
    if entry is None:
        raise ValueError("missing from the batch's results")
    response = entry.get("response")
    if not isinstance(response, dict) or response.get("status_code", 200) != 200:
        error = entry.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        status = response.get("status_code") if isinstance(response, dict) else None
        _, said = error_of(response.get("body") if isinstance(response, dict) else None)
        said = said or error_of(error)[1]
        words = Secret(None).brief(f"HTTP {status}: {said}" if status else f"{code}: {said}")
        if status in (400, 403, 413, 422):
            raise ItemError(f"rejected: {words}")
        raise ValueError(words)
    return response.get("body")
