"""What a page is made of. Plain data: the template renders each kind, and escapes all of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from recfeat_pipeline.report import formats
from recfeat_pipeline.report.figure import Figure

Tone = Literal["text", "note", "missing"]


@dataclass(frozen=True)
class Paragraph:
    """Prose. ``note`` is an aside, ``missing`` says what is not there and why."""

    text: str
    tone: Tone = "text"
    kind: str = field(default="paragraph", init=False)


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]
    kind: str = field(default="bullets", init=False)


@dataclass(frozen=True)
class Facts:
    """Pairs of name and value."""

    pairs: Sequence[tuple[str, str]]
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Code:
    """Lines to type."""

    lines: Sequence[str]
    kind: str = field(default="code", init=False)


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first column names the row, the others are right-aligned.

    ``data`` is what the reader downloads: the numbers before they were rounded.
    """

    name: str
    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    data: pl.DataFrame
    text_columns: frozenset[int] = frozenset()  # further columns of prose, left-aligned
    strong_rows: frozenset[int] = frozenset()
    tones: Mapping[tuple[int, int], str] = field(default_factory=dict)  # gain, loss, … of a cell
    headings: Mapping[int, str] = field(default_factory=dict)  # before which row which heading
    kind: str = field(default="table", init=False)

    @property
    def csv_uri(self) -> str:
        """The data as a ``data:`` URI."""
        return formats.csv_uri(self.data)


@dataclass(frozen=True)
class Chart:
    """A figure on the page."""

    figure: Figure
    kind: str = field(default="chart", init=False)

    @property
    def csv_uri(self) -> str:
        """The figure's data as a ``data:`` URI."""
        return formats.csv_uri(self.figure.data)


@dataclass(frozen=True)
class Fingerprint:
    """An item's strongest dimensions by group: (group, [(dimension, score), …])."""

    title: str
    groups: Sequence[tuple[str, Sequence[tuple[str, float]]]]


@dataclass(frozen=True)
class Fingerprints:
    """Several fingerprints side by side."""

    items: Sequence[Fingerprint]
    kind: str = field(default="fingerprints", init=False)


Block = Paragraph | Bullets | Facts | Code | Table | Chart | Fingerprints


@dataclass(frozen=True)
class Section:
    """A heading with an anchor and what follows it."""

    anchor: str
    title: str
    blocks: Sequence[Block]
