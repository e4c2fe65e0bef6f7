"""An LLM at the moment of the request: what its order gains, against what costs nothing."""

import polars as pl

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.blocks import Block, Bullets, Paragraph, Section, Table
from recfeat_pipeline.report.inputs import Inputs
from recfeat_pipeline.report.reranked import Reranker, Row, find_rerankers, name_of

_TITLE = "Another order at the moment of the request"
_STRATA = ("history 1-9", "history 10-49", "history 50+")


def reranking(inputs: Inputs) -> Section | None:
    """Left out where no arm reorders."""
    found = [one for one in find_rerankers(inputs) if one.gain is not None]
    if not found:
        return None
    blocks: list[Block] = [
        Bullets([_verdict(inputs, one) for one in found if one.asks and not one.is_control]),
        _gains(found),
        _against(inputs, found),
        _answers([one for one in found if one.asks]),
        _strata(found),
        Paragraph(
            "A sample of the requests was asked; a request whose item is no candidate keeps its "
            "rank, so the others tell the change over all. Users are the unit. Controls see the "
            "history of another user, the history in no order, or features and no titles; "
            "“asked once more” says how stable answers are.",
            "note",
        ),
    ]
    return Section("reranking", _TITLE, blocks)


def _verdict(inputs: Inputs, one: Reranker) -> str:
    name, gain = one.name, one.gain
    assert gain is not None
    base = name_of(inputs, one.row["base"])
    span = _span(gain)
    match one.effect:
        case "gain":
            untested = f" Not run: {', '.join(one.untested)}." if one.untested else ""
            return f"{name}: {span} MRR over {base}, which no control gains.{untested}"
        case "doubt":
            return (
                f"{name}: {span} MRR over {base}, and it is not the LLM's: "
                f"{'; '.join(one.doubts())}."
            )
        case "loss":
            return f"{name}: {span} MRR against {base}: a loss."
    detectable = formats.percent(gain["detectable"] / gain["reference_value"])
    return (
        f"{name}: {span} MRR over {base}: not shown. A change by {detectable} would be found four "
        f"times in five with {formats.count(gain['n_examples'])} requests."
    )


def _span(contrast: Row) -> str:
    base = contrast["reference_value"]
    low, high = (contrast[end] / base for end in ("ci_low", "ci_high"))
    return f"{formats.change(contrast['relative'])} {formats.interval(low, high, of_change=True)}"


def _gains(found: list[Reranker]) -> Table:
    rows, tones, data = [], {}, []
    for at, one in enumerate(found):
        gain, ndcg = one.gain, one.over(one.row["base"], metric="ndcg")
        assert gain is not None
        if (effect := one.effect) and one.asks and not one.is_control:
            tones[at, 3] = effect
        n_asked, value = formats.count(gain["n_examples"]), formats.metric(gain["arm_value"])
        rows.append([one.name, n_asked, value, _lines(gain), _lines(ndcg)])
        data.append(gain)
    return Table(
        "reranked",
        "What an order of the best candidates changes over all requests, with 95 % intervals in "
        "percent of the base's.",
        ["Who orders", "Asked", "MRR", "Change", "NDCG@10"],
        rows,
        pl.DataFrame(data, infer_schema_length=None),
        tones=tones,
    )


def _against(inputs: Inputs, found: list[Reranker]) -> Table:
    """Each LLM's order against what costs nothing and against its controls."""
    ours = [one for one in found if one.asks and not one.is_control]
    others = [o for o in found if any(one.over(o.arm) for one in ours if one.arm != o.arm)]
    rows, data = [], []
    for other in others:
        cells = [None if one.arm == other.arm else one.over(other.arm) for one in ours]
        rows.append([_short(inputs, other), *map(_lines, cells)])
        data += [cell for cell in cells if cell]
    return Table(
        "against",
        "The LLM's order less another, in percent of that one: a gain is the LLM's only where it "
        "beats what costs nothing, and what knows another user.",
        ["Less", *(one.name for one in ours)],
        rows,
        pl.DataFrame(data, infer_schema_length=None),
    )


def _lines(contrast: Row | None) -> str:
    if contrast is None:
        return formats.MISSING
    change, _, bounds = _span(contrast).partition(" ")
    bounds = bounds.replace("\u00a0%", "").replace(", ", ",\u00a0")
    return f"{change}\n{bounds}"


def _short(inputs: Inputs, other: Reranker) -> str:
    if not other.asks:
        return {"content": "Likeness"}.get(other.row["by"], name_of(inputs, other.row["by"]))
    if other.row["history"] != "newest":
        known = {"shuffled": "History in no order", "other": "Another's history"}
        return known[other.row["history"]]
    if other.row["items"] == "features":
        return "Features alone"
    return "Sees the base's order" if other.row["order"] == "base" else "Not fused"


def _answers(asked: list[Reranker]) -> Table:
    rows = []
    for one in asked:
        row = one.row
        share = row["answered"] / row["asked"] if row["asked"] else None
        first = formats.percent(row["first_third"], 0)
        steady = formats.MISSING
        if row["overlap"] is not None:
            steady = f"{formats.percent(row['overlap'], 0)} of picks"
        rows.append(
            [
                one.name,
                formats.percent(share),
                formats.count(row["no_such_candidate"]),
                formats.count(row["unreadable"]),
                f"{first} ({formats.percent(row['first_third_expected'], 0)})",
                steady,
                _ms(row["latency_p50_ms"], row["latency_p95_ms"]),
                formats.dollars(row["usd_per_1000"]),
            ]
        )
    return Table(
        "answers",
        "How the LLM answered, from the ledger. First third: first picks among the first third of "
        "the numbers, and in brackets what chance gives where candidates come in no order.",
        ["", "Valid", "Invalid numbers", "Unreadable", "First third", "Same again", "p50 / p95, ms",
         "$ per 1,000"],
        rows,
        pl.DataFrame([one.row for one in asked], infer_schema_length=None),
    )  # fmt: skip


def _ms(p50: float | None, p95: float | None) -> str:
    return f"{formats.count(p50)} / {formats.count(p95)}"


def _strata(found: list[Reranker]) -> Table:
    strata = [s for s in _STRATA if any(one.over(one.row["base"], s) for one in found)]
    rows, data = [], []
    for one in found:
        cells = [one.over(one.row["base"], stratum) for stratum in strata]
        rows.append([one.name, *map(_lines, cells)])
        data += [{"arm": one.arm, **cell} for cell in cells if cell]
    return Table(
        "by_history",
        "The same by length of history: is it users of whom little is known?",
        ["Who orders", *(f"{s.replace('history ', '')} events" for s in strata)],
        rows,
        pl.DataFrame(data, infer_schema_length=None),
    )
