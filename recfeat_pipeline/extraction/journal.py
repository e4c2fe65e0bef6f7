"""Lines of a ledger's journal: one ended call each, with a checksum that any damage breaks.

A line is a JSON object whose last entry, ``"crc32"``, is the CRC-32 of all bytes before it, so that
a flipped bit cannot change what was bought in silence. Lines of older releases have none; they are
taken if they hold a RESPONSES row and no more.
"""

import json
import re
import zlib
from datetime import datetime
from typing import Any

import polars as pl

from recfeat_pipeline.schemas import RESPONSES

_SEAL = re.compile(rb',"crc32":"([0-9a-f]{8})"\}\Z')


def to_line(row: dict[str, Any]) -> bytes:
    """A RESPONSES row as a line, with its end."""
    text = json.dumps(row, default=datetime.isoformat, separators=(",", ":")).encode("ascii")
    content = text.removesuffix(b"}")
    return content + b',"crc32":"%08x"}\n' % zlib.crc32(content)


def read_lines(data: bytes) -> tuple[list[dict[str, Any]], list[bytes]]:
    """The rows of a journal, and the lines that are damaged or torn."""
    rows, damaged = [], []
    for line in filter(None, data.split(b"\n")):
        row = _row(line)
        if row is None:
            damaged.append(line)
        else:
            rows.append(row)
    return rows, damaged


def responses_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows in the RESPONSES schema; ids keep the catalogue's own type."""
    schema = dict(RESPONSES)
    if rows and isinstance(rows[0]["item_id"], str):
        schema["item_id"] = pl.String
    return pl.DataFrame(rows, schema=schema, orient="row")


def _row(line: bytes) -> dict[str, Any] | None:
    seal = _SEAL.search(line)
    if seal and int(seal[1], 16) != zlib.crc32(line[: seal.start()]):
        return None
    try:
        found = json.loads(line)
        if not isinstance(found, dict):
            return None
        if seal:
            del found["crc32"]
        elif found.keys() - RESPONSES.keys():  # a bit of a name has flipped
            return None
        row: dict[str, Any] = {**dict.fromkeys(RESPONSES), **found}
        row["created_at"] = datetime.fromisoformat(row["created_at"])
        if not row["cache_key"] or row["status"] not in ("ok", "failed"):
            return None
        responses_frame([row])
    except (ValueError, KeyError, TypeError, OverflowError, pl.exceptions.PolarsError):
        return None
    return row
