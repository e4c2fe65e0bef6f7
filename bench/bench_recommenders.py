"""What the families reach on public data, beside what was published there; one seed.

``python -m bench recommenders --data DIR`` where DIR holds ``amazon-beauty.toml``,
``movielens-1m.toml`` and ``ml-latest-small/``; what is not there is said and left out. A family by
name (``--families ease,markov``) is fitted alone. All of it takes hours on two cores: the trained
families of Beauty take most of them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.defs.training.inputs import load_data
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.family import load_family
from recfeat_pipeline.models.recipe import Recipe, default_steps

BEAUTY = "amazon-beauty.toml", "leave_one_out"
PUBLISHED = {
    BEAUTY[0]: "SASRec .0605/.0318, S3-Rec .0647/.0327, TIGER .0648/.0384 (HR@10/NDCG@10)",
    "movielens-1m.toml": "EASE over the last five events .0877",
    "ml-latest-small": "EASE over the last five events .0986 (three_way)",
}
DATA = (BEAUTY, ("movielens-1m.toml", None), ("ml-latest-small", "global_time"))
FAMILIES = ("markov", "item_knn", "ease", "tower", "sasrec", "hybrid_tower", "hybrid_sasrec")
ON_BEAUTY = ("markov", "sasrec", "hybrid_sasrec")
WIDTH = 256  # of the attributes, by a truncated singular value decomposition


def run(options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """HR@10 and NDCG@10 on Beauty, MRR on MovieLens, of test examples."""
    parser = argparse.ArgumentParser("bench recommenders")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--families", default="")
    given = parser.parse_args(options)
    if given.data is None:
        print("recommenders: no --data DIR with public data was given, so nothing is measured.")
        return []
    rows = []
    for name, split in DATA:
        path = given.data / name
        if not path.exists():
            print(f"recommenders: {path} is not there, so it is left out.")
            continue
        with tempfile.TemporaryDirectory() as folder:
            data = _catalogue(path, split, Path(folder))
            chosen = given.families.split(",") if given.families else FAMILIES
            if name == BEAUTY[0]:
                chosen = [each for each in chosen if each in ON_BEAUTY]
            for family in chosen:
                rows += _reached(name, family, data, _none(data), Path(folder))
                if name == BEAUTY[0]:
                    described = _attributes(given.data / "amazon-beauty/items.parquet", data)
                    rows += _reached(name, family, data, described, Path(folder))
    return rows


def _catalogue(path: Path, split: str | None, folder: Path) -> Data:
    words = ["run", "--catalog", str(path), "--until", "catalog"]
    words += ["--split", split] if split and path.is_dir() else []
    lake = {"RECFEAT_LAKE": str(folder / "lake")}
    subprocess.run(
        [sys.executable, "-m", "recfeat_pipeline.cli", *words], env=os.environ | lake, check=True
    )
    return load_data(Lake(folder / "lake"))


def _reached(
    name: str, family: str, data: Data, content: Content, folder: Path
) -> list[dict[str, Any]]:
    made = load_family(family)
    n_examples = data.examples.filter(split="train").height
    what = f"{family} with brand, category, keywords" if content.width else family
    out_dir = folder / what.replace(" ", "-")
    recipe = Recipe(made.settings(), steps=default_steps(n_examples), out_dir=out_dir)
    torch.set_num_threads(1)
    rank, _ = data.held_out("test").rank(made.fit(data, content, recipe))
    measures: dict[str, Callable[[np.ndarray], np.ndarray]] = {"MRR": lambda rank: 1 / rank}
    if name == BEAUTY[0]:
        measures = {
            "HR@5": lambda rank: rank <= 5,
            "NDCG@5": lambda rank: np.where(rank <= 5, 1 / np.log2(1 + rank), 0),
            "HR@10": lambda rank: rank <= 10,
            "NDCG@10": lambda rank: np.where(rank <= 10, 1 / np.log2(1 + rank), 0),
        }
    return [
        {
            "name": f"{name}, {what}, {measure}",
            "value": float(of(rank).mean()),
            "unit": "",
            "against": PUBLISHED[name],
        }
        for measure, of in measures.items()
    ]


def _none(data: Data) -> Content:
    return Content(np.empty((data.n_items, 0), np.float32), (), 0.0)


def _attributes(path: Path, data: Data) -> Content:
    """Brand, category and keywords of each item: weighed by rarity, as ``WIDTH`` columns."""
    items = data.corpus.select("item_id", "item_index").join(pl.read_parquet(path), on="item_id")
    parts = []
    for words, least, weight in (("attributes", 3, 1.0), ("keywords", 10, 0.7)):
        split = pl.col(words) if words == "attributes" else pl.col(words).str.split(", ")
        long = items.select("item_index", word=split).explode("word").drop_nulls().unique()
        known = long.group_by("word").len().filter(pl.col("len") >= least).sort("word")
        held = long.join(known.with_row_index("column"), on="word")
        matrix = np.zeros((data.n_items, known.height), np.float32)
        matrix[held["item_index"].to_numpy(), held["column"].to_numpy()] = 1
        matrix *= np.log(data.n_items / known["len"].to_numpy())
        parts.append(weight * _unit(matrix))
    torch.manual_seed(0)
    left, values, _ = torch.svd_lowrank(torch.from_numpy(np.hstack(parts)), WIDTH, niter=3)
    matrix = _unit((left * values).numpy())
    return Content(matrix, tuple(f"attributes {n}" for n in range(WIDTH)), 1.0)


def _unit(matrix: np.ndarray) -> np.ndarray:
    return matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-6)
