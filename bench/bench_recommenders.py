"""On which recommenders features pay, on public data: families × contents, each beside its floor.

``python -m bench recommenders --data DIR --out FOLDER`` where DIR holds ``movie_text.parquet`` and
``movielens-1m/``, ``ml-latest-small/`` or ``amazon-beauty/``; what is not there is said and left
out. Each catalogue becomes a lake in FOLDER that ``recfeat run`` trains: what is finished is not
fitted again, and ``--no-fit`` prints what there is. All of it takes a day on two cores, so
``--catalogs``, ``--families``, ``--contents`` and ``--seeds`` name parts of it.
"""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from bench.public_lakes import CATALOGUES, CONTENTS, FLOORS, PublicLake, arm_of, write_arms
from recfeat_pipeline.evaluation.metrics import measure

OF_LLM = ("llm", "random", "shuffled")
OF_GENRES = ("genres_random", "genres_shuffled")
PLACES = {"all": "all", "rarely taken": "TAIL", "short history": "history 1-9"}
"""Slices by what they are called."""
PUBLISHED = {
    "beauty": "SASRec .0605/.0318, S3-Rec .0647/.0327, TIGER .0648/.0384 (HR@10/NDCG@10)",
    "ml1m-global-time": "EASE over the last five events .0877 (MRR)",
}


def run(options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Train what is asked for and not there yet; print a table a catalogue."""
    parser = argparse.ArgumentParser("bench recommenders")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("bench_lakes"))
    parser.add_argument("--catalogs", default=",".join(CATALOGUES))
    parser.add_argument("--families", default=",".join(FLOORS))
    parser.add_argument("--contents", default=",".join(CONTENTS))
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--cold-seeds", default="", help="also with items held back")
    parser.add_argument("--no-fit", action="store_true", help="print what there is")
    given = parser.parse_args(options)
    if given.data is None:
        print("recommenders: no --data DIR with public data was given, so nothing is measured.")
        return []
    write_arms(given.out / "arms")
    lakes = []
    for name in given.catalogs.split(","):
        if (given.data / CATALOGUES[name].needs).exists():
            lakes.append(PublicLake(name, given.data, given.out))
        else:
            print(f"recommenders: {given.data / CATALOGUES[name].needs} is not there: left out.")
    families, contents = given.families.split(","), given.contents.split(",")
    if not given.no_fit:
        for family, lake in itertools.product(families, lakes):  # the cheap ones of all come first
            lake.make()
            arms = ",".join(arm_of(family, each) for each in contents if _asked(lake.name, each))
            for seeds, cold in ((given.cold_seeds, ["--cold-start"]), (given.seeds, [])):
                if seeds:
                    how = ["--seeds", seeds, *cold, "--until", "training"]
                    lake.recfeat("run", "--arms", arms, *how)
    return [row for lake in lakes for row in _reached(lake, families, contents)]


def _asked(name: str, content: str) -> bool:
    """Whether a catalogue has the content; where no LLM scored it, controls are of genres."""
    return content not in (OF_GENRES if CATALOGUES[name].scores else OF_LLM)


def _reached(
    made: PublicLake, families: Sequence[str], contents: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Print the catalogue's table; rows beside what was published."""
    trained = set(made.lake.read("runs")["arm"])
    wanted = [(f, c) for f in families for c in contents if arm_of(f, c) in trained]
    if not wanted:
        return
    made.recfeat("run", "--arms", arm_of(*wanted[0]), "--seeds", "0")  # evaluates whatever is there
    measures = ("hit_rate", 10), ("ndcg", 10), ("mrr", None)
    ranks = made.lake.read("ranks").filter(pl.col("arm").is_in([arm_of(*w) for w in wanted]))
    values = [measure(*of).values(ranks["rank"].to_numpy()) for of in measures]
    named = {measure(*of).label: of_ranks for of, of_ranks in zip(measures, values, strict=True)}
    reached = ranks.select("arm", "seed").with_columns(**named)
    by_seed = reached.group_by("arm", "seed").mean()
    by_arm = by_seed.group_by("arm").agg(pl.col(*named).mean())
    means = {row["arm"]: row for row in by_arm.iter_rows(named=True)}
    seeds = dict(by_seed.group_by("arm").len().iter_rows())
    contrasts, cold = (made.lake.read(each) for each in ("contrasts", "cold_contrasts"))
    table = Table(
        title=f"{made.name}: MRR on test, and against the same recommender without content"
    )
    for column in ("recommender", "content", "seeds", *named, *PLACES, "new"):
        table.add_column(column)
    for floor, content in wanted:
        arm = arm_of(floor, content)
        shown = [f"{means[arm][label]:.4f}" for label in named]
        of_pair = pl.col("arm") == arm, pl.col("reference") == floor, pl.col("metric") == "mrr"
        ours, ours_cold = contrasts.filter(*of_pair), cold.filter(*of_pair)
        new = ours_cold.filter(n_train=0, candidates="all")
        places = [_effect(ours.filter(slice=_slice(ours, p))) for p in PLACES]
        table.add_row(floor, content, str(seeds[arm]), *shown, *places, _effect(new))
        if made.name in PUBLISHED:
            for label in named:
                yield {
                    "name": f"{made.name}, {arm}, {label}",
                    "value": float(means[arm][label]),
                    "unit": "",
                    "against": PUBLISHED[made.name],
                }
    Console(width=170).print(table)


def _slice(contrasts: pl.DataFrame, place: str) -> str:
    """The slice of a place; where no item is often taken, the rarest quarter is."""
    return (
        "Q1" if place == "rarely taken" and "HEAD" not in set(contrasts["slice"]) else PLACES[place]
    )


def _effect(contrast: pl.DataFrame) -> str:
    """Difference and 95 % interval in percent of the reference, and the reference's MRR."""
    if contrast.is_empty():
        return ""
    row = contrast.row(0, named=True)
    base = row["reference_value"]
    if row["ci_low"] is None:
        return f"{row['delta'] / base:+.1%}"
    low, high = 100 * row["ci_low"] / base, 100 * row["ci_high"] / base
    return f"{100 * row['delta'] / base:+.1f} [{low:+.1f}, {high:+.1f}] ({base:.4f})"
