"""Figures of differences with their intervals: the forest plot and the substitution ladder."""

from collections.abc import Callable
from textwrap import fill

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.figure import PALETTE, Figure, colour, drawing
from recfeat_pipeline.report.roles import Roles

_LABEL_WIDTH = 40  # characters of a label before it is broken


def forest(
    rows: pl.DataFrame,
    roles: Roles,
    *,
    name: str = "main",
    title: str = "Differences between arms",
) -> Figure:
    """One line per contrast: the relative difference, its 95 % interval, and zero beside it.

    Args:
        rows: one metric and one slice: arm, reference, change, change_low, change_high (relative
            to the reference's value; null bounds: no interval).
        roles: names and colours of the arms.
        name: tells several forest plots of a page apart.
        title: of the figure.
    """
    rows = rows.drop_nulls("change")
    names = [
        f"{roles.name(arm)} − {roles.name(reference)}"
        for arm, reference in rows.select("arm", "reference").iter_rows()
    ]
    tints = [colour(roles.role(arm)) for arm in rows["arm"]]
    triples = rows.select("change", "change_low", "change_high").rows()
    lines = [fill(text, _LABEL_WIDTH) for text in names]
    with drawing(_height(lines)) as (canvas, (ax,)):
        _intervals(ax, triples, lines, tints, formats.change)
        ax.set_xlabel("relative difference in MRR, 95 % interval; left of zero: worse")
    listing = _listing(names, triples, of_change=True)
    alt = f"Forest plot of relative differences in MRR. {listing}."
    return Figure(f"forest_{name}", title, alt, rows, canvas)


def substitution_ladder(ladder: pl.DataFrame, roles: Roles) -> Figure:
    """What dropping the handmade metadata costs, given the content that stays.

    Args:
        ladder: ``metrics.substitution_ladder``: content (a role or an arm), rich, base, delta,
            ci_low, ci_high.
        roles: names and colours of the contents.
    """
    ladder = ladder.drop_nulls("delta")
    arms = [getattr(roles, content, None) or content for content in ladder["content"]]
    names = [roles.name(arm) for arm in arms]
    triples = ladder.select("delta", "ci_low", "ci_high").rows()
    with drawing(_height(names)) as (canvas, (ax,)):
        _intervals(ax, triples, names, [colour(roles.role(arm)) for arm in arms], formats.signed)
        ax.set_xlabel("change in MRR when genre, year and user tags are removed")
    return Figure(
        "substitution_ladder",
        "How well each content source stands in for handmade metadata",
        f"Change in MRR from the rich to the base arm. {_listing(names, triples)}.",
        ladder,
        canvas,
    )


def _height(names: list[str]) -> float:
    """Inches for one line a label, with room between labels."""
    return 0.6 + sum(0.2 + 0.15 * text.count("\n") + 0.14 for text in names)


def _intervals(
    ax: Axes,
    triples: list[tuple[float, float | None, float | None]],
    names: list[str],
    tints: list[str],
    write: Callable[[float], str],
) -> None:
    """Points with whiskers, top to bottom; a missing interval leaves the point alone."""
    ax.axvline(0, color=PALETTE["muted"], lw=1)
    for y, ((value, low, high), tint) in enumerate(zip(triples, tints, strict=True)):
        if low is not None and high is not None:
            ax.plot([low, high], [y, y], color=tint, lw=2, solid_capstyle="butt")
        ax.plot([value], [y], "o", ms=6, color=tint)
        ax.annotate(
            write(value),
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
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: write(v) if abs(v) > 1e-9 else "0"))
    ax.locator_params(axis="x", nbins=6)
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _listing(
    names: list[str],
    triples: list[tuple[float, float | None, float | None]],
    *,
    of_change: bool = False,
) -> str:
    write = formats.change if of_change else formats.signed
    return "; ".join(
        f"{name}: {write(value)} {formats.interval(low, high, of_change=of_change)}"
        for name, (value, low, high) in zip(names, triples, strict=True)
    )
