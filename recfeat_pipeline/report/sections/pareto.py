"""What buys how much: recommenders, enhancers, rerankers and policies, by price and quality."""

import math
from typing import Any

import polars as pl

from recfeat_pipeline.frontier import frontier
from recfeat_pipeline.report import figures, formats
from recfeat_pipeline.report.blocks import Block, Chart, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.provenance import ArmNote
from recfeat_pipeline.report.reranked import find_rerankers, name_of
from recfeat_pipeline.report.verdict import cost_per_thousand

_KINDS = {
    "plain": "no LLM",
    "enhancer": "features",
    "distilled": "features, distilled",
    "reranker": "at the request",
}
"""Kind of a point to when its LLM works."""
_ASKED_BEFORE = ("main", "probe", "ablation", "training", "published", "control", "rich")
Point = dict[str, Any]


def pareto(inputs: Inputs) -> Section | None:
    """Left out where nothing is asked at the request."""
    asking = [o for o in find_rerankers(inputs) if o.asks and o.gain and not o.is_control]
    if not asking:
        return None
    base = asking[0].row["base"]
    points = _with_frontier([*_offline(inputs, base), *_online(inputs)])
    priced = [p for p in points if p["usd_per_1000"] is not None]
    shown = pl.DataFrame([_drawn(p) for p in _few(priced)], infer_schema_length=None)
    blocks: list[Block] = [
        Chart(figures.pareto(shown)),
        _table(points),
        Paragraph(
            "Filled: on the frontier, nothing as cheap is better; which of two near points that "
            f"is, the intervals (of the difference to {name_of(inputs, base)}) leave open. The "
            "price is paid at the moment of the request, by the ledger; features are paid once, "
            "before. Waiting is for the LLM alone.",
            "note",
        ),
    ]
    if routes := _routes(inputs):
        blocks.append(routes)
    unpriced = len(points) - len(priced)
    if unpriced:
        said = f"{formats.plural(unpriced, 'model')} without a price: not on the chart."
        blocks.append(Paragraph(said, "note"))
    return Section("pareto", "What buys how much", blocks)


def _offline(inputs: Inputs, base: str) -> list[Point]:
    """Arms whose LLM, if any, worked before the request."""
    found = []
    for arm in inputs.roles.order:
        note, value = inputs.provenance.arms.get(arm, ArmNote()), inputs.mean(arm, "mrr")
        if value is None or note.role == "control" or note.section in _ASKED_BEFORE:
            continue
        enhanced = "llm" in note.content.split("+") and inputs.provenance.used_llm is not False
        taught = inputs.provenance.taught.get(note.prompt_version or "") if enhanced else None
        paid = cost_per_thousand(inputs) if enhanced else 0.0
        kind = "plain" if not enhanced else "enhancer" if taught is None else "distilled"
        contrast = inputs.contrast(arm, base)
        found.append(
            {
                "name": inputs.roles.name(arm), "kind": kind,
                "value": value, "contrast": contrast, "usd_per_1000": 0.0,
                "once": paid and paid * (1.0 if taught is None else taught), "p50": 0.0, "p95": 0.0,
            }
        )  # fmt: skip
    return found


def _online(inputs: Inputs) -> list[Point]:
    """Arms that ask at the request, and those that reorder without asking."""
    return [
        {
            "name": one.name, "kind": "reranker" if one.asks else "plain",
            "value": one.gain["arm_value"], "contrast": one.gain, "once": 0.0,
            "usd_per_1000": one.row["usd_per_1000"] if one.asks else 0.0,
            "p50": one.row["latency_p50_ms"] if one.asks else 0.0,
            "p95": one.row["latency_p95_ms"] if one.asks else 0.0,
        }
        for one in find_rerankers(inputs)
        if one.gain is not None and not one.is_control
    ]  # fmt: skip


