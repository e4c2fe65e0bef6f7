"""How commands speak: results on stdout, everything else on stderr, JSON where a script asks.

On a terminal there are colours and the terminal's width; on a pipe plain text that is never cut.
Titles and texts of a catalogue may hold anything, so nothing printed here is read as markup.
"""

import json
import logging
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 1000  # characters: tables on a pipe are never folded
STATE_STYLES = {
    "ok": "green", "fresh": "green", "yes": "green",
    "warning": "yellow", "stale": "yellow", "interrupted": "yellow",
    "problem": "red", "missing": "red", "failed": "red", "no": "red",
    "skipped": "dim", "–": "dim",
}  # fmt: skip


def stdout() -> Console:
    """The console that results go to."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def stderr() -> Console:
    """The console that progress, hints and errors go to."""
    width = None if sys.stderr.isatty() else PIPE_WIDTH
    return Console(stderr=True, highlight=False, width=width)


def say(text: str = "", style: str = "") -> None:
    """A line of the result."""
    stdout().print(Text(printable(text), style=style), soft_wrap=True)


def hint(text: str, style: str = "") -> None:
    """A line beside the result: what is going on, or what to do next."""
    stderr().print(Text(printable(text), style=style), soft_wrap=True)


def complain(sentence: str) -> None:
    """An error."""
    text = Text.assemble(("error: ", "bold red"), printable(sentence))
    stderr().print(text, soft_wrap=True)


class Hints(logging.Handler):
    """Shows what the package's modules log, which is what they wait for."""

    def emit(self, record: logging.LogRecord) -> None:
        """See :class:`logging.Handler`."""
        hint(f"  {record.getMessage()}")


def table(columns: Mapping[str, str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """Print rows under headings.

    Args:
        columns: heading to alignment, "left" or "right"; a left column may fold on a terminal.
        rows: cells in the columns' order; None is a dash, states are coloured.
        title: a line above.
    """
    drawn = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading, justify in columns.items():
        right = justify == "right"
        drawn.add_column(heading, justify="right" if right else "left", no_wrap=right)
    for row in rows:
        drawn.add_row(*map(_cell, row))
    if title:
        say(title, style="bold")
    console = stdout()
    if console.is_terminal:
        console.print(drawn)
        return
    with console.capture() as printed:
        console.print(drawn)
    print("\n".join(line.rstrip() for line in printed.get().splitlines()))


def dump(value: Any) -> None:
    """Print JSON for a script: one document on stdout."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def number(value: float | None, digits: int = 0) -> str:
    """A figure with separators; a dash for none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def plural(count: int, noun: str) -> str:
    """A count with its noun: ``1 item``, ``1,420 items``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def dollars(value: float | None) -> str:
    """An amount to the cent, with more digits below a dime; a dash for none."""
    if value is None:
        return "–"
    return f"${value:,.2f}" if value == 0 or value >= 0.1 else f"${value:.4f}"


def share(value: float) -> str:
    """A share of 1 in whole percent; never 100 % or 0 % by rounding."""
    rounded = round(100 * value)
    if rounded == 100 and value < 1:
        return "> 99 %"
    return "< 1 %" if rounded == 0 and value > 0 else f"{rounded} %"


def duration(seconds: float) -> str:
    """A time to two units: ``42 s``, ``3 min 05 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min {whole % 60:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def printable(text: str) -> str:
    """Text without control characters, which a terminal would obey; line ends stay."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def _cell(value: Any) -> Text:
    if value is None:
        value = "–"
    elif isinstance(value, bool):
        value = "yes" if value else "no"
    text = printable(str(value)).replace("\n", " ")
    return Text(text, style=STATE_STYLES.get(text, ""))


def _plain(value: Any) -> Any:
    """What :mod:`json` takes: not-a-number is null, dates are ISO 8601, paths are text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value
