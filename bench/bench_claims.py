"""Whether the pipeline finds a planted effect, and none where there is none: rates over worlds.

A draw is a new small catalogue whose models are trained, ranked and contrasted as the pipeline does
it; a difference is "real" by the report's own rule. The LLM arms see the generator's true scores.

``python -m bench.bench_claims 60 30`` draws 60 worlds in which content says nothing and 30 in which
it does, and for EASE, which costs next to nothing, twice as many. Before them come simulated
experiments without any effect, where thousands of draws show what the rule itself does.
"""

import itertools
import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import torch

from recfeat_pipeline.catalog.corpus import build_corpus
from recfeat_pipeline.catalog.synthetic import SyntheticConfig, generate, truth
from recfeat_pipeline.content.fill import fill
from recfeat_pipeline.evaluation.contrasts import contrast_arms
from recfeat_pipeline.evaluation.significance import compare
from recfeat_pipeline.evaluation.student import t_quantile
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.train import train_arm
from recfeat_pipeline.report.worth import significant
from recfeat_pipeline.taxonomy import load_taxonomy

SIZE = {"n_items": 300, "n_users": 1200, "median_history": 30}
SEEDS, STEPS = 3, 64
TOWERS = ("floor", "random", "llm")
EASE = ("ease", "ease_random", "ease_llm")
EASE_TIMES = 2
N_SIMULATED, N_USERS = 10_000, 150


def run(n_null: int = 4, n_planted: int = 2) -> list[dict]:
    """By default so few draws that they only show that it runs: each trains nine towers."""
    torch.set_num_threads(1)
    rows = [*simulated(), *missed()]
    for effect, n in ((0.0, n_null), (1.0, n_planted)):
        for arms, n_draws in ((TOWERS, n), (EASE, EASE_TIMES * n)):
            drawn = pl.concat(contrasts_of(seed, effect, arms) for seed in range(n_draws))
            rows += rates(drawn, "planted effect" if effect else "no effect")
    return rows


def simulated() -> list[dict]:
    """How often a true null is rejected at 5 % and at .1 %, by seeds and by their luck.

    Luck is the variance that one seed adds to a difference, over that of the choice of users.
    """
    rng, rows = np.random.default_rng(0), []
    counts, nothing = np.ones(N_USERS, int), np.zeros((1, N_USERS))
    for n_seeds, luck in ((1, 0.0), (2, 0.1), (2, 10.0), (3, 0.1), (3, 10.0), (5, 0.1), (5, 10.0)):
        rejected = {0.05: 0, 0.001: 0}
        for _ in range(N_SIMULATED):
            of_seeds = rng.normal(0, math.sqrt(luck / N_USERS), (n_seeds, 1))
            deltas = (
                of_seeds + rng.normal(0, 1, (1, N_USERS)) + rng.normal(0, 1, (n_seeds, N_USERS))
            )
            p_value = compare(deltas, np.repeat(nothing, n_seeds, 0), counts, 0.02)["p_value"]
            for level in rejected:
                rejected[level] += (p_value or 0.0) < level
        for level, n in rejected.items():
            low, high = binomial_interval(n, N_SIMULATED)
            rows.append(
                {
                    "name": f"no effect, simulated: {n_seeds} seeds, luck {luck:g}, p < {level:g}",
                    "value": n / N_SIMULATED,
                    "unit": f"of {N_SIMULATED:,}",
                    "against": f"95 % interval {low:.4f} to {high:.4f}",
                }
            )
    return rows


DIFFERENCES: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1,
    "lognormal": lambda rng, shape: rng.lognormal(size=shape) - math.exp(0.5),
    "cubes of normals": lambda rng, shape: rng.normal(size=shape) ** 3,
}
"""Users' differences in a metric, of mean 0, by how they are spread."""


