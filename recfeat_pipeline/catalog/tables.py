"""Read a table strictly, whatever kind of file it is: a fault names the file, column and line.

Only the columns asked for are kept; the caller casts, and counts what does not cast.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import polars as pl
from polars._typing import PolarsDataType

from recfeat_pipeline.catalog.fetch import Local, Progress, fetch, is_url, plain_suffix
from recfeat_pipeline.catalog.formats import delimited, kinds
from recfeat_pipeline.catalog.formats.form import Form
from recfeat_pipeline.errors import RecfeatError

PLAIN = Form()


@dataclass(frozen=True)
class Table:
    """A table as it lies on disk; columns of text files are ``String``, others keep their type."""

    path: Path  # as the user names it; of a URL, its last part
    frame: pl.DataFrame
    local: Local
    form: Form

    def places(self, rows: Iterable[int]) -> list[str]:
        """Where 0-based rows stand: ``"line 7"`` of a text file, ``"row 6"`` of another."""
        return _kind(self.local.path).places(self.local.path, rows, self.form)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """`` Did you mean "x"?``, or what there is to choose from."""
    near = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=1)
    if near:
        best = next(k for k in known if k.lower() == near[0])
        return f"did you mean {best!r}?"
    return f"there is {', '.join(map(repr, known))}."


def read_table(
    place: Path | str,
    columns: Iterable[str] | None,
    what: str,
    form: Form = PLAIN,
    progress: Progress | None = None,
) -> Table:
    """Read columns of a table.

    Args:
        place: a path or a URL; its suffix says what kind it is, beneath ``.gz`` or in a ``.zip``.
        columns: names wanted; repeats are fine. None: all of them.
        what: who asks, for the error: ``"[items] of catalog.toml"``.
        form: what the suffix does not tell.
        progress: is told of a download's bytes.

    Raises:
        RecfeatError: no such file, unknown kind, empty, a column missing, or damaged rows.
    """
    name = str(place)
    if not is_url(name):
        _check_there(Path(name), what)
    if plain_suffix(name) not in (*kinds(), ".zip"):
        raise RecfeatError(
            f"{what}: {name} is of no kind that is read ({', '.join(kinds())}, also as .gz or "
            ".zip); convert it to one of these."
        )
    local = fetch(name, form, what, progress)
    kind = _kind(local.path)
    try:
        present = kind.columns(local.path, form, what)
        wanted = present if columns is None else list(dict.fromkeys(columns))
        _check_columns(local.path, wanted, present, what)
        frame = kind.read(local.path, wanted, form, what)
    except RecfeatError as error:  # in words of the user's file, not of our copy
        raise RecfeatError(str(error).replace(str(local.path), local.name)) from error
    if frame.is_empty():
        raise RecfeatError(f"{what}: {name} has no rows; is it the right file?")
    return Table(Path(local.path.name if is_url(name) else name), frame, local, form)


def read_numbers(path: Path, schema: Mapping[str, PolarsDataType], what: str) -> pl.DataFrame:
    """Read a CSV file of numbers only, fast: its columns are these, and no value is missing.

    Raises:
        RecfeatError: as :func:`read_table`, and for a value that is not a number of the type.
    """
    header = delimited.columns(path, PLAIN, what)
    if header != list(schema):
        raise RecfeatError(
            f"{what}: {path} has the columns {', '.join(header)}, where {', '.join(schema)} "
            "are expected; is it the right file?"
        )
    try:
        frame = pl.read_csv(path, schema=schema)
    except pl.exceptions.PolarsError as error:
        raise _bad_number(path, schema, what) from error
    if frame.is_empty() or sum(frame.null_count().row(0)):
        raise _bad_number(path, schema, what)
    return frame


def _bad_number(path: Path, schema: Mapping[str, PolarsDataType], what: str) -> RecfeatError:
    """Find the value that the fast reading stumbled over, by a slow and strict one."""
    table = read_table(path, schema, what)
    for name, dtype in schema.items():
        bad = table.frame[name].cast(dtype, strict=False).is_null()
        if bad.any():
            row = int(bad.arg_true()[0])
            value = table.frame[name][row]
            problem = "is empty" if value is None else f"{value!r} is not a number"
            return RecfeatError(
                f"{what}: {path}, {table.places([row])[0]}, column {name!r}: {problem}; "
                "mend the line, or fetch the file again."
            )
    return RecfeatError(f"{what}: {path} cannot be parsed as numbers.")


def _kind(path: Path) -> ModuleType:
    return kinds()[path.suffix.lower()]


def _check_there(path: Path, what: str) -> None:
    if path.is_dir():
        raise RecfeatError(f"{what}: {path} is a folder; name the file in it that holds the table.")
    if not path.is_file():
        near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = f" {did_you_mean(path.name, near)}" if near else ""
        raise RecfeatError(f"{what}: the file {path} does not exist;{hint or ' check the path.'}")


def _check_columns(path: Path, wanted: list[str], present: list[str], what: str) -> None:
    for name in wanted:
        if name not in present:
            advice = did_you_mean(name, present)
            alone = len(present) == 1 and _kind(path) is delimited
            if alone and (mark := delimited.guess(path).delimiter):
                advice = f"its fields look parted by {mark!r}: say delimiter = {mark!r}."
            raise RecfeatError(f"{what}: {path} has no column {name!r}; {advice}")
        if present.count(name) > 1:
            raise RecfeatError(f"{what}: {path} has two columns named {name!r}; rename one.")
