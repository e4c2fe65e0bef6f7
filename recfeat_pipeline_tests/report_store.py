"""Builds a small feature store with plausible tables, for tests of the report and of explore."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl

from recfeat_pipeline.report.tables import COLD, LADDER, NEIGHBOURS, PROBES
from recfeat_pipeline.schemas import (
    AGREEMENT_INTERVALS,
    COLD_CONTRASTS,
    CONTRASTS,
    VERSION_AGREEMENT,
)
from recfeat_pipeline.taxonomy import load_taxonomy

VERSION = "v1@3f9c2a7b1d04"
HOSTILE = "<script>alert('x')</script> & \"Sons\" $5 | 1999"
FLOOR_MRR = 0.1121
FURTHER = {
    "shuffled": 0.002,
    "item_knn": -0.2,
    "recency_floor": 0.2,
    "recency_llm": 0.215,
    "rare_as_new_llm": 0.03,
}
ARMS = {
    "floor": {"role": "floor", "section": "base"},
    "curated": {"role": "content", "section": "base", "content": "curated"},
    "llm": {"title": "LLM scores", "role": "content", "section": "base", "content": "llm"},
    "random": {"role": "control", "section": "control", "content": "llm", "control": "random"},
    "shuffled": {"role": "control", "section": "control", "content": "llm", "control": "shuffled"},
    "recency_floor": {
        "title": "Floor, last item as a channel", "role": "floor", "section": "recency"
    },
    "recency_llm": {
        "title": "LLM scores, last item as a channel", "section": "recency", "content": "llm"
    },
    "item_knn": {"title": "Item neighbours", "role": "baseline", "section": "baseline"},
    "rare_as_new_llm": {
        "title": "LLM scores, rare items as new", "section": "training", "content": "llm"
    },
}  # fmt: skip
BASELINES = ("popularity", "item_knn")
GAINS = {"popularity": -0.42, "floor": 0.0, "curated": 0.024, "llm": 0.030, "random": 0.001}
LABELS = {"floor": "C′", "curated": "A′", "llm": "B′"}
TIER_SCALE = {
    "all": 1.0,
    "HEAD": 1.03,
    "TAIL": 0.026,
    "Q4": 1.1,
    "Q3": 0.12,
    "Q2": 0.03,
    "Q1": 0.01,
}


def build_store(
    path: Path,
    *,
    llm_gain: float = 0.030,
    control_gain: float | None = 0.001,
    half_width: float = 0.012,
    seeds: int = 5,
    model: str = "gpt-5-mini",
    contrasts: bool = True,
    curated: bool = True,
    n_items: int = 60,
) -> Path:
    """Write a store at ``path`` whose LLM arm beats the floor by ``llm_gain`` (relative).

    ``half_width`` is the half width of every interval, relative to the floor. ``control_gain``
    None leaves the control out; ``model`` starting with "lexical" says that no LLM was used.
    """
    rng = np.random.default_rng(7)
    gains = {**GAINS, **FURTHER, "llm": llm_gain}
    if control_gain is None:
        del gains["random"], gains["shuffled"]
    else:
        gains |= {"random": control_gain, "shuffled": control_gain}
    if not curated:
        del gains["curated"]
    items = _items(n_items)
    features = _features(items, model, rng)
    tables = {
        "catalog.items": items,
        "features.item_features": features,
        "features.dimensions": load_taxonomy("genome132")
        .frame()
        .with_columns(version=pl.lit(VERSION)),
        "features.documents": _documents(items, rng),
        "features.identity": _pages(items),
        "features.genome": _genome(items if curated else items.head(0)),
        "metrics.ranking": _ranking(gains, seeds, rng),
        "metrics.agreement": _agreement(rng) if curated else None,
        "metrics.agreement_intervals": _intervals() if curated else None,
        "metrics.version_agreement": _version_agreement(),
        "metrics.probes": _probes(),
        "metrics.cold_start": _cold(),
        "metrics.cold_contrasts": _cold_contrasts(),
        "metrics.neighbour_overlap": pl.DataFrame(
            [("llm", 20, 0.31, 0.29, 0.33, 0.05, 373), ("random", 20, 0.05, 0.04, 0.06, 0.05, 410)],
            schema=NEIGHBOURS,
            orient="row",
        ),
        "metrics.contrasts": _contrasts(gains, half_width, seeds) if contrasts else None,
        "metrics.substitution_ladder": _ladder(gains),
        "ops.runs": _runs(gains, seeds, rng),
        "ops.llm_calls": _calls(features, model, rng),
    }
    with duckdb.connect(str(path)) as connection:
        for name, frame in tables.items():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name.partition('.')[0]}")
            if frame is not None:
                connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
    return path


def provenance(**changes: Any) -> dict[str, Any]:
    """A full provenance dictionary; ``changes`` replace its entries."""
    return {
        "catalogue": "movielens-demo",
        "source": "catalogs/movielens-demo.toml",
        "notes": [
            {"kind": "unparsable_row", "count": 3, "message": "rows of ratings.csv were unreadable"}
        ],
        "corpus": {
            "corpus": "full",
            "items_read": 3706,
            "items": 1420,
            "items_with_too_few_interactions": 2286,
            "users_read": 6040,
            "users": 5228,
            "users_below_minimum": 812,
            "events_read": 1_000_209,
            "events": 871_337,
            "unordered_share": 0.12,
            "users_test": 604,
            "split": "three_way",
        },
        "prompt_version": VERSION,
        "extraction_model": "gpt-5-mini",
        "backend": "online",
        "used_llm": True,
        "estimate": {"model": "gpt-5-mini", "documents": 1420, "cost_usd": 4.2, "hours": 0.3},
        "arms": ARMS,
        "skipped_arms": {"rich_curated": "needs genre and year columns"},
        "versions": {"recfeat_pipeline": "0.1.0", "torch": "2.13.0", "duckdb": "2.0.0"},
        "git_hash": "0527c34",
        "hashes": {"interactions": "9f86d081884c7d65"},
        "commands": ["recfeat run --catalog catalogs/movielens-demo.toml --seeds 0,1,2,3,4"],
        "generated_at": "2026-11-21 06:31 UTC",
        **changes,
    }


def _items(n: int) -> pl.DataFrame:
    known = [
        "Toy Story (1995)",
        "Alien (1979)",
        HOSTILE,
        "Before Sunrise (1995)",
        '=HYPERLINK("http://x")',
        "Amélie (Le fabuleux destin d'Amélie Poulain) (2001)",
    ]
    titles = (known + [f"Film number {i}" for i in range(n)])[:n]
    in_corpus = [i < 0.75 * n for i in range(n)]
    return pl.DataFrame(
        {
            "item_id": range(1, n + 1),
            "title": titles,
            "year": pl.Series([1995 + i % 20 for i in range(n)], dtype=pl.Int32),
            "genres": [["Drama", "Comedy"][: 1 + i % 2] for i in range(n)],
            "imdb_id": [f"tt{i:07d}" for i in range(n)],
            "tmdb_id": range(n),
            "n_ratings": [int(3000 / (i + 1)) for i in range(n)],
            "in_corpus": in_corpus,
            "item_index": pl.Series(
                [i if inside else None for i, inside in enumerate(in_corpus)], dtype=pl.Int32
            ),
            "tier": [f"Q{4 - 4 * i // n}" for i in range(n)],
        }
    )


def _features(items: pl.DataFrame, model: str, rng: np.random.Generator) -> pl.DataFrame:
    dims = load_taxonomy("genome132").frame().select("group", "dimension")
    corpus = items.filter("in_corpus").select("item_id")
    frame = corpus.join(dims, how="cross")
    scores = np.where(rng.random(frame.height) < 0.12, rng.integers(1, 11, frame.height) / 10, 0.0)
    return frame.with_columns(
        version=pl.lit(VERSION),
        score=pl.Series(scores, dtype=pl.Float32),
        model=pl.lit(model),
        cache_key=pl.format("{}-{}", "item_id", "group"),
        generated_at=pl.lit(datetime(2026, 11, 20, tzinfo=UTC)),
    )


def _documents(items: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    chars = rng.choice(
        [120, 380, 900, 1700, 3100, 5200], items.height, p=[0.1, 0.2, 0.3, 0.2, 0.1, 0.1]
    )
    return items.select(
        "item_id",
        "title",
        text=pl.format("Title: {}\nPlot: Something happens to somebody.", "title"),
        content_hash=pl.lit("abc"),
        n_chars=pl.Series(chars, dtype=pl.Int32),
        shard=pl.lit("00"),
    )


def _pages(items: pl.DataFrame) -> pl.DataFrame:
    """One page an item; the last but one is another work, and says so in markup."""
    return items.select(
        "item_id",
        source=pl.lit("wikipedia"),
        title="title",
        url=pl.format("https://example.org/{}", "item_id"),
        used=pl.col("item_id") != 3,
        doubt=pl.when(pl.col("item_id") == 3).then(0.8).otherwise(0.01),
        reason=pl.when(pl.col("item_id") == 3).then(pl.lit(f"year: 1995 here, 2002 {HOSTILE}")),
    )


def _genome(items: pl.DataFrame) -> pl.DataFrame:
    return items.filter("in_corpus").select(
        "item_id", tag=pl.lit("space"), relevance=pl.lit(0.5, dtype=pl.Float32)
    )


def _ranking(gains: dict[str, float], seeds: int, rng: np.random.Generator) -> pl.DataFrame:
    sizes = {
        "all": 11_873,
        "HEAD": 9_300,
        "TAIL": 2_573,
        "Q4": 10_100,
        "Q3": 1_200,
        "Q2": 400,
        "Q1": 173,
    }
    history = {
        "history 1-9": 0.7,
        "history 10-49": 0.95,
        "history 50+": 1.1,
    }
    ks = {1: 0.4, 5: 1.33, 10: 1.94, 20: 2.7, 50: 4.0, 100: 5.2, 250: 6.7}
    rows = []
    for arm, gain in gains.items():
        for seed in range(1 if arm in BASELINES else seeds):
            noise = rng.normal(0, 0.004)
            for slice_, scale in {**TIER_SCALE, **history}.items():
                extra = 3 * gain if gain > 0 and slice_ in ("TAIL", "Q1", "Q2") else gain
                mrr = FLOOR_MRR * scale * (1 + extra + noise)
                n = sizes.get(slice_, 2900)
                for metric, k, factor in [
                    ("mrr", None, 1.0),
                    ("mrr_with_seen", None, 0.97),
                    ("ndcg", 10, 1.12),
                    *(("hit_rate", k, factor) for k, factor in ks.items()),
                ]:
                    rows.append((arm, seed, slice_, metric, k, min(mrr * factor, 1), n))
    columns = ["arm", "seed", "slice", "metric", "k", "value", "n"]
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)


def _contrasts(gains: dict[str, float], half_width: float, seeds: int) -> pl.DataFrame:
    pairs = [
        ("llm", "floor"),
        ("curated", "floor"),
        ("llm", "curated"),
        ("random", "floor"),
        ("llm", "random"),
        ("llm", "shuffled"),
        ("recency_llm", "recency_floor"),
        ("item_knn", "popularity"),
    ]
    rows = []
    for arm, reference in pairs:
        if arm not in gains or reference not in gains:
            continue
        for slice_ in ("all", "HEAD", "TAIL"):
            base = FLOOR_MRR * TIER_SCALE[slice_]
            steep = 3 if slice_ == "TAIL" else 1  # as in _ranking
            delta = base * steep * (gains[arm] - gains[reference])
            half = base * steep * half_width
            p = 0.001 if abs(delta) > half else 0.4
            rows.append(
                {
                    "arm": arm,
                    "reference": reference,
                    "slice": slice_,
                    "metric": "mrr",
                    "arm_value": base + delta,
                    "reference_value": base,
                    "delta": delta,
                    "relative": delta / base,
                    "ci_low": delta - half,
                    "ci_high": delta + half,
                    "p_value": p,
                    "p_adjusted": min(2 * p, 1.0),
                    "margin": 0.02 * base,
                    "p_equivalent": 0.01 if abs(delta) + half < 0.02 * base else 0.4,
                    "detectable": 1.43 * half,  # 2.8 standard errors
                    "n_seeds": seeds,
                    "n_users": 604,
                }
            )
    return pl.DataFrame(rows, schema=CONTRASTS)


def _agreement(rng: np.random.Generator) -> pl.DataFrame:
    dims = load_taxonomy("genome132").frame()
    r = np.clip(rng.normal(0.6, 0.16, dims.height), 0.05, 0.93)
    return dims.select(
        "group",
        "dimension",
        "genome_tags",
        version=pl.lit(VERSION),
        pearson_r=pl.Series(r),
        spearman_r=pl.Series(r - 0.04),
        n_items=pl.lit(1382),
    )


def _intervals() -> pl.DataFrame:
    groups = ["all", "themes", "tone", "setting", "provenance", "reception", "visual"]
    row = dict.fromkeys(AGREEMENT_INTERVALS, 0.5) | {"version": VERSION, "dimension": None}
    known = {"pearson_low": 0.57, "pearson_high": 0.63, "partial_r": 0.44, "ceiling": 0.91}
    rows = [{**row, **known, "group": group, "n_items": 1382} for group in groups]
    return pl.DataFrame(rows, schema=AGREEMENT_INTERVALS)


def _version_agreement() -> pl.DataFrame:
    rows = [(VERSION, "other-model@1", "all", None, 0.71, 0.69, 0.73, 1400)]
    return pl.DataFrame(rows, schema=VERSION_AGREEMENT, orient="row")


def _probes() -> pl.DataFrame:
    run = {"status": "run", "agreement_low": 0.2, "agreement_high": 0.7, "over_floor": 0.003}
    chars = {"": 2400.0, "+first-300": 320.0, "+title-only": 20.0, "+names-masked": 2000.0}
    rows = [
        {"arm": probe[1:].replace("-", "_") or "llm", "prompt_version": f"genome132-v1{probe}"}
        | {"agreement_r": 0.1 + n / 5000, "over_floor_low": 0.001, "over_floor_high": 0.005}
        | {"mean_chars": n, **run}
        for probe, n in chars.items()
    ]
    unscored = {"status": "not run: no scores of this prompt version", "mean_chars": 118.0}
    rows.append({"arm": "first_100", "prompt_version": "genome132-v1+first-100", **unscored})
    return pl.DataFrame(rows, schema=PROBES)


def _cold() -> pl.DataFrame:
    rows = [
        (arm, seed, n_train, candidates, metric, k, value * (1 + n_train), 600)
        for arm, value in (
            ("floor", 0.002),
            ("llm", 0.006),
            ("popularity", 0.001),
            ("rare_as_new_llm", 0.009),
        )
        for seed in (0, 1)
        for n_train in (0, 1, 10)
        for candidates in (("all", "new") if n_train == 0 else ("all",))
        for metric, k in (("mrr", None), ("ndcg", 10), ("hit_rate", 10), ("hit_rate", 50))
    ]
    return pl.DataFrame(rows, schema=COLD, orient="row")


def _cold_contrasts() -> pl.DataFrame:
    row = {"arm": "llm", "reference": "floor", "n_train": 0, "candidates": "all", "metric": "mrr"}
    measured = {
        "reference_value": 0.002,
        "delta": 0.004,
        "ci_low": 0.001,
        "ci_high": 0.007,
        "p_value": 0.03,
        "n_seeds": 2,
    }
    rows = [{**row, **measured, "p_adjusted": 0.06}]
    rows += [
        {**row, **measured, "arm": "rare_as_new_llm", "reference": "llm", "n_train": n}
        | {"p_adjusted": p}
        for n, p in ((0, 0.2), (1, 0.01), (10, 0.2))
    ]
    return pl.DataFrame(rows, schema=COLD_CONTRASTS)


def _ladder(gains: dict[str, float]) -> pl.DataFrame:
    rows = [("floor", -0.0053), ("llm", -0.0021), ("curated", 0.0004)]
    return pl.DataFrame(
        [
            ("mrr", None, c, 0.117, 0.117 + d, d, d - 0.001, d + 0.001)
            for c, d in rows
            if c in gains
        ],
        schema={"metric": pl.String, "k": pl.Int32, **LADDER},
        orient="row",
    )


def _runs(gains: dict[str, float], seeds: int, rng: np.random.Generator) -> pl.DataFrame:
    width = {"curated": 1128, "llm": 132, "random": 132}
    rows = []
    for arm in gains:
        baseline = arm in BASELINES
        for seed in range(1 if baseline else seeds):
            rows.append(
                {
                    "arm": arm,
                    "seed": seed,
                    "label": LABELS.get(arm),
                    "kind": "baseline"
                    if baseline
                    else "control"
                    if arm in ("random", "shuffled")
                    else "tower",
                    "n_parameters": 0 if baseline else 83_000 + 64 * width.get(arm, 0),
                    "content_width": width.get(arm, 0),
                    "content_coverage": 0.973 if arm == "curated" else float(arm in width),
                    "steps": 0 if baseline else 12_000,
                    "best_step": 0 if baseline else 9_000,
                    "seconds": 0.4 if baseline else float(rng.uniform(500, 700)),
                }
            )
    return pl.DataFrame(rows)


def _calls(features: pl.DataFrame, model: str, rng: np.random.Generator) -> pl.DataFrame:
    calls = features.group_by("cache_key", "version", "group", "model", maintain_order=True).len()
    lexical = model.startswith("lexical")
    tokens = pl.Series(rng.integers(500, 700, calls.height))
    failed = pl.Series(range(calls.height)) == 17
    return calls.select(
        "cache_key",
        "version",
        "group",
        "model",
        backend=pl.lit("lexical" if lexical else "online"),
        status=pl.when(failed).then(pl.lit("failed")).otherwise(pl.lit("ok")),
        reason=pl.when(failed).then(pl.lit("truncated")),
        attempts=pl.lit(1),
        prompt_tokens=pl.lit(0) if lexical else tokens,
        cached_tokens=pl.lit(0),
        completion_tokens=pl.lit(0) if lexical else tokens // 4,
        cost_usd=pl.lit(0.0) if lexical else tokens * 3e-6 + tokens // 4 * 15e-6,
        latency_ms=pl.lit(2.0 if lexical else 850.0),
        created_at=pl.lit(datetime(2026, 11, 20, tzinfo=UTC)),
    )
