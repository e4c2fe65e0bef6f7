"""What each stage takes as the catalogue grows, and what a day costs on which little has changed.

``python -m bench scale --sizes 10000,100000`` (``make bench-scale``) generates catalogues of N
items and 30 N events, and runs ``recfeat run --until STAGE`` on each, a stage at a time, so that a
line is the stage's own work and the look at those before it. Extraction is the embedded lexical
extractor's: its first run fills the ledger. Then the same commands once more ("again"), and once
more after one text in a hundred was edited. Processor seconds, so that a busy machine does not
show; peak memory of the largest process; bytes of the files that were written.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

SIZES = (1_000,)  # without --sizes
EVENTS_AN_ITEM, EVENTS_A_USER = 30, 60
STAGES = ("catalog", "text", "extraction", "feature_store", "training")
ARM, STEPS, VERSION = "sasrec", 16, "genome132-one-call"  # one call an item
TOLD = """a quiet film about war love crime space friendship revenge music family money ghosts
robots the sea winter school chess trains hope grief jokes dance dreams and nothing else"""
HISTORY = "dagster_home"
CATALOG = """name = "scale"
[items]
path = "items.parquet"
id = "item"
title = "title"
[items.document]
Plot = "plot"
[interactions]
path = "events.parquet"
user = "user"
item = "item"
timestamp = "time"
[corpus]
more_than_item_interactions = 4
min_user_interactions = 5
max_user_interactions = 500
"""


@dataclass(frozen=True)
class Cost:
    """Of a command."""

    seconds: float  # of processor time
    megabytes: float  # at most
    written: int  # bytes

    @property
    def space(self) -> str:
        """Of memory and of the disk."""
        return f"{self.megabytes:,.0f} MB at most, {self.written / 1e6:,.2f} MB written"


def run(options: Sequence[str] = ()) -> list[dict]:
    """Rows of the table: of each size its stages, then what nothing new and an edited text cost."""
    parser = argparse.ArgumentParser("bench scale")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--until", choices=STAGES, default=STAGES[-1])
    parser.add_argument("--folder", type=Path, help="kept; else a temporary one")
    given = parser.parse_args(options)
    stages = STAGES[: STAGES.index(given.until) + 1]
    rows, smaller = [], {}
    for n_items in map(int, given.sizes.split(",")):
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            costs = measure(Path(folder), n_items, stages)
        for what, cost in costs.items():
            before = smaller.get(what)
            grown = f", × {cost.seconds / before.seconds:.1f} of the size before" if before else ""
            rows.append(
                {
                    "name": f"{n_items:,} items, {what}",
                    "value": cost.seconds,
                    "unit": "CPU s",
                    "against": f"{cost.space}{grown}",
                }
            )
        smaller = costs
    return rows


def measure(folder: Path, n_items: int, stages: Sequence[str]) -> dict[str, Cost]:
    """The costs of one size, by what was done."""
    generate(folder, n_items)
    costs: dict[str, Cost] = {}

    def take(what: str, stage: str) -> None:
        costs[what] = cost = command(folder, stage)
        told = f"{cost.seconds:,.1f} CPU s, {cost.space}"
        print(f"  {n_items:,} items, {what}: {told}", file=sys.stderr, flush=True)  # it takes long

    for stage in stages:
        take(stage, stage)
    for stage in stages[1:]:
        take(f"{stage} again", stage)
    edit(folder, n_items)
    for stage in stages[1:]:
        take(f"{stage}, 1 % edited", stage)
    return costs


def generate(folder: Path, n_items: int) -> None:
    """A catalogue's files: popularity is skewed, every item has its events."""
    rng = np.random.default_rng(0)
    words = rng.choice(np.array(TOLD.split()), (n_items, 40))
    pl.DataFrame(
        {
            "item": np.arange(n_items),
            "title": [f"Item {n} (1990)" for n in range(n_items)],
            "plot": [" ".join(row) for row in words],
        }
    ).write_parquet(folder / "items.parquet")
    n = EVENTS_AN_ITEM * n_items
    some = np.repeat(np.arange(n_items), EVENTS_AN_ITEM // 3)
    item = np.concatenate([some, (rng.random(n - len(some)) ** 3 * n_items).astype(np.int64)])
    pl.DataFrame(
        {
            "user": rng.integers(0, n // EVENTS_A_USER, n),
            "item": item,
            "time": rng.integers(1_000_000_000, 1_700_000_000, n),
        }
    ).write_parquet(folder / "events.parquet")
    (folder / "catalog.toml").write_text(CATALOG)


def edit(folder: Path, n_items: int) -> None:
    """Another ending of every hundredth plot."""
    items = pl.read_parquet(folder / "items.parquet")
    chosen = pl.col("item") % 100 == n_items % 100
    ending = pl.when(chosen).then(pl.lit(" and a new ending")).otherwise(pl.lit(""))
    items.with_columns(pl.col("plot") + ending).write_parquet(folder / "items.parquet")


def command(folder: Path, until: str) -> Cost:
    """Run a stage in a process of its own.

    Raises:
        CalledProcessError: it failed, and has said why.
    """
    lake = folder / "lake"
    own = {"RECFEAT_LAKE": str(lake), "RECFEAT_WORKERS": "1"}
    kept = {key: value for key, value in os.environ.items() if not _is_key(key)}
    words = ["run", "--catalog", str(folder / "catalog.toml"), "--until", until]
    words += ["--arms", ARM, "--seeds", "0", "--steps", str(STEPS), "--prompt-version", VERSION]
    since, before = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    code = f"from bench.bench_scale import child; child({[*words]!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept | own, check=True, stdout=subprocess.PIPE, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(seconds, float(done.stdout.split()[-1]), written_since(lake, since))


def child(words: list[str]) -> None:
    """The command, and the memory that the largest of its processes took, in MB."""
    from recfeat_pipeline.cli import run_app

    code = run_app(words)
    if code:
        sys.exit(code)
    both = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    print(max(resource.getrusage(who).ru_maxrss for who in both) / 1e3)


def written_since(lake: Path, since: float) -> int:
    """Bytes of the files of a lake that are newer, Dagster's own history and logs left out."""
    files = (path for path in lake.rglob("*") if path.is_file() and HISTORY not in path.parts)
    return sum(path.stat().st_size for path in files if path.stat().st_mtime >= since)


def _is_key(name: str) -> bool:
    return name.endswith("_API_KEY") or name.startswith("RECFEAT_LLM")
