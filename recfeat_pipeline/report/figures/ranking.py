"""Figures of ranking metrics: per arm, and along popularity, history or any other slice."""

import re

import polars as pl
from matplotlib.ticker import FuncFormatter

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.figure import PALETTE, Figure, colour, drawing
from recfeat_pipeline.report.roles import Roles

TIERS = ("all", "HEAD", "TAIL", "Q4", "Q3", "Q2", "Q1")
_METRIC_TICKS = FuncFormatter(lambda value, _: formats.metric(value) if value else "0")
_CHANGE_TICKS = FuncFormatter(lambda value, _: formats.change(value) if value else "0")


def metric_by_arm(rows: pl.DataFrame, roles: Roles, label: str = "MRR") -> Figure:
    """Each arm's mean over seeds as a bar end, its seeds as dots.

    Args:
        rows: of one metric, one corpus and one slice: arm, seed, value.
        roles: names, colours and order of the arms.
        label: what a reader calls the metric.
    """
    means = _means(rows, "arm")
    arms = [arm for arm in roles.order if arm in means["arm"]]
    mean = dict(means.select("arm", "value").iter_rows())
    with drawing(0.55 + 0.36 * len(arms)) as (canvas, (ax,)):
        for position, arm in enumerate(arms):
            tint = colour(roles.role(arm))
            ax.plot([0, mean[arm]], [position] * 2, color=tint, lw=5, solid_capstyle="butt")
            seeds = rows.filter(arm=arm)["value"].to_list()
            ax.plot(
                seeds, [position] * len(seeds), "o", ms=5, mfc=PALETTE["paper"], mec=tint, mew=1.4
            )
            ax.annotate(
                formats.metric(mean[arm]),
                (max([*seeds, mean[arm]]), position),
                (8, 0),
                textcoords="offset points",
                va="center",
            )
        ax.set_yticks(range(len(arms)), [roles.name(arm) for arm in arms])
        ax.set_ylim(len(arms) - 0.4, -0.6)
        ax.set_xlim(0, 1.14 * max([*rows["value"], 1e-6]))
        ax.xaxis.set_major_formatter(_METRIC_TICKS)
        ax.set_xlabel(f"{label}; bar: mean, circles: seeds")
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
    listing = ", ".join(f"{roles.name(arm)} {formats.metric(mean[arm])}" for arm in arms)
    return Figure(
        "metric_by_arm",
        f"{label} of each arm",
        f"Bars of {label} by arm, with one circle per seed: {listing}.",
        rows.select("arm", "seed", "value").sort("arm", "seed"),
        canvas,
    )


def tiers(rows: pl.DataFrame, roles: Roles, label: str = "MRR") -> Figure:
    """The relative change over the floor in each popularity tier.

    Args:
        rows: of one metric and one corpus: arm, seed, slice, value, n.
        roles: must have a floor.
        label: what a reader calls the metric.
    """
    names = {tier: tier for tier in TIERS}
    names |= {"all": "All", "Q4": "Q4\nmost popular", "Q1": "Q1\nleast popular"}
    title = f"Change of {label} over the floor, by popularity of the target"
    return _change("tiers", title, rows, roles, names, label)


def change_by_slice(
    rows: pl.DataFrame, roles: Roles, family: str, title: str, label: str = "MRR"
) -> Figure:
    """The relative change over the floor along a family of slices (``history 1-9``, …).

    Args:
        rows: of one metric and one corpus: arm, seed, slice, value, n.
        roles: must have a floor.
        family: the slices' common first word.
        title: of the figure.
        label: what a reader calls the metric.
    """
    names = {slice_: _band(slice_) for slice_ in _slices(rows, family)}
    return _change(_figure_name(family), title, rows, roles, names, label)


