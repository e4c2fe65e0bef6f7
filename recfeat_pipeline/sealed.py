"""Seals: files that carry the hash of their own content, so that no flipped bit passes unseen.

A sealed file holds ``recfeat-sha256:`` and 64 digits, the SHA-256 of the file with these digits as
zeros. Parquet keeps the text in the metadata at its end and JSON in its last entry, so every reader
of either takes the file as it is, and the seal goes wherever the file goes. Its entry is called
``recfeat.seal``: one of the two words is left when a bit of the other has flipped.
"""

import hashlib
import json
import re
from typing import Any

NAME = "recfeat.seal"
_WORD = "recfeat-sha256:"
BLANK = _WORD + 64 * "0"
TAIL = 4096  # bytes at a file's end among which its seal lies
_SEAL = re.compile(_WORD.encode() + rb"([0-9a-f]{64})")


class Damaged(ValueError):
    """The content is not what was written."""


def seal(data: bytes) -> bytes:
    """The content with its hash in place of its last :data:`BLANK`."""
    at = data.rindex(BLANK.encode()) + len(_WORD)
    return data[:at] + hashlib.sha256(data).hexdigest().encode() + data[at + 64 :]


def digest(tail: bytes) -> str | None:
    """The hash that a seal in these last bytes of a file states; None: there is no seal."""
    found = [match[1].decode() for match in _SEAL.finditer(tail)]
    return found[-1] if found else None


def check(data: bytes) -> None:
    """Compare the content with its seal; content without one, of an older release, is taken.

    Raises:
        Damaged: they differ.
    """
    stated = digest(data[-TAIL:])
    if stated is None:
        if NAME.encode() in data[-TAIL:] or _WORD.encode() in data[-TAIL:]:
            raise Damaged("its seal is broken")
        return
    at = data.rindex(_WORD.encode()) + len(_WORD)
    if hashlib.sha256(data[:at] + 64 * b"0" + data[at + 64 :]).hexdigest() != stated:
        raise Damaged("its content is not what was written")


def to_json(value: dict[str, Any]) -> bytes:
    """A sealed JSON object."""
    return seal(json.dumps({**value, NAME: BLANK}, indent=2).encode())


def from_json(data: bytes) -> Any:
    """What :func:`to_json` was given; JSON of older releases as it is.

    Raises:
        Damaged: the content is not what was written.
        ValueError: it is no JSON.
    """
    check(data)
    value = json.loads(data)
    if isinstance(value, dict):
        value.pop(NAME, None)
    return value


def wrap(data: bytes) -> bytes:
    """Content of any form, after a line with its hash."""
    return _WORD.encode() + hashlib.sha256(data).hexdigest().encode() + b"\n" + data


def unwrap(data: bytes) -> bytes:
    """What :func:`wrap` was given; a ZIP file, which torch writes, as it is.

    Raises:
        Damaged: the content is not what was written.
    """
    if data.startswith(b"PK"):
        return data
    seal, _, content = data.partition(b"\n")
    if seal != _WORD.encode() + hashlib.sha256(content).hexdigest().encode():
        raise Damaged("its content is not what was written")
    return content
