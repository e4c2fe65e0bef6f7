"""Checkpoint files: written whole, with the hash of their content, and checked when they are read.

They are torch's own files with a seal before them; those of older releases have none, and are
taken as they are.
"""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recfeat_pipeline import sealed
from recfeat_pipeline.errors import RecfeatError

BEST, LAST = "best.pt", "last.ckpt"
AGAIN = "`recfeat run` trains the arm again"


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a state; a kill leaves the file that was there."""
    import torch  # which takes seconds: whether a file is damaged is known without

    buffer = io.BytesIO()
    torch.save(state, buffer)
    _write(path, sealed.wrap(buffer.getvalue()))


def load(path: Path) -> dict[str, Any]:
    """A state, on the CPU.

    Raises:
        RecfeatError: it is not what was written.
    """
    import torch

    state: dict[str, Any] = torch.load(
        io.BytesIO(_read(path, sealed.unwrap)), map_location="cpu", weights_only=True
    )
    return state


def save_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write what stands beside a checkpoint; as :func:`save`."""
    _write(path, sealed.to_json(dict(value)))


def load_json(path: Path) -> dict[str, Any]:
    """What :func:`save_json` wrote; raises as :func:`load` does."""
    value: dict[str, Any] = _read(path, sealed.from_json)
    return value


def is_damaged(path: Path) -> bool:
    """Whether a checkpoint is there and not what was written."""
    try:
        if path.exists():
            _read(path, sealed.unwrap)
    except RecfeatError:
        return True
    return False


def _read(path: Path, opened: Any) -> Any:
    try:
        return opened(path.read_bytes())
    except ValueError as error:
        problem = "its content is not what was written"
        raise RecfeatError(f"{path} is damaged: {problem}; {AGAIN}.") from error


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name("writing.tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)
