"""Figures of ranking metrics: per arm, and along popularity, history or any other slicing."""

from collections.abc import Mapping

import polars as pl
from matplotlib.ticker import FuncFormatter

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.figure import PALETTE, Figure, colour, drawing
from recfeat_pipeline.report.roles import Roles

_METRIC_TICKS = FuncFormatter(lambda value, _: formats.metric(value) if value else "0")
_WHISKER_REACH = 2.0  # times the largest bar
_CHANGE_TICKS = FuncFormatter(
    lambda value, _: f"{100 * value:+.3g}\u00a0%".replace("-", "−") if value else "0"
)


def metric_by_arm(rows: pl.DataFrame, roles: Roles) -> Figure:
    """Each arm's mean over seeds as a bar end, its seeds as dots.

    Args:
        rows: of one metric and one slice: arm, seed, value.
        roles: names, colours and order of the arms.
    """
    mean = dict(rows.group_by("arm").agg(pl.col("value").mean()).iter_rows())
    arms = [arm for arm in roles.order if arm in mean]
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
        ax.set_xlabel("MRR; bar: mean, circles: seeds")
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
    listing = ", ".join(f"{roles.name(arm)} {formats.metric(mean[arm])}" for arm in arms)
    return Figure(
        "metric_by_arm",
        "MRR of each arm",
        f"Bars of MRR by arm, with one circle per seed: {listing}.",
        rows.select("arm", "seed", "value").sort("arm", "seed"),
        canvas,
    )


def change_by_slice(
    changes: pl.DataFrame,
    roles: Roles,
    slices: Mapping[str, str],
    name: str,
    title: str,
) -> Figure:
    """The relative change over the floor on each slice, with its 95 % interval where there is one.

    Args:
        changes: arm, slice, change, change_low, change_high; one row per arm and slice.
        roles: names, colours and order of the arms.
        slices: the slices in order, each with its label.
        name: of the figure.
        title: of the figure.
    """
    data = changes.filter(pl.col("slice").is_in(list(slices)))
    arms = [arm for arm in roles.order if arm in data["arm"]]
    place = {slice_: x for x, slice_ in enumerate(slices)}
    width = 0.8 / max(len(arms), 1)
    listing = []
    with drawing(2.7) as (canvas, (ax,)):
        for offset, arm in enumerate(arms):
            own = data.filter(arm=arm).sort(pl.col("slice").replace_strict(place))
            shift = (offset - (len(arms) - 1) / 2) * width
            at = [place[slice_] + shift for slice_ in own["slice"]]
            tint = colour(roles.role(arm))
            ax.bar(at, own["change"], 0.88 * width, color=tint, label=roles.name(arm))
            for x, low, high in zip(at, own["change_low"], own["change_high"], strict=True):
                if low is not None and high is not None:
                    ax.plot([x, x], [low, high], color=PALETTE["ink"], lw=1.1)
            texts = (
                f"{slices[slice_].partition(chr(10))[0]} {formats.change(change)}"
                for slice_, change in own.select("slice", "change").iter_rows()
            )
            listing.append(f"{roles.name(arm)}: {', '.join(texts)}")
        ax.axhline(0, color=PALETTE["muted"], lw=1)
        # A whisker that dwarfs every bar is cut: it says "unknown" wherever it ends.
        reach = _WHISKER_REACH * max([abs(change) for change in data["change"]], default=0.0)
        low, high = ax.get_ylim()
        if reach:
            ax.set_ylim(max(low, -reach), min(high, reach))
        ax.set_xticks(range(len(slices)), list(slices.values()))
        ax.yaxis.set_major_formatter(_CHANGE_TICKS)
        ax.set_ylabel("MRR against the floor")
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        ax.tick_params(length=0)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
        ax.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1.02), borderaxespad=0)
    alt = f"Grouped bars of the relative change of MRR over the floor. {'; '.join(listing)}."
    return Figure(name, title, alt, data, canvas)


def metric_by_slice(
    rows: pl.DataFrame,
    roles: Roles,
    slices: Mapping[str, str],
    name: str,
    title: str,
) -> Figure:
    """A metric along ordered slices, a line for each arm.

    Args:
        rows: of one metric: arm, seed, slice, value, n.
        roles: names, colours and order of the arms.
        slices: the slices in order, each with its label.
        name: of the figure.
        title: of the figure.
    """
    means = (
        rows.filter(pl.col("slice").is_in(list(slices)))
        .group_by("arm", "slice")
        .agg(pl.col("value").mean(), pl.col("n").max())
        .sort("arm", "slice")
    )
    arms = [arm for arm in roles.order if arm in means["arm"]]
    listing = []
    with drawing(2.9) as (canvas, (ax,)):
        for arm in arms:
            own = dict(means.filter(arm=arm).select("slice", "value").iter_rows())
            values = [own.get(slice_, float("nan")) for slice_ in slices]
            main = arm in roles.main
            ax.plot(
                range(len(slices)),
                values,
                "-o" if main else ":",
                ms=4,
                lw=1.8 if main else 1.3,
                color=colour(roles.role(arm)),
                label=roles.name(arm),
            )
            texts = (
                f"{text} {formats.metric(value)}"
                for text, value in zip(slices.values(), values, strict=True)
            )
            listing.append(f"{roles.name(arm)}: {', '.join(texts)}")
        ax.set_xticks(range(len(slices)), list(slices.values()))
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_formatter(_METRIC_TICKS)
        ax.set_ylabel("MRR")
        ax.grid(axis="y")
        ax.tick_params(length=0)
        ax.spines["left"].set_visible(False)
        ax.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1.02), borderaxespad=0)
    return Figure(name, title, f"Lines of MRR by arm. {'; '.join(listing)}.", means, canvas)
