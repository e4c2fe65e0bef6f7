"""How a table is written, where its suffix does not tell."""

from dataclasses import dataclass
from typing import Any

NAMES = ("delimiter", "quote", "encoding", "decimal", "date_format", "table")
"""Keys of a table section of a catalogue file; each is text."""


@dataclass(frozen=True)
class Form:
    """What the catalogue file says of a table's spelling; None: as the suffix has it."""

    delimiter: str | None = None  # between fields of a text file
    quote: str | None = None  # around fields; "" for none
    encoding: str | None = None  # of a text file: "cp1252"
    decimal: str | None = None  # "," for 4,5
    date_format: str | None = None  # of times that are text: "%d/%m/%Y"
    table: str | None = None  # of a database, sheet of a workbook, file of an archive

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Form":
        """The keys of a section that speak of its form."""
        return cls(**{name: values[name] for name in NAMES if name in values})
