"""A figure of the report: drawn once, read as SVG on the page and as PNG in Dagster's metadata.

The SVG is meant to be inlined: its colours are CSS variables with the light value as fallback, so
that one drawing serves light, dark and print; its text stays text, in the page's own font.
"""

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import matplotlib as mpl
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

PALETTE = {
    "ink": "#1c2430",
    "muted": "#5b6675",
    "rule": "#d5dae1",
    "paper": "#fdfdfc",
    "llm": "#c2410c",
    "curated": "#1d5fa8",
    "floor": "#6b7280",
    "control": "#a37b1c",
    "other": "#0f766e",
}
"""Colour by meaning. Every value is used for one meaning only, so that the SVG can be themed.

The page's style sheet gives the dark values; text colours reach a contrast of 4.5 : 1 on both.
"""

_STYLE: Any = {  # matplotlib types each key of rcParams
    "axes.edgecolor": PALETTE["rule"],
    "axes.facecolor": "none",
    "axes.labelcolor": PALETTE["muted"],
    "axes.labelsize": 9.0,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "grid.color": PALETTE["rule"],
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "svg.fonttype": "none",
    "text.color": PALETTE["ink"],
    "text.parse_math": False,  # a "$" in a title is a dollar
    "xtick.color": PALETTE["rule"],
    "xtick.labelcolor": PALETTE["muted"],
    "ytick.color": PALETTE["rule"],
    "ytick.labelcolor": PALETTE["ink"],
}

_WIDTH = 7.2  # inches: 518 SVG units, so 9.5 pt of text is about 13 px in a 46 rem column


@dataclass(frozen=True)
class Figure:
    """A titled drawing with its description and its data.

    Attributes:
        name: identifies it within a report (letters, digits, underscores).
        title: what it shows, as a heading.
        alt: what a reader who cannot see it should know, numbers included.
        data: what was drawn, one row per mark.
        canvas: the matplotlib drawing.
    """

    name: str
    title: str
    alt: str
    data: pl.DataFrame
    canvas: Canvas

    @cached_property
    def svg(self) -> str:
        """An ``<svg>`` element for inlining; carries no width, title or style sheet of its own."""
        buffer = io.StringIO()
        with mpl.rc_context({**_STYLE, "svg.hashsalt": self.name}):
            self.canvas.savefig(buffer, format="svg", metadata={"Date": None})
        return _inline(buffer.getvalue(), self.name)

    @cached_property
    def png(self) -> bytes:
        """The light drawing on a white ground, small enough for Dagster's event log."""
        buffer = io.BytesIO()
        with mpl.rc_context(_STYLE):
            self.canvas.savefig(buffer, format="png", dpi=90, facecolor=PALETTE["paper"])
        return buffer.getvalue()

    def to_markdown_image(self) -> str:
        """The PNG as a Markdown image, as ``MetadataValue.md`` takes it."""
        alt = re.sub(r"[\[\]\n]", " ", self.alt)
        return f"![{alt}](data:image/png;base64,{base64.b64encode(self.png).decode()})"


@contextmanager
def drawing(height: float, columns: int = 1) -> Iterator[tuple[Canvas, list[Axes]]]:
    """A styled canvas of the report's width with ``columns`` axes side by side; height in inches.

    Uses matplotlib's object interface only: nothing is kept by pyplot.
    """
    with mpl.rc_context(_STYLE):
        canvas = Canvas(figsize=(_WIDTH, height), layout="constrained")
        yield canvas, list(canvas.subplots(1, columns, squeeze=False)[0])


def colour(role: str) -> str:
    """The colour of an arm's role; an unknown role is drawn as "other"."""
    return PALETTE.get(role, PALETTE["other"])


def _inline(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r"<svg \1>", svg, count=1)
    # An id is unique on the page, not only in the drawing.
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = svg.replace("xlink:href", "href")
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r"font-family: [^;\"]*;?", "", svg)
    for meaning, value in PALETTE.items():
        svg = re.sub(rf"((?:fill|stroke): ){value}", rf"\1var(--{meaning}, {value})", svg)
    return svg.strip()