def _change(
    name: str, title: str, rows: pl.DataFrame, roles: Roles, names: dict[str, str], label: str
) -> Figure:
    """Grouped bars of value / floor − 1; ``names`` are the slices in order, with their labels."""
    means = _means(rows.filter(pl.col("slice").is_in(list(names))), "arm", "slice")
    base = means.filter(arm=roles.floor).select("slice", floor="value")
    compared = [arm for arm in (*roles.main, *roles.controls) if arm != roles.floor]
    data = (
        means.filter(pl.col("arm").is_in(compared))
        .join(base, on="slice")
        .with_columns(change=pl.col("value") / pl.col("floor") - 1)
        .filter(pl.col("change").is_finite())
    )
    present = [slice_ for slice_ in names if slice_ in data["slice"]]
    with drawing(2.7) as (canvas, (ax,)):
        width = 0.8 / max(len(compared), 1)
        for offset, arm in enumerate(compared):
            own = dict(data.filter(arm=arm).select("slice", "change").iter_rows())
            ax.bar(
                [x + (offset - (len(compared) - 1) / 2) * width for x in range(len(present))],
                [own.get(slice_, 0.0) for slice_ in present],
                0.88 * width,
                color=colour(roles.role(arm)),
                label=roles.name(arm),
            )
        ax.axhline(0, color=PALETTE["muted"], lw=1)
        ax.set_xticks(range(len(present)), [names[slice_] for slice_ in present])
        ax.yaxis.set_major_formatter(_CHANGE_TICKS)
        ax.set_ylabel(f"{label} against the floor")
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        ax.tick_params(length=0)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
        ax.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1.02), borderaxespad=0)
    change = {
        (arm, slice_): value
        for arm, slice_, value in data.select("arm", "slice", "change").iter_rows()
    }
    listing = "; ".join(
        f"{roles.name(arm)}: "
        + ", ".join(
            f"{names[slice_].partition(chr(10))[0]} {formats.change(change[arm, slice_])}"
            for slice_ in present
            if (arm, slice_) in change
        )
        for arm in compared
    )
    return Figure(
        name,
        title,
        f"Grouped bars of the relative change of {label} over the floor. {listing}.",
        data.select("slice", "arm", "value", "floor", "change", "n"),
        canvas,
    )


def metric_by_slice(
    rows: pl.DataFrame, roles: Roles, family: str, title: str, label: str = "MRR"
) -> Figure:
    """A metric along an ordered family of slices (``history 1-9``, ``history 10-49``, …).

    Args:
        rows: of one metric and one corpus: arm, seed, slice, value, n.
        roles: names, colours and order of the arms.
        family: the slices' common first word.
        title: of the figure.
        label: what a reader calls the metric.
    """
    slices = _slices(rows, family)
    means = _means(rows.filter(pl.col("slice").is_in(slices)), "arm", "slice")
    arms = [arm for arm in roles.order if arm in means["arm"]]
    with drawing(2.9) as (canvas, (ax,)):
        for arm in arms:
            own = dict(means.filter(arm=arm).select("slice", "value").iter_rows())
            main = arm in roles.main
            ax.plot(
                range(len(slices)),
                [own.get(slice_, float("nan")) for slice_ in slices],
                "-o" if main else ":",
                ms=4,
                lw=1.8 if main else 1.3,
                color=colour(roles.role(arm)),
                label=roles.name(arm),
            )
        ax.set_xticks(range(len(slices)), [_band(slice_) for slice_ in slices])
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(_METRIC_TICKS)
        ax.set_ylabel(label)
        ax.grid(axis="y")
        ax.tick_params(length=0)
        ax.spines["left"].set_visible(False)
        ax.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1.02), borderaxespad=0)
    listing = "; ".join(
        f"{_band(slice_)}: "
        + ", ".join(
            f"{roles.name(arm)} {formats.metric(value)}"
            for arm, value in means.filter(slice=slice_).select("arm", "value").iter_rows()
        )
        for slice_ in slices
    )
    return Figure(
        _figure_name(family),
        title,
        f"Lines of {label} by arm. {listing}.",
        means.select("slice", "arm", "value", "n"),
        canvas,
    )


def slice_families(ranking: pl.DataFrame) -> list[str]:
    """The families of slices that are there: the first word of names that have two."""
    first = ranking["slice"].str.extract(r"^(\S+) ").drop_nulls()
    return sorted(first.unique())


def _band(slice_: str) -> str:
    """What a slice is called within its family."""
    return slice_.partition(" ")[2].replace("-", "–")


def _means(rows: pl.DataFrame, *by: str) -> pl.DataFrame:
    return rows.group_by(by).agg(pl.col("value").mean(), pl.col("n").max()).sort(by)


def _slices(rows: pl.DataFrame, family: str) -> list[str]:
    """The slices of a family by the first number in their names."""
    names = rows["slice"].unique()
    return sorted(names.filter(names.str.starts_with(f"{family} ")), key=_first_number)


def _figure_name(family: str) -> str:
    return f"slices_{re.sub(r'[^a-z0-9]', '_', family.lower())}"


def _first_number(slice_: str) -> tuple[float, str]:
    found = re.search(r"\d+(\.\d+)?", slice_.replace(",", ""))
    return (float(found.group()) if found else -1.0, slice_)
