"""How often the report's verdict credits content that says nothing, with settings chosen by arm.

A world is a small generated catalogue whose users have tastes, so that recommenders learn. In a
null one each item bears the scores of another item, drawn once: noise as real as scores can be. In
a planted one the scores are the true ones. Every arm of a family is fitted as ``recfeat run``
does it (with ``--tune``: after a search of its settings on its own validation examples), on
ordinary examples and in the cold-start experiment; the report's own code then weighs the arms: its
cells (recommender × place) and its headline. A false positive is a gain in a null world, anywhere.

Families in closed form choose their settings by validation inside their fit, about a second a
world; a trained one is searched by ``--tune``, about ten seconds a world::

    python -m bench verdict --out FOLDER --null 200 --planted 20
    python -m bench verdict --out FOLDER --families tower --tune 4 --null 100 --planted 10
    python -m bench verdict --out FOLDER --families hybrid,ease --tune 4 --null 100 --planted 10

FOLDER holds a file a world, so that a command that was ended goes on, and one that asks for more
worlds draws only those; other options make worlds of their own beside them. ``--first 100`` starts
at world 100: a second process shares the work. ``--no-draw`` prints what there is. After a change
of the code, begin in another folder.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import torch

from bench.bench_claims import binomial_interval
from recfeat_pipeline.catalog.corpus import build_corpus
from recfeat_pipeline.catalog.synthetic import SyntheticConfig, generate, truth
from recfeat_pipeline.content.fill import fill
from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.evaluation.cold_contrasts import contrast_cold
from recfeat_pipeline.evaluation.contrasts import contrast_arms
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import Arm, arms_frame, load_arms
from recfeat_pipeline.models.cold_start import build_cold_world, rank_cold
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.train import train_arm
from recfeat_pipeline.models.tuning import tune
from recfeat_pipeline.report.inputs import read_inputs
from recfeat_pipeline.report.provenance import Provenance
from recfeat_pipeline.report.verdict import reach_verdict
from recfeat_pipeline.report.worth import PLACES, find_worths
from recfeat_pipeline.sql_models import build, load_models
from recfeat_pipeline.taxonomy import load_taxonomy

COUNTED = "ease,item_knn,markov"
KINDS = ("", "_llm", "_random", "_shuffled")
STORE = ("catalog.items", "features.documents", "metrics.ranks", "metrics.slices")
JUDGED = ("metrics.ranking", "metrics.contrasts", "metrics.cold_start", "metrics.cold_contrasts",
          "ops.runs")  # fmt: skip


@dataclass(frozen=True)
class Design:
    """What is drawn, and how it is fitted."""

    families: str = COUNTED
    tune: int = 0  # candidates of a search; 0: the settings that ship
    seeds: int = 3
    steps: int = 48
    items: int = 150
    users: int = 600

    @property
    def name(self) -> str:
        """Of its folder."""
        return "_".join(f"{name}={value}" for name, value in asdict(self).items())

    @property
    def arms(self) -> list[Arm]:
        """Of every family the model without content, with scores, and with either control."""
        known = load_arms()
        return [known[family + kind] for family in self.families.split(",") for kind in KINDS]


def run(options: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Draw the worlds that are asked for and not there yet; without options, just enough to run."""
    parser = argparse.ArgumentParser("bench verdict")
    parser.add_argument("--out", type=Path, help="keeps a file a world")
    parser.add_argument("--null", type=int, default=2, help="worlds whose content says nothing")
    parser.add_argument("--planted", type=int, default=1, help="worlds whose content is true")
    parser.add_argument("--first", type=int, default=0, help="number of the first world")
    parser.add_argument("--no-draw", action="store_true", help="print what there is")
    for name, default in asdict(Design()).items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    given = parser.parse_args(options)
    torch.set_num_threads(1)
    design = Design(**{name: getattr(given, name) for name in asdict(Design())})
    with tempfile.TemporaryDirectory() as scratch:
        folder = (given.out or Path(scratch)) / design.name
        folder.mkdir(parents=True, exist_ok=True)
        for kind, n in (("null", given.null), ("planted", given.planted)):
            for number in () if given.no_draw else range(given.first, given.first + n):
                _draw(folder / f"{kind}-{number:04}.json", number, kind == "null", design)
        drawn = {
            kind: [json.loads(file.read_text()) for file in sorted(folder.glob(f"{kind}-*.json"))]
            for kind in ("null", "planted")
        }
    return [row for kind, worlds in drawn.items() if worlds for row in rates(worlds, kind, design)]


def _draw(file: Path, seed: int, null: bool, design: Design) -> None:
    """Write what the report makes of a world, where that is not known yet."""
    if file.exists():
        return
    start = time.perf_counter()
    part = file.with_suffix(".part")
    part.write_text(json.dumps(verdict_of(seed, null, design)))
    part.rename(file)
    print(f"{file.stem}: {time.perf_counter() - start:.1f} s", flush=True)


def verdict_of(seed: int, null: bool, design: Design) -> dict[str, str]:
    """What the report makes of one world: ``headline``, and each cell ``family, place``."""
    with duckdb.connect() as store:
        fill_store(store, seed, null, design)
        return judge(store)