def missed(n_draws: int = 2_000) -> list[dict]:
    """How often a 95 % interval misses the truth, by users and by how skewed their differences are.

    Beside it what a Student's t alone would have missed.
    """
    rng, rows = np.random.default_rng(0), []
    for (name, draw), n_users in itertools.product(DIFFERENCES.items(), (10, 30, 100, 300)):
        deltas, counts = draw(rng, (n_draws, n_users)), np.ones(n_users, int)
        nothing = np.zeros((1, n_users))
        found = [compare(each[None] + 1, nothing, counts, 0.02) for each in deltas]  # truth: 1
        errors = deltas.std(1, ddof=1) / math.sqrt(n_users)
        alone = np.abs(deltas.mean(1)) > t_quantile(0.025, n_users - 1) * errors
        n = sum(not row["ci_low"] <= 1 <= row["ci_high"] for row in found)
        low, high = binomial_interval(n, n_draws)
        rows.append(
            {
                "name": f"interval misses the truth: {n_users} users, {name}",
                "value": n / n_draws,
                "unit": f"of {n_draws:,}",
                "against": f"95 % interval {low:.3f} to {high:.3f}; Student's t alone "
                f"{alone.mean():.3f}",
            }
        )
    return rows


def contrasts_of(seed: int, effect: float, arms: Sequence[str]) -> pl.DataFrame:
    """One world's contrasts in MRR on all examples, as the pipeline would have them."""
    config = SyntheticConfig(seed=seed, content_effect=effect, **SIZE)
    corpus = build_corpus(generate(config))
    examples = build_examples(corpus.events)
    data, dimensions = (
        Data(corpus.events, examples, corpus.items),
        load_taxonomy(config.taxonomy).frame(),
    )
    store = duckdb.connect()
    store.execute("CREATE SCHEMA features")
    for table, frame in (("item_features", truth(config)), ("dimensions", dimensions)):
        store.register("frame", frame.with_columns(version=pl.lit("truth")))
        store.execute(f"CREATE TABLE features.{table} AS FROM frame")

    def ranks(name: str, seeds: Iterable[int]) -> pl.DataFrame:
        arm, parts = load_arms()[name], []
        for number in seeds:
            content = fill(arm.content, store, corpus.items, dimensions, "truth", number)
            with tempfile.TemporaryDirectory() as folder:
                recipe = Recipe(arm.settings, number, STEPS, Path(folder))
                result = train_arm(arm, data, content, recipe)
            parts.append(result.ranks.with_columns(arm=pl.lit(name), seed=pl.lit(number)))
        return pl.concat(parts)

    parts = [ranks(name, range(SEEDS if load_arms()[name].is_trained else 1)) for name in arms]
    pairs = [(arm, other) for arm in arms for other in load_arms()[arm].against]
    slices = examples.filter(split="test").select("example_id", slice=pl.lit("all"))
    return contrast_arms(pl.concat(parts), slices, pairs, EASE).filter(metric="mrr")


def rates(drawn: pl.DataFrame, world: str) -> list[dict]:
    """How often each pair's difference is called real, over the draws."""
    rows = []
    for (arm, reference), draws in drawn.group_by("arm", "reference", maintain_order=True):
        real = [d["delta"] > 0 for d in draws.iter_rows(named=True) if significant(d)]
        unadjusted, change = (draws["p_value"] < 0.05).mean(), draws["relative"].mean()
        low, high = binomial_interval(len(real), draws.height)
        rows.append(
            {
                "name": f"{world}: {arm} less {reference} is real",
                "value": len(real) / draws.height,
                "unit": f"of {draws.height}",
                "against": f"95 % interval {low:.3f} to {high:.3f}; {sum(real)} gains; "
                f"without Holm {unadjusted:.3f}; mean change {change:+.1%}",
            }
        )
    return rows


def binomial_interval(found: int, n: int) -> tuple[float, float]:
    """Exact 95 % interval of a share (Clopper and Pearson, 1934), by bisection.

    >>> tuple(round(end, 4) for end in binomial_interval(0, 10))
    (0.0, 0.3085)
    """

    def at_least(k: int, p: float) -> float:
        if not 0 < p < 1:
            return p
        ways = (
            math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(n + 1)
        )
        logs = [w + i * math.log(p) + (n - i) * math.log1p(-p) for i, w in enumerate(ways)]
        return math.fsum(map(math.exp, logs[k:]))

    def solve(k: int, tail: float) -> float:
        """The p at which ``k`` or more of n have probability ``tail``."""
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if at_least(k, middle) < tail else (low, middle)
        return low

    return solve(found, 0.025) if found else 0.0, solve(found + 1, 0.975) if found < n else 1.0


if __name__ == "__main__":
    for row in run(*map(int, sys.argv[1:])):
        print(f"{row['name']:58} {row['value']:7.4f} {row['unit']:14} {row['against']}")