def _routes(inputs: Inputs) -> Table | None:
    """Policies that send some requests to the LLM, replayed; None where none sends any."""
    some = inputs.routes.filter(pl.col("sent") > 0)
    if some.is_empty():
        return None
    rows = []
    for row in some.iter_rows(named=True):
        base = row["delta"] / row["relative"] if row["relative"] else None
        contrast = row | {"reference_value": base} if base else None
        rows.append(
            [
                name_of(inputs, row["arm"]),
                row["title"],
                formats.percent(row["sent"], 0),
                _change(contrast),
                formats.dollars(row["usd_per_1000"]),
                _waits(row["latency_p50_ms"], row["latency_p95_ms"]),
                "yes" if row["on_frontier"] else "",
            ]
        )
    return Table(
        "routes",
        "Who is sent to the LLM: policies on a request's state, replayed on held-out users. On the "
        "frontier: no policy that sends as few gains more; what loses never is, for sending nobody "
        "is a policy too.",
        ["Arm", "Policy", "Sent", "Change of MRR", "$ per 1,000", "p50 / p95, ms", "Frontier"],
        rows,
        some,
        text_columns=frozenset({1}),
        strong_rows=frozenset(n for n, on in enumerate(some["on_frontier"]) if on),
    )


def _with_frontier(points: list[Point]) -> list[Point]:
    """The best first, each with ``on_frontier``; without a price none is on it."""
    costs = [math.inf if p["usd_per_1000"] is None else p["usd_per_1000"] for p in points]
    best = frontier(costs, [point["value"] for point in points])
    found = [
        point | {"on_frontier": is_on and cost < math.inf}
        for point, cost, is_on in zip(points, costs, best, strict=True)
    ]
    return sorted(found, key=lambda point: -point["value"])


def _few(points: list[Point]) -> list[Point]:
    """For the chart: all that are asked for, and the three best of each kind that is free."""
    kept, seen = [], dict.fromkeys(_KINDS, 0)
    for point in points:
        seen[point["kind"]] += 1
        if point["usd_per_1000"] > 0 or seen[point["kind"]] <= 3:
            kept.append(point)
    return kept


def _drawn(point: Point) -> Point:
    contrast = point["contrast"] or {}
    ends: list[float | None] = [None, None]
    if contrast.get("ci_low") is not None:
        ends = [contrast["reference_value"] + contrast[end] for end in ("ci_low", "ci_high")]
    return {
        "name": point["name"], "kind": point["kind"], "usd_per_1000": point["usd_per_1000"],
        "value": point["value"], "low": ends[0], "high": ends[1],
        "on_frontier": point["on_frontier"],
    }  # fmt: skip


def _table(points: list[Point]) -> Table:
    rows = []
    for point in points:
        contrast = point["contrast"]
        rows.append(
            [
                point["name"],
                _KINDS[point["kind"]],
                formats.metric(point["value"]),
                _change(contrast),
                formats.dollars(point["once"]),
                formats.dollars(point["usd_per_1000"]),
                _waits(point["p50"], point["p95"]),
                "yes" if point["on_frontier"] else "",
            ]
        )
    return Table(
        "pareto",
        "By quality: when an LLM works, what it changes, and what it takes. Once: dollars per "
        "1,000 items, before any request.",
        ["", "LLM", "MRR", "Change", "Once", "$ per 1,000", "p50 / p95, ms", "Frontier"],
        rows,
        pl.DataFrame([_drawn(p) for p in points], infer_schema_length=None),
        text_columns=frozenset({1}),
        strong_rows=frozenset(n for n, point in enumerate(points) if point["on_frontier"]),
    )


def _waits(p50: float | None, p95: float | None) -> str:
    return f"{formats.count(p50)} / {formats.count(p95)}"


def _change(contrast: Point | None) -> str:
    if contrast is None or not contrast["reference_value"]:
        return formats.MISSING
    base = contrast["reference_value"]
    bounds = formats.MISSING
    if contrast["ci_low"] is not None:
        low, high = contrast["ci_low"] / base, contrast["ci_high"] / base
        bounds = formats.interval(low, high, of_change=True).replace("\u00a0%", "")
    return f"{formats.change(contrast['delta'] / base)}\n{bounds}"