def judge(store: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The report's own words on a store."""
    notes = {
        row["arm"]: {**row, "draws": load_arms()[row["arm"]].is_stochastic}
        for row in arms_frame().iter_rows(named=True)
    }
    inputs = read_inputs(store, Provenance.model_validate({"arms": notes, "used_llm": True}))
    cells = {
        f"{worth.family}, {place}": effect
        for worth in find_worths(inputs)
        for place in PLACES
        if (effect := worth.effect(place))
    }
    return {"headline": reach_verdict(inputs).tone} | cells


def fill_store(store: duckdb.DuckDBPyConnection, seed: int, null: bool, design: Design) -> None:
    """Fit every arm with every seed, and make the tables that a verdict is made from."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        lake.open()
        _fit(lake, store, seed, null, design)
        for key in JUDGED:
            build(store, load_models()[key], lake)


def _fit(
    lake: Lake, store: duckdb.DuckDBPyConnection, seed: int, null: bool, design: Design
) -> None:
    """Write the ranks of every arm and seed, and their contrasts."""
    config = SyntheticConfig(
        seed=seed, n_items=design.items, n_users=design.users, median_history=20, cold_share=0.0
    )
    corpus = build_corpus(generate(config))
    data = Data(corpus.events, build_examples(corpus.events), corpus.items)
    dimensions = load_taxonomy(config.taxonomy).frame().with_columns(version=pl.lit("made"))
    store.execute("CREATE SCHEMA features")
    for table, frame in (("item_features", _scores(config, null)), ("dimensions", dimensions)):
        store.register("frame", frame)
        store.execute(f"CREATE TABLE features.{table} AS FROM frame")
    for table in ("events", "items", "examples"):
        lake.write(table, getattr(data, table))
    worlds = [build_cold_world(data, number) for number in range(design.seeds)]
    for arm in design.arms:
        contents = [
            fill(arm.content, store, data.items, dimensions, "made", number)
            for number in range(design.seeds)
        ]
        arm = _tuned(arm, data, contents[0], design)
        for number, (content, world) in enumerate(zip(contents, worlds, strict=True)):
            keys = {"arm": arm.id, "seed": str(number)}
            if number == 0 or arm.is_stochastic:
                with _recipe(arm, number, design) as recipe:
                    lake.write("ranks", train_arm(arm, data, content, recipe).ranks, **keys)
            with _recipe(arm, number, design) as recipe:
                lake.write("cold_ranks", rank_cold(arm, world, content, recipe), **keys)
    pairs = [(arm.id, other) for arm in design.arms for other in arm.against]
    without = [arm.id for arm in design.arms if not arm.is_stochastic]
    for key in STORE:
        build(store, load_models()[key], lake)
    ranks, slices = (store.sql(f"FROM metrics.{name}").pl() for name in ("ranks", "slices"))
    lake.write("contrasts", contrast_arms(ranks, slices, pairs, without))
    lake.write("cold_contrasts", contrast_cold(lake.read("cold_ranks"), pairs))
    store.execute("DROP TABLE features.item_features")  # the report would tell of them


def _scores(config: SyntheticConfig, null: bool) -> pl.DataFrame:
    """The true scores; in a null world each item bears those of another."""
    scores = truth(config).with_columns(version=pl.lit("made"))
    if not null:
        return scores
    ids = scores["item_id"].unique().sort()
    drawn = np.random.default_rng([config.seed, 17]).permutation(len(ids))
    return scores.with_columns(pl.col("item_id").replace(ids, ids.gather(drawn)))


def _tuned(arm: Arm, data: Data, content: Content, design: Design) -> Arm:
    """The arm with the settings that its own validation examples choose, of one seed."""
    with _recipe(arm, 0, design) as recipe:
        choice = tune(arm, data, content, recipe, design.tune)
    return arm.with_settings(choice.settings) if choice else arm


@contextmanager
def _recipe(arm: Arm, seed: int, design: Design) -> Iterator[Recipe]:
    """A recipe whose checkpoints go when it is done."""
    with tempfile.TemporaryDirectory() as folder:
        yield Recipe(arm.settings, seed, design.steps, Path(folder))


def rates(drawn: list[dict[str, str]], world: str, design: Design) -> list[dict[str, Any]]:
    """How often a gain is credited: in any cell, in the headline, and in each cell."""
    n, rows = len(drawn), []
    of = design.families + (f", --tune {design.tune}" if design.tune else "")
    cells = sorted({name for effects in drawn for name in effects} - {"headline"})

    def row(what: str, hits: list[str | bool]) -> dict:
        gains = sum(hit in (True, "gain") for hit in hits)
        low, high = binomial_interval(gains, n)
        others = Counter(hit for hit in hits if hit not in (True, False, "gain", ""))
        return {
            "name": f"{world}, {of}: {what}",
            "value": gains / n,
            "unit": f"of {n}",
            "against": f"95 % interval {low:.3f} to {high:.3f}"
            + "".join(f"; {count} {name}" for name, count in sorted(others.items())),
        }

    rows.append(row("a gain anywhere", ["gain" in effects.values() for effects in drawn]))
    return rows + [
        row(name, [effects.get(name, "") for effects in drawn]) for name in ("headline", *cells)
    ]
