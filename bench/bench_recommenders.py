"""On which recommenders features pay, on public data: families × contents, each beside its floor.

``python -m bench recommenders --data DIR --out FOLDER`` where DIR holds ``movie_text.parquet`` and
``movielens-1m/``, ``ml-latest-small/`` or ``amazon-beauty/``; what is not there is said and left
out. Each catalogue becomes a lake in FOLDER that ``recfeat run`` trains: what is finished is not
fitted again, and ``--no-fit`` prints what there is. All of it takes a day on two cores, so
``--catalogs``, ``--families``, ``--contents`` and ``--seeds`` name parts of it.
"""

import argparse
import itertools
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from bench.public_lakes import CATALOGUES, CONTENTS, FLOORS, PublicLake, arm_of, write_arms
from recfeat_pipeline.evaluation.metrics import measure
from recfeat_pipeline.lake import Lake

OF_LLM = ("llm", "random", "shuffled")
OF_GENRES = ("genres_random", "genres_shuffled")
MEASURES: dict[str, tuple[str, int | None]] = {
    "HR@10": ("hit_rate", 10),
    "NDCG@10": ("ndcg", 10),
    "MRR": ("mrr", None),
}
PLACES = {"all": "all", "rarely taken": "TAIL", "short history": "history 1-9"}
"""Slices by what they are called."""
NEW = {"new among all": "all", "new among new": "new"}
"""Candidates that targets without a training interaction are ranked among."""
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
    ranks = made.lake.read("ranks").filter(pl.col("arm").is_in([arm_of(*w) for w in wanted]))
    reached = means(ranks)
    found = effects(made.lake)
    print(f"\n{made.name}: MRR on test; and in percent of the same recommender without content\n")
    head = ("recommender", "content", "seeds", *MEASURES, *PLACES, *NEW)
    for row in (head, ["---"] * len(head)):
        print("| " + " | ".join(row) + " |")
    for floor, content in wanted:
        arm = arm_of(floor, content)
        mean = reached[arm]
        shown = [f"{mean[label]:.4f}" for label in MEASURES]
        cells = [found.get((arm, place), "") for place in (*PLACES, *NEW)]
        print("| " + " | ".join((floor, content, str(mean["seeds"]), *shown, *cells)) + " |")
        for label in MEASURES if made.name in PUBLISHED else ():
            yield {
                "name": f"{made.name}, {arm}, {label}",
                "value": float(mean[label]),
                "unit": "",
                "against": PUBLISHED[made.name],
            }


def means(ranks: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Of each arm the mean over its seeds of each of MEASURES, and how many seeds."""
    rank = ranks["rank"].to_numpy()
    values = {label: measure(*of).values(rank) for label, of in MEASURES.items()}
    by_seed = ranks.select("arm", "seed").with_columns(**values).group_by("arm", "seed").mean()
    by_arm = by_seed.group_by("arm").agg(pl.col(*MEASURES).mean(), seeds=pl.len())
    return {row["arm"]: row for row in by_arm.iter_rows(named=True)}


def effects(lake: Lake, floors: Collection[str] = FLOORS) -> dict[tuple[str, str], str]:
    """Cells by arm and place: differences of arms with content, the MRR of the ``floors``."""
    contrasts = lake.read("contrasts").filter(metric="mrr")
    cold = lake.read("cold_contrasts").filter(metric="mrr", n_train=0)
    found = {}
    for place in (*PLACES, *NEW):
        rows = (
            cold.filter(candidates=NEW[place])
            if place in NEW
            else contrasts.filter(slice=_slice(contrasts, place))
        )
        for row in rows.filter(pl.col("reference").is_in(list(floors))).iter_rows(named=True):
            if row["arm"] not in floors:
                found[row["arm"], place] = _effect(row)
                found[row["reference"], place] = f"{row['reference_value']:.4f}"
    return found


def _slice(contrasts: pl.DataFrame, place: str) -> str:
    """The slice of a place; where no item is often taken, the rarest quarter is."""
    has_head = "HEAD" in contrasts["slice"]
    return "Q1" if place == "rarely taken" and not has_head else PLACES[place]


def _effect(row: dict[str, Any]) -> str:
    """Difference and 95 % interval, in percent of the reference."""
    values = [row[key] for key in ("delta", "ci_low", "ci_high")]
    change, *bounds = (None if v is None else 100 * v / row["reference_value"] for v in values)
    interval = "" if None in bounds else " [{:+.1f}, {:+.1f}]".format(*bounds)
    return f"{change:+.1f}{interval}"
