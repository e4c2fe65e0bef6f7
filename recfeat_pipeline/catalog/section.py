"""One table section of a catalogue file while it is read: its columns, its rows, its notes."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from recfeat_pipeline.catalog import clean
from recfeat_pipeline.catalog.fetch import Progress
from recfeat_pipeline.catalog.tables import read_table
from recfeat_pipeline.catalog.types import Note
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:  # which reads the keys of the sections
    from recfeat_pipeline.catalog.spec import CatalogSpec

ROW = "__row"  # 0-based row in the file, kept until the last check that names a line
DOCUMENT = "document:"  # prefix of the columns that make the document
IDS = "ids:"  # prefix of those that text sources find an item by


class Section:
    """A table under our column names (``frame``), with the notes met while it is cleaned.

    Raises:
        RecfeatError: the file or a column is missing, damaged, or of a type that is no plain value.
    """

    def __init__(
        self,
        spec: "CatalogSpec",
        name: str,
        notes: list[Note],
        progress: Progress | None = None,
    ):
        self.spec, self.name, self.notes = spec, name, notes
        self.form = spec.forms[name]
        self.columns = dict(spec.columns[name])
        if name == "items":
            self.columns |= {f"{DOCUMENT}{label}": c for label, c in spec.document.items()}
            self.columns |= {f"{IDS}{name}": column for name, column in spec.ids.items()}
        self.table = read_table(
            spec.paths[name],
            self.columns.values(),
            f"[{name}] of {spec.file.name}",
            self.form,
            progress,
        )
        self.path = self.table.path
        self.frame = self.table.frame.select(
            pl.int_range(pl.len(), dtype=pl.UInt32).alias(ROW),
            *(pl.col(column).alias(ours) for ours, column in self.columns.items()),
        )
        for ours in self.columns:
            self._check_type(ours)
        self.frame = self.frame.with_columns(clean.plain(self.frame[ours]) for ours in self.columns)
        self.table = replace(self.table, frame=self.table.frame.clear())  # rows that go are freed

    def _check_type(self, ours: str) -> None:
        dtype = self.frame[ours].dtype
        if isinstance(dtype, pl.List | pl.Array) and (ours == "genres" or DOCUMENT in ours):
            assert dtype.inner is not None
            dtype = dtype.inner if isinstance(dtype.inner, pl.DataType) else dtype.inner()
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            raise RecfeatError(
                f"{self.path}: column {self.columns[ours]!r} holds {self.frame[ours].dtype}, where "
                "plain values are needed; name another column or convert it."
            )

    def places(self, rows: pl.DataFrame) -> list[str]:
        """Where the first three of some rows stand in the file."""
        return self.table.places(rows[ROW].head(3).to_list())

    def error(self, rows: pl.DataFrame, ours: str, problem: str) -> RecfeatError:
        """An error that names file, line and column of the first of some rows."""
        place = self.places(rows.head(1))[0]
        return RecfeatError(f"{self.path}, {place}, column {self.columns[ours]!r}: {problem}")

    def note(self, kind: str, rows: pl.DataFrame, message: str) -> None:
        """Count rows, with where the first three stand; nothing when there are none."""
        if rows.height:
            text = f"{self.path.name}: {rows.height:,} {message}"
            self.notes.append(Note(kind, rows.height, text, tuple(self.places(rows))))

    def drop(self, kind: str, bad: pl.Expr | pl.Series, message: str) -> None:
        """Drop rows (``bad`` has no nulls) and count them.

        Raises:
            RecfeatError: none would be left.
        """
        rows = self.frame.filter(bad)
        self.note(kind, rows, f"{message} dropped")
        if rows.height == self.frame.height:
            raise RecfeatError(f"{self.path}: all {rows.height:,} rows are {message}.")
        if rows.height:
            self.frame = self.frame.filter(~bad)

    def refuse_if_most(self, bad: pl.Series, ours: str, problem: str) -> None:
        """Take a column that is bad in more than half of its rows for the wrong column.

        Raises:
            RecfeatError: it is.
        """
        if int(bad.sum()) * 2 > self.frame.height:
            rows = self.frame.filter(bad)
            value = rows[ours][0]
            comma = re.fullmatch(r"-?\d+,\d+", str(value)) and not self.form.decimal
            raise self.error(
                rows,
                ours,
                f"{str(value)!r} is {problem}, like most of the column; "
                + ('say decimal = ",".' if comma else "is it the right one?"),
            )

    def replace(self, ours: str, parsed: pl.Series, problem: str, kind: str) -> None:
        """Put parsed values in place; rows that had one which does not parse go, and are counted.

        Raises:
            RecfeatError: most of them do not parse.
        """
        bad = clean.given(self.frame[ours]) & parsed.is_null()
        self.refuse_if_most(bad, ours, problem)
        self.frame = self.frame.with_columns(parsed.alias(ours))
        self.drop(kind, bad, f"rows whose {ours} is {problem}")


def select_known(section: Section, known: pl.DataFrame, kind: str, items: Section) -> None:
    """Keep rows whose ``item_id`` is known, and count the others.

    Raises:
        RecfeatError: none is known: the two tables use different ids.
    """
    unknown = section.frame.join(known, on="item_id", how="anti", maintain_order="left")
    if unknown.height == section.frame.height:
        stray = str(unknown["item"][0])
        raise section.error(
            unknown,
            "item",
            f"neither {stray!r} nor any other item id is in {items.path.name}; do "
            f"[{section.name}] item and [items] id name the same kind of id?",
        )
    if unknown.height:
        section.note(kind, unknown, "rows of items that are not in [items] dropped")
        section.frame = section.frame.join(known, on="item_id", how="semi", maintain_order="left")
