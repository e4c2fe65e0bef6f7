"""How often the report's verdict credits content that says nothing, with settings chosen by arm.

A world is a small generated catalogue whose users have tastes, so that recommenders learn. In a
null one each item bears the scores of another item, drawn once: noise as real as scores can be. In
a planted one the scores are the true ones. Every arm of a family is fitted as ``recfeat run``
does it with ``--tune``, on ordinary examples and in the cold-start experiment; the report's own
code then weighs the arms: its cells (recommender × place) and its headline. A false positive is a
gain in a null world, anywhere.

``python -m bench.bench_verdict 200 20`` draws 200 null and 20 planted worlds for the families in
closed form, and a tenth of that for the tower, whose settings are searched with four candidates.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

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

SIZE = {"n_items": 150, "n_users": 600, "median_history": 20, "cold_share": 0.0}
COUNTED, TRAINED = ("ease", "item_knn", "markov"), ("tower",)
KINDS = ("", "_llm", "_random", "_shuffled")
SEEDS, STEPS, TRIALS = 3, 48, 4
STORE = ("catalog.items", "features.documents", "metrics.ranks", "metrics.slices")
JUDGED = ("metrics.ranking", "metrics.contrasts", "metrics.cold_start", "metrics.cold_contrasts",
          "ops.runs")  # fmt: skip


def run(n_null: int = 2, n_planted: int = 1) -> list[dict]:
    """By default so few worlds that they only show that it runs."""
    torch.set_num_threads(1)
    rows = []
    for families, share in ((COUNTED, 1.0), (TRAINED, 0.1)):
        for null, n in ((True, n_null), (False, n_planted)):
            drawn = [verdict_of(seed, null, families) for seed in range(max(round(share * n), 1))]
            rows += rates(drawn, "null" if null else "planted", ", ".join(families))
    return rows


def verdict_of(seed: int, null: bool, families: Sequence[str]) -> dict[str, str]:
    """What the report makes of one world: ``headline``, and each cell ``family, place``."""
    with duckdb.connect() as store:
        fill_store(store, seed, null, families)
        return judge(store)


def judge(store: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The report's own words on a store."""
    notes = {row["arm"]: row for row in arms_frame().iter_rows(named=True)}
    inputs = read_inputs(store, Provenance.model_validate({"arms": notes, "used_llm": True}))
    cells = {
        f"{worth.family}, {place}": effect
        for worth in find_worths(inputs)
        for place in PLACES
        if (effect := worth.effect(place))
    }
    return {"headline": reach_verdict(inputs).tone} | cells


def fill_store(
    store: duckdb.DuckDBPyConnection, seed: int, null: bool, families: Sequence[str]
) -> None:
    """Fit every arm with every seed, and make the tables that a verdict is made from."""
    known = load_arms()
    arms = [known[family + kind] for family in families for kind in KINDS]
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        lake.open()
        _fit(lake, store, seed, null, arms)
        for key in JUDGED:
            build(store, load_models()[key], lake)


def _fit(
    lake: Lake, store: duckdb.DuckDBPyConnection, seed: int, null: bool, arms: Sequence[Arm]
) -> None:
    """Write the ranks of every arm and seed, and their contrasts."""
    config = SyntheticConfig(seed=seed, **SIZE)
    corpus = build_corpus(generate(config))
    data = Data(corpus.events, build_examples(corpus.events), corpus.items)
    dimensions = load_taxonomy(config.taxonomy).frame().with_columns(version=pl.lit("made"))
    store.execute("CREATE SCHEMA features")
    for table, frame in (("item_features", _scores(config, null)), ("dimensions", dimensions)):
        store.register("frame", frame)
        store.execute(f"CREATE TABLE features.{table} AS FROM frame")
    for table in ("events", "items", "examples"):
        lake.write(table, getattr(data, table))
    worlds = [build_cold_world(data, number) for number in range(SEEDS)]
    for arm in arms:
        contents = [
            fill(arm.content, store, data.items, dimensions, "made", number)
            for number in range(SEEDS)
        ]
        arm = _tuned(arm, data, contents[0])
        for number, (content, world) in enumerate(zip(contents, worlds, strict=True)):
            keys = {"arm": arm.id, "seed": str(number)}
            if number == 0 or arm.is_stochastic:
                with _recipe(arm, number) as recipe:
                    lake.write("ranks", train_arm(arm, data, content, recipe).ranks, **keys)
            with _recipe(arm, number) as recipe:
                lake.write("cold_ranks", rank_cold(arm, world, content, recipe), **keys)
    pairs = [(arm.id, other) for arm in arms for other in arm.against]
    without = [arm.id for arm in arms if not arm.is_stochastic]
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


def _tuned(arm: Arm, data: Data, content: Content) -> Arm:
    """The arm with the settings that its own validation examples choose, of one seed."""
    with _recipe(arm, 0) as recipe:
        choice = tune(arm, data, content, recipe, TRIALS)
    return arm.with_settings(choice.settings) if choice else arm


@contextmanager
def _recipe(arm: Arm, seed: int) -> Iterator[Recipe]:
    """A recipe whose checkpoints go when it is done."""
    with tempfile.TemporaryDirectory() as folder:
        yield Recipe(arm.settings, seed, STEPS, Path(folder))


def rates(drawn: list[dict[str, str]], world: str, families: str) -> list[dict]:
    """How often a gain is credited: in any cell, in the headline, and in each cell."""
    n, rows = len(drawn), []
    cells = sorted({name for effects in drawn for name in effects} - {"headline"})

    def row(what: str, hits: list[str | bool]) -> dict:
        gains = sum(hit in (True, "gain") for hit in hits)
        low, high = binomial_interval(gains, n)
        others = Counter(hit for hit in hits if hit not in (True, False, "gain", ""))
        return {
            "name": f"{world}, {families}: {what}",
            "value": gains / n,
            "unit": f"of {n}",
            "against": f"95 % interval {low:.3f} to {high:.3f}"
            + "".join(f"; {count} {name}" for name, count in sorted(others.items())),
        }

    rows.append(row("a gain anywhere", ["gain" in effects.values() for effects in drawn]))
    return rows + [
        row(name, [effects.get(name, "") for effects in drawn]) for name in ("headline", *cells)
    ]


if __name__ == "__main__":
    for line in run(*map(int, sys.argv[1:])):
        print(f"{line['name']:64} {line['value']:7.4f} {line['unit']:8} {line['against']}")
