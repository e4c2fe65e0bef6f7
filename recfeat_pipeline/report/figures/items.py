"""Figures of the input and its price: how long the documents are, what each group cost."""

import polars as pl

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.figure import PALETTE, Figure, drawing


def text_lengths(bands: pl.DataFrame) -> Figure:
    """Corpus items by length of their document.

    Args:
        bands: low, high (characters; null: open), n_items, in_corpus.
    """
    rows = bands.filter("in_corpus").sort("low")
    names = [
        f"{low:,}+" if high is None else f"{low:,}–{high:,}"
        for low, high in rows.select("low", "high").iter_rows()
    ]
    counts = rows["n_items"].to_list()
    with drawing(1.9) as (canvas, (ax,)):
        ax.bar(range(len(counts)), counts, 0.9, color=PALETTE["other"])
        for x, number in enumerate(counts):
            ax.annotate(formats.count(number), (x, number), (0, 2), textcoords="offset points",
                        ha="center", color=PALETTE["muted"])  # fmt: skip
        ax.set_xticks(range(len(names)), names)
        ax.set_yticks([])
        ax.margins(y=0.16)
        ax.set_xlabel("characters of text that the prompt sees")
        ax.tick_params(length=0)
        ax.spines["left"].set_visible(False)
    listing = ", ".join(f"{name} characters: {n:,}" for name, n in zip(names, counts, strict=True))
    return Figure(
        "text_lengths", "How much text each item has", f"Items by {listing}.", rows, canvas
    )


def cost_by_group(cost: pl.DataFrame) -> Figure:
    """Dollars per taxonomy group.

    Args:
        cost: group, cost_usd, calls.
    """
    rows = (
        cost.group_by("group")
        .agg(pl.col("cost_usd", "calls").sum())
        .sort("cost_usd", descending=True)
    )
    with drawing(0.5 + 0.3 * rows.height) as (canvas, (ax,)):
        for y, dollars in enumerate(rows["cost_usd"]):
            ax.plot([0, dollars], [y, y], color=PALETTE["llm"], lw=6, solid_capstyle="butt")
            ax.annotate(formats.dollars(dollars), (dollars, y), (6, 0),
                        textcoords="offset points", va="center")  # fmt: skip
        ax.set_yticks(range(rows.height), [formats.words(group) for group in rows["group"]])
        ax.set_ylim(rows.height - 0.4, -0.6)
        ax.margins(x=0.14)
        ax.set_xlim(left=0)
        ax.set_xticks([])
        ax.tick_params(length=0)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
    listing = ", ".join(
        f"{formats.words(group)} {formats.dollars(dollars)}"
        for group, dollars in rows.select("group", "cost_usd").iter_rows()
    )
    return Figure("cost_by_group", "What each group of questions cost", f"{listing}.", rows, canvas)
