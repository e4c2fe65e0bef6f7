"""Figures of agreement between the extracted features and the curated tags."""

from itertools import pairwise

import polars as pl
from matplotlib.ticker import MaxNLocator

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.figure import PALETTE, Figure, drawing


def agreement_histogram(agreement: pl.DataFrame) -> Figure:
    """How many dimensions reach which correlation with their curated tags.

    Args:
        agreement: ``metrics.agreement`` of one version: dimension, pearson_r.
    """
    values = agreement["pearson_r"].drop_nulls().drop_nans().clip(-1, 1)
    low = min([*values, 0.0])
    start = int((low - 0.0999) * 10) / 10 if low < 0 else 0.0
    edges = [round(start + 0.1 * step, 1) for step in range(round((1 - start) * 10) + 1)]
    counts = [
        int(values.is_between(a, b, closed="both" if b == 1 else "left").sum())
        for a, b in pairwise(edges)
    ]
    mean = sum(values) / max(values.len(), 1)
    with drawing(2.4) as (canvas, (ax,)):
        ax.bar(edges[:-1], counts, 0.092, align="edge", color=PALETTE["llm"])
        ax.axvline(mean, color=PALETTE["ink"], lw=1.2, ls=(0, (3, 2)))
        ax.annotate(
            f"mean {formats.correlation(mean)}",
            (mean, 1),
            xycoords=("data", "axes fraction"),
            xytext=(5, 2),
            textcoords="offset points",
        )
        for x, number in zip(edges, counts, strict=False):
            if number:
                ax.annotate(str(number), (x + 0.046, number), (0, 2), textcoords="offset points",
                            ha="center", color=PALETTE["muted"])  # fmt: skip
        ax.set_xlabel("Pearson r with the curated tags that a dimension stands for")
        ax.set_ylabel("dimensions")
        ax.set_xlim(edges[0], 1)
        ax.margins(y=0.14)
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
        ax.tick_params(length=0)
        ax.spines["left"].set_visible(False)
    bars = ", ".join(
        f"{number} from {a:.1f} to {b:.1f}"
        for (a, b), number in zip(pairwise(edges), counts, strict=True)
        if number
    )
    return Figure(
        "agreement_histogram",
        "Agreement of each dimension with people's tags",
        f"Histogram of {values.len()} correlations, mean {formats.correlation(mean)}: {bars}.",
        agreement.select("version", "group", "dimension", "pearson_r", "spearman_r", "n_items"),
        canvas,
    )


def best_and_worst(agreement: pl.DataFrame) -> Figure:
    """The ten dimensions with the highest and the ten with the lowest correlation.

    Fewer of each when there are not twenty.

    Args:
        agreement: ``metrics.agreement`` of one version: dimension, pearson_r, n_items.
    """
    ranked = agreement.filter(pl.col("pearson_r").is_finite()).sort("pearson_r", descending=True)
    n = min(10, ranked.height // 2)
    best, worst = ranked.head(n), ranked.tail(n)
    with drawing(0.6 + 0.24 * n, columns=2) as (canvas, axes):
        for ax, half, heading in zip(
            axes, (best, worst), ("Agree most", "Agree least"), strict=True
        ):
            for y, r in enumerate(half["pearson_r"]):
                ax.plot([0, r], [y, y], color=PALETTE["llm"], lw=4, solid_capstyle="butt")
                ax.annotate(
                    formats.correlation(r), (max(r, 0), y), (5, 0),
                    textcoords="offset points", va="center", color=PALETTE["muted"],
                )  # fmt: skip
            ax.set_yticks(range(half.height), [formats.words(d) for d in half["dimension"]])
            ax.set_ylim(half.height - 0.4, -0.6)
            ax.set_xlim(min([*half["pearson_r"], 0.0]), 1.12)
            ax.set_title(heading, loc="left", fontsize=9.5, color=PALETTE["muted"])
            ax.tick_params(length=0)
            ax.set_xticks([])
            for side in ("left", "bottom"):
                ax.spines[side].set_visible(False)

    def listing(half: pl.DataFrame) -> str:
        pairs = half.select("dimension", "pearson_r").iter_rows()
        return ", ".join(f"{formats.words(d)} {formats.correlation(r)}" for d, r in pairs)

    return Figure(
        "best_and_worst",
        "Where it agrees with people, and where it does not",
        f"Agree most: {listing(best)}. Agree least: {listing(worst)}.",
        pl.concat([best, worst]).select(
            "group", "dimension", "genome_tags", "pearson_r", "n_items"
        ),
        canvas,
    )
