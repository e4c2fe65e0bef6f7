"""Runs are swapped whole: the old one serves until its successor is finished.

A training leaves its files in a lake of its own, ``unfinished/`` inside the lake, laid out alike.
When they are all there they take the places of the old run's, one by one and ``made_from.json``
last. A swap that is cut short has written down what it moves, and whoever opens the lake next
finishes it.
"""

import contextlib
import hashlib
import json
import os
import shutil
from pathlib import Path, PurePosixPath

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import CHECKPOINTS, NOTES, RUN, fill

KINDS = (".json", ".parquet")
CHECKPOINT_FILES = f"{PurePosixPath(CHECKPOINTS).name}/*"  # of a lake on an object store
LAST = PurePosixPath(NOTES["made_from"]).name  # of the files: it vouches for the others
COLD = ("cold_from.json", "cold_ranks.parquet")  # of another training of the same arm and seed


def unfinished(lake: Lake) -> Lake:
    """Where trainings leave their files until all are there."""
    return Lake(lake.path("unfinished"))


def take(lake: Lake, **run: str) -> None:
    """Put a finished run (``arm``, ``seed``) in the place of the one that served until now."""
    new, place = unfinished(lake), fill(RUN, **run)
    with lake.lease(f"swap-{run['arm']}-{run['seed']}"):
        moved = new.read_note("swap", **run)
        if moved is None:
            if new.read_note("made_from", **run) is None:
                return  # not whole; or another process has swapped it meanwhile
            moved = {
                "files": sorted(_names(new, place), key=lambda name: name == LAST),
                "checkpoints": sorted(path.name for path in _checkpoints(new, run)),
            }
            new.write_note("swap", moved, **run)
        for name in _names(lake, place) - {*moved["files"], *_kept(lake, new, run)}:
            lake.delete(f"{place}/{name}")
        if lake.is_local:
            _move_checkpoints(lake, new, run, moved["checkpoints"])
        for name in moved["files"]:
            if new.exists(f"{place}/{name}"):
                lake.move(f"unfinished/{place}/{name}", f"{place}/{name}")
        new.delete(place)
        if not lake.is_local:
            _drop_checkpoints(new, run)


def keep_checkpoints(lake: Lake, **run: str) -> None:
    """Put a run's checkpoints where its tables are; a lake that is a folder has them."""
    if not lake.is_local:
        for path in _checkpoints(lake, run):
            lake.upload(path, f"{fill(CHECKPOINTS, **run)}/{path.name}")


def fetch_checkpoints(lake: Lake, **run: str) -> Path:
    """A local folder with the checkpoints of the run that serves, fetched once per training."""
    folder = lake.state / fill(CHECKPOINTS, **run)
    if lake.is_local:
        return folder
    made = json.dumps(lake.read_note("made_from", **run), sort_keys=True)
    fetched = folder.with_name(f"fetched-{hashlib.sha256(made.encode()).hexdigest()[:16]}")
    if not fetched.exists():
        for other in folder.parent.glob("fetched-*"):
            shutil.rmtree(other, ignore_errors=True)
        arriving = folder.with_name(f"arriving-{os.getpid()}")
        shutil.rmtree(arriving, ignore_errors=True)
        arriving.mkdir(parents=True)
        for path in lake.glob(f"{fill(CHECKPOINTS, **run)}/*"):
            lake.download(path, arriving / PurePosixPath(path).name)
        with contextlib.suppress(OSError):  # another process has been quicker
            arriving.rename(fetched)
        shutil.rmtree(arriving, ignore_errors=True)
    return fetched


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
    _drop_checkpoints(new, run)


def _names(lake: Lake, place: str) -> set[str]:
    paths = (PurePosixPath(path) for path in lake.glob(f"{place}/*"))
    names = {path.name for path in paths if path.suffix in KINDS and path.name != "swap.json"}
    if not lake.is_local:
        uploaded = lake.glob(f"{place}/{CHECKPOINT_FILES}")
        names |= {path.removeprefix(f"{place}/") for path in uploaded}
    return names


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


def _drop_checkpoints(new: Lake, run: dict[str, str]) -> None:
    shutil.rmtree(new.state / fill(RUN, **run), ignore_errors=True)
