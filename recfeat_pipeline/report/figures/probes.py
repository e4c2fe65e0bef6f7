"""The figure of the probes: what less text costs."""

import polars as pl
from matplotlib.ticker import FuncFormatter

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.figure import PALETTE, Figure, drawing

_SERIES = r"\+(first-.*|title-only)$"
"""Probes that differ in the amount of text alone; the others stand beside the line."""


def dose_response(probes: pl.DataFrame) -> Figure:
    """Agreement with the curated tags by the amount of text that a call shows.

    Args:
        probes: of ``metrics.probes``, those with scores: arm, prompt_version, mean_chars,
            agreement_r with its ends.
    """
    rows = probes.sort("mean_chars", "prompt_version")
    with drawing(2.9) as (canvas, (ax,)):
        in_series = pl.col("arm").eq("llm") | pl.col("prompt_version").str.contains(_SERIES)
        rows = rows.with_columns(in_series=in_series)
        dose = rows.filter("in_series")
        ax.plot(dose["mean_chars"], dose["agreement_r"], "-", color=PALETTE["rule"], lw=1.6)
        for row in rows.iter_rows(named=True):
            tint = PALETTE["llm"] if row["in_series"] else PALETTE["other"]
            x, r = row["mean_chars"], row["agreement_r"]
            if row["agreement_low"] is not None and row["agreement_high"] is not None:
                ax.plot([x, x], [row["agreement_low"], row["agreement_high"]], color=tint, lw=1.2)
            ax.plot([x], [r], "o", ms=5, color=tint)
            ax.annotate(
                _label(row),
                (x, r), (6, 4), textcoords="offset points", color=PALETTE["muted"],
            )  # fmt: skip
        ax.set_xscale("log")
        ax.margins(x=0.12, y=0.15)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: formats.count(value)))
        ax.set_xlabel("mean characters shown of an item (logarithmic)")
        ax.set_ylabel("mean r with the curated tags")
        ax.grid(axis="y")
        ax.tick_params(length=0)
        ax.spines["left"].set_visible(False)
    listing = ", ".join(
        f"{row['prompt_version']} {formats.count(row['mean_chars'])} characters "
        f"{formats.correlation(row['agreement_r'])}"
        for row in rows.iter_rows(named=True)
    )
    return Figure(
        "dose_response",
        "Agreement by the amount of text",
        f"Mean correlation with the curated tags by characters shown: {listing}.",
        rows.drop("in_series"),
        canvas,
    )


def _label(row: dict[str, str]) -> str:
    """The whole version, a probe of it, or a version of its own."""
    whole = "whole" if row["arm"] == "llm" else row["prompt_version"]
    return row["prompt_version"].partition("+")[2] or whole
