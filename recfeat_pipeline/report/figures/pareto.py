"""What buys how much: quality against the price of a request."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.figure import PALETTE, Figure, drawing

TINTS = {"plain": "floor", "enhancer": "llm", "distilled": "llm", "reranker": "other"}
"""Kind of point to a colour's meaning."""
_LONGEST = 36  # letters of a name, so that it does not reach the next price; the table has it whole
_LINEAR = 0.01  # dollars below which the axis is linear, so that nothing has a place


def pareto(points: pl.DataFrame, label: str = "MRR") -> Figure:
    """A point per way of recommending, its interval, and the frontier through the best.

    Args:
        points: name, kind (of :data:`TINTS`), usd_per_1000, value, low, high (null: no interval)
            and on_frontier.
        label: what a reader calls the metric.
    """
    points = points.sort("usd_per_1000", "value")
    with drawing(4.6) as (canvas, (ax,)):
        best = points.filter("on_frontier")
        ax.step(
            [*best["usd_per_1000"], points["usd_per_1000"].max()],
            [*best["value"], best["value"].max()],
            where="post", color=PALETTE["rule"], lw=1.5, zorder=0,
        )  # fmt: skip
        for row in points.iter_rows(named=True):
            tint = PALETTE[TINTS[row["kind"]]]
            at = row["usd_per_1000"]
            if row["low"] is not None:
                lowest = max(row["low"], 0.0)  # an interval of few may pass what a metric can be
                ax.plot([at, at], [lowest, row["high"]], color=tint, lw=1.5)
            face = tint if row["on_frontier"] else PALETTE["paper"]
            ax.plot([at], [row["value"]], "o", ms=6.5, mfc=face, mec=tint, mew=1.4)
        _name(ax, points)
        ax.set_xscale("symlog", linthresh=_LINEAR)
        ax.set_xlim(-0.15 * _LINEAR, 12 * max([*points["usd_per_1000"], _LINEAR]))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: formats.dollars(value)))
        ax.minorticks_off()
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: formats.metric(value)))
        ax.set_xlabel("dollars per 1,000 requests, at the moment of the request")
        ax.set_ylabel(f"{label}, with the interval of the difference")
        ax.grid(axis="y")
        ax.set_axisbelow(True)
    listing = "; ".join(
        f"{row['name']}: {formats.metric(row['value'])} at {formats.dollars(row['usd_per_1000'])}"
        + (", on the frontier" if row["on_frontier"] else "")
        for row in points.iter_rows(named=True)
    )
    return Figure(
        "pareto",
        "What buys how much",
        f"{label} against dollars per 1,000 requests. {listing}.",
        points,
        canvas,
    )


def _name(ax: Axes, points: pl.DataFrame) -> None:
    """Each point's name to its right; names at the same price are pushed apart."""
    low, high = ax.get_ylim()
    for _, group in points.group_by(pl.col("usd_per_1000") > 0, maintain_order=True):
        y = -float("inf")
        for name, at, value in group.sort("value").select("name", "usd_per_1000", "value").rows():
            y = max(value, y + 0.045 * (high - low))
            short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"
            ax.annotate(
                short, (at, y), xytext=(8, 0), textcoords="offset points", va="center", fontsize=8.5
            )
