"""Figures of differences with their intervals: the forest plot and the substitution ladder."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.figure import PALETTE, Figure, colour, drawing
from recfeat_pipeline.report.roles import Roles

_SIGNED_TICKS = FuncFormatter(lambda value, _: formats.signed(value) if value else "0")


def forest(rows: pl.DataFrame, roles: Roles, label: str = "MRR") -> Figure:
    """One line per contrast: the difference, its 95 % interval, and zero to compare with.

    Args:
        rows: of ``metrics.contrasts``, one metric and one slice: arm, baseline, delta, ci_low,
            ci_high.
        roles: names and colours of the arms.
        label: what a reader calls the metric.
    """
    rows = rows.drop_nulls("delta")
    names = [
        f"{roles.name(arm)} − {roles.name(baseline)}"
        for arm, baseline in rows.select("arm", "baseline").iter_rows()
    ]
    tints = [colour(roles.role(arm)) for arm in rows["arm"]]
    listing = "; ".join(
        f"{name} {formats.signed(delta)} {formats.interval(low, high)}"
        for name, (delta, low, high) in zip(
            names, rows.select("delta", "ci_low", "ci_high").iter_rows(), strict=True
        )
    )
    with drawing(0.6 + 0.34 * rows.height) as (canvas, (ax,)):
        _intervals(ax, rows, names, tints)
        ax.set_xlabel(f"difference in {label}, 95 % interval; left of zero: worse")
    return Figure(
        "forest",
        f"Differences in {label} between arms",
        f"Forest plot: {listing}.",
        rows,
        canvas,
    )


def substitution_ladder(ladder: pl.DataFrame) -> Figure:
    """What dropping the handmade metadata costs, given the content that stays.

    Args:
        ladder: ``metrics.substitution_ladder``: content, corpus, rich, base, delta, ci_low, ci_high.
    """
    ladder = ladder.drop_nulls("delta")
    one_corpus = ladder["corpus"].n_unique() < 2
    names = [
        content if one_corpus else f"{content}, {corpus}"
        for content, corpus in ladder.select("content", "corpus").iter_rows()
    ]
    tints = [
        colour(next((r for r in ("llm", "curated", "floor") if r in str(content).lower()), "other"))
        for content in ladder["content"]
    ]
    listing = "; ".join(
        f"{name}: {formats.signed(delta)} {formats.interval(low, high)}"
        for name, (delta, low, high) in zip(
            names, ladder.select("delta", "ci_low", "ci_high").iter_rows(), strict=True
        )
    )
    with drawing(0.6 + 0.34 * ladder.height) as (canvas, (ax,)):
        _intervals(ax, ladder, names, tints)
        ax.set_xlabel("change in MRR when genre, year and user tags are removed")
    return Figure(
        "substitution_ladder",
        "How well each content source stands in for handmade metadata",
        f"Change in MRR from the rich to the base arm by content source. {listing}.",
        ladder,
        canvas,
    )


def _intervals(ax: Axes, rows: pl.DataFrame, names: list[str], tints: list[str]) -> None:
    """Points with whiskers, top to bottom; a missing interval leaves the point alone."""
    ax.axvline(0, color=PALETTE["muted"], lw=1)
    triples = rows.select("delta", "ci_low", "ci_high").iter_rows()
    for y, ((delta, low, high), tint) in enumerate(zip(triples, tints, strict=True)):
        if low is not None and high is not None:
            ax.plot([low, high], [y, y], color=tint, lw=2, solid_capstyle="butt")
        ax.plot([delta], [y], "o", ms=6, color=tint)
        ax.annotate(
            formats.signed(delta),
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=PALETTE["ink"],
        )
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.margins(x=0.08)
    ax.xaxis.set_major_formatter(_SIGNED_TICKS)
    ax.locator_params(axis="x", nbins=6)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
