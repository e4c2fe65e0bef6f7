"""How long a catalogue takes, from its files to a priced estimate and to a report.

``python -m bench catalogue`` reads one generated catalogue from every kind of file;
``--data DIR`` reads MovieLens 1M and Amazon Beauty as well, beside a plain Polars read of the same
files; ``--report`` goes from init through check and estimate to the report, on one seed and few
steps, so that the clock is of everything but training.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from recfeat_pipeline.catalog.files import read_files
from recfeat_pipeline.cli import run_app
from recfeat_pipeline_tests.integration.cli_world import events, items
from recfeat_pipeline_tests.unit.catalog import test_formats as kinds

REPEATS = 3  # the least of them counts
SHARED = ("movielens-1m", "amazon-beauty")
REPORT = ("--arms", "floor,llm", "--seeds", "0", "--steps", "2")


def run(options: Sequence[str] = ()) -> list[dict]:
    """Rows of the table."""
    rows = [row for kind in kinds.KINDS for row in _kind(kind, "--report" in options)]
    if "--data" in options:
        folder = Path(options[list(options).index("--data") + 1])
        rows += [row for name in SHARED for row in _shared(folder / f"{name}.toml")]
    return rows


def _kind(kind: str, to_report: bool) -> Iterator[dict]:
    """One kind of file."""
    with tempfile.TemporaryDirectory() as name, _generated():
        folder = Path(name)
        places = kinds.KINDS[kind](folder)
        toml = folder / "shop.toml"
        toml.write_text(kinds.toml_of(places, kinds.SAID.get(kind, "")))
        yield _row(f"{kind}: read", _least(lambda: read_files(toml)), "600 events")
        if to_report:
            yield _row(f"{kind}: init to report", _to_report(folder, places), "16 items, 60 users")


@contextmanager
def _generated() -> Iterator[None]:
    """The writers of every kind write a catalogue that a run can train on."""
    held = kinds.ITEMS, kinds.EVENTS
    kinds.ITEMS, kinds.EVENTS = items().drop("genres"), events()
    try:
        yield
    finally:
        kinds.ITEMS, kinds.EVENTS = held


def _to_report(folder: Path, places: Sequence[str]) -> float:
    """Seconds from ``recfeat init`` to the report, all in this process."""
    os.environ["RECFEAT_LAKE"] = str(folder / "lake")
    files = sorted({str(folder / place.partition(":")[0]) for place in places})
    drafted = str(folder / "drafted.toml")
    start = time.perf_counter()
    for words in (
        ["init", *files, "-o", drafted],
        ["check", drafted],
        ["estimate", "--catalog", drafted],
        ["run", "--catalog", drafted, *REPORT],
    ):
        if run_app(words) not in (0, 3):
            sys.exit(f"recfeat {' '.join(words)} failed.")
    return time.perf_counter() - start


def _shared(toml: Path) -> Iterator[dict]:
    """A catalogue of Parquet files beside the plain read of them."""
    import tomllib

    spec = tomllib.loads(toml.read_text())
    paths = [toml.parent / spec[table]["path"] for table in ("items", "interactions")]
    plain = _least(lambda: [pl.read_parquet(path) for path in paths])
    ours = _least(lambda: read_files(toml))
    yield _row(f"{toml.stem}: read and checked", ours, f"{ours / plain:.1f} × a plain Polars read")


def _least(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some repeats."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _row(name: str, seconds: float, against: str) -> dict:
    return {"name": name, "value": seconds, "unit": "s", "against": against}
