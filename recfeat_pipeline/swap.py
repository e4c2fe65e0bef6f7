"""Runs are swapped whole: the old one serves until its successor is finished.

A training leaves its files in a lake of its own, ``unfinished/`` inside the lake, laid out alike.
When they are all there they take the places of the old run's, one by one and ``made_from.json``
last. A swap that is cut short has written down what it moves, and whoever opens the lake next
finishes it.
"""

import shutil
from pathlib import Path, PurePosixPath

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import CHECKPOINTS, NOTES, RUN, fill

KINDS = (".json", ".parquet")
LAST = PurePosixPath(NOTES["made_from"]).name  # of the files: it vouches for the others
COLD = ("cold_from.json", "cold_ranks.parquet")  # of another training of the same arm and seed


def unfinished(lake: Lake) -> Lake:
    """Where trainings leave their files until all are there."""
    return Lake(lake.path("unfinished"))


def take(lake: Lake, **run: str) -> None:
    """Put a finished run (``arm``, ``seed``) in the place of the one that served until now."""
    new, place = unfinished(lake), fill(RUN, **run)
    with lake.lock(f"swap-{run['arm']}-{run['seed']}"):
        moved = new.read_note("swap", **run)
        if moved is None:
            if new.read_note("made_from", **run) is None:
                return  # not whole; or another process has swapped it meanwhile
            moved = {
                "files": sorted(_names(new, place), key=lambda name: name == LAST),
                "checkpoints": [path.name for path in _checkpoints(new, run)],
            }
            new.write_note("swap", moved, **run)
        for name in _names(lake, place) - {*moved["files"], *_kept(lake, new, run)}:
            lake.delete(f"{place}/{name}")
        _move_checkpoints(lake, new, run, moved["checkpoints"])
        for name in moved["files"]:
            if new.exists(f"{place}/{name}"):
                lake.move(f"unfinished/{place}/{name}", f"{place}/{name}")
        new.delete(place)


def finish_swaps(lake: Lake) -> None:
    """Finish the swaps that a dead process had begun; otherwise one listing."""
    new = unfinished(lake)
    for name in ("swap", "made_from"):
        for run in new.note_keys(name):
            take(lake, **run)


def discard(lake: Lake, **run: str) -> None:
    """Drop what an unfinished training has left, its checkpoints too."""
    new = unfinished(lake)
    new.delete(fill(RUN, **run))
    shutil.rmtree((new.state / fill(RUN, **run)), ignore_errors=True)


def _names(lake: Lake, place: str) -> set[str]:
    paths = (PurePosixPath(path) for path in lake.glob(f"{place}/*"))
    return {path.name for path in paths if path.suffix in KINDS and path.name != "swap.json"}


def _kept(lake: Lake, new: Lake, run: dict[str, str]) -> tuple[str, ...]:
    """The cold-start run's files, if they were made from the same as the new run."""
    made = new.read_note("made_from", **run) or lake.read_note("made_from", **run) or {}
    cold = lake.read_note("cold_from", **run) or {}
    return COLD if cold.get("fingerprint") == made.get("fingerprint") else ()


def _checkpoints(lake: Lake, run: dict[str, str]) -> list[Path]:
    folder = lake.state / fill(CHECKPOINTS, **run)
    return list(folder.iterdir()) if folder.exists() else []


def _move_checkpoints(lake: Lake, new: Lake, run: dict[str, str], names: list[str]) -> None:
    target = lake.state / fill(CHECKPOINTS, **run)
    target.mkdir(parents=True, exist_ok=True)
    for path in _checkpoints(new, run):
        path.replace(target / path.name)
    for path in _checkpoints(lake, run):
        if path.name not in names:
            path.unlink()
