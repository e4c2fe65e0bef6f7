"""Exact ranks against the bare matrix product, and against other people's rankers.

CPU seconds on every core, so that a busy machine does not show; the published corpus' shapes.
"""

import importlib.util
import resource
import time

import numpy as np
import polars as pl
import torch

from bench.bench_training import cpu_seconds
from recfeat_pipeline.evaluation.contrasts import contrast_arms
from recfeat_pipeline.models import neighbours
from recfeat_pipeline.models.item_models import cosine_neighbours, gram
from recfeat_pipeline.models.ranks import BLOCK, Seen, rank_examples, rank_scores
from recfeat_pipeline.models.taken import Taken

N_ITEMS, WIDTH = 9_375, 128
N_EXAMPLES, PER_USER, HISTORY = 382_138, 20, 200
PART = 20_000  # examples measured; the work grows with their number alone
N_COMPARED = 1_000
CO_WATCHED = 20_000, 3_000, 40  # users, items, items of each user


def run() -> list[dict]:
    return [*_product(), *_rankers(), *_contrasts(), *_neighbours()]


def _world(n: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray, Seen]:
    """Vectors, targets, and histories of 1 to 200 items per user."""
    rng = np.random.default_rng(0)
    users, items = (
        torch.nn.functional.normalize(torch.from_numpy(rng.standard_normal((m, WIDTH), np.float32)))
        for m in (n, N_ITEMS)
    )
    n_users = n // PER_USER
    seen = rng.permuted(np.tile(np.arange(N_ITEMS), (n_users, 1)), axis=1)[:, :HISTORY]
    starts = np.repeat(np.arange(n_users) * HISTORY, PER_USER)
    stops = starts + np.sort(rng.integers(1, HISTORY, n).reshape(n_users, -1), axis=1).ravel()
    everything = np.ascontiguousarray(seen.ravel())
    known = Seen(everything, np.ones(len(everything), bool), starts, stops)
    return users, items, rng.integers(0, N_ITEMS, n), known


def _product() -> list[dict]:
    users, items, targets, seen = _world(PART)
    buffer = torch.empty(BLOCK, N_ITEMS)

    def product() -> None:
        for start in range(0, PART, BLOCK):
            rows = users[start : start + BLOCK]
            torch.mm(rows, items.T, out=buffer[: len(rows)])

    bare, ranks = cpu_seconds(product, lambda: rank_examples(users, items, targets, seen))
    scale = N_EXAMPLES / PART
    return [
        {
            "name": "evaluation ÷ matrix product",
            "value": ranks / bare,
            "unit": "×",
            "against": f"{N_EXAMPLES:,} × {N_ITEMS:,} × {WIDTH}: {bare * scale:.0f} CPU s bare",
        },
        {
            "name": "evaluation, peak memory of the process",
            "value": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
            "unit": "GB",
            "against": "the score matrix would be 14 GB",
        },
    ]


def _neighbours() -> list[dict]:
    """Co-watch neighbours from the sparse matrix against the dense one of items × items."""
    rng = np.random.default_rng(0)
    n_users, n_items, each = CO_WATCHED
    taken = rng.permuted(np.tile(np.arange(n_items), (200, 1)), axis=1)[:, :each]
    columns = torch.from_numpy(np.tile(taken, (n_users // 200, 1)).ravel())
    train = Taken(torch.arange(n_users) * each, columns, n_items)
    known = torch.arange(n_items)

    def dense() -> torch.Tensor:
        return cosine_neighbours(gram(train), n_items).topk(20, dim=1).indices

    ours, theirs = cpu_seconds(
        lambda: neighbours._nearest(neighbours._cosines(train, known), n_items, 20),
        dense,
        repeats=2,
    )
    return [
        {
            "name": "co-watch neighbours, sparse ÷ dense",
            "value": ours / theirs,
            "unit": "×",
            "against": f"{theirs:.1f} CPU s for {n_items:,} items; memory grows with items, not "
            "with items × items",
        }
    ]


def _rankers() -> list[dict]:
    """The same scores, without ties, to other rankers; a difference in any rank is an error."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, N_ITEMS, N_COMPARED)
    in_order = np.tile(np.arange(1, N_ITEMS + 1, dtype=np.float32), (N_COMPARED, 1))
    scores = torch.from_numpy(rng.permuted(in_order, axis=1))
    nothing = Seen(*(np.zeros(0, t) for t in (np.int64, bool)), *(np.zeros(N_COMPARED, int),) * 2)

    def rank() -> np.ndarray:
        return rank_scores(lambda start, stop: scores[start:stop].clone(), targets, nothing)[0]

    ours = rank()

    def by_polars() -> np.ndarray:
        frame = pl.DataFrame({"row": np.repeat(np.arange(N_COMPARED), N_ITEMS),
                              "score": scores.ravel().numpy()})  # fmt: skip
        ranks = frame.select(pl.col("score").rank("average", descending=True).over("row"))
        return ranks.to_series().to_numpy().reshape(N_COMPARED, N_ITEMS)[range(N_COMPARED), targets]

    def by_topk() -> np.ndarray:
        order = scores.topk(N_ITEMS, dim=1).indices
        return (order == torch.from_numpy(targets)[:, None]).int().argmax(1).numpy() + 1

    rankers = {"polars rank": by_polars, "torch.topk": by_topk}
    if importlib.util.find_spec("torchmetrics"):
        from torchmetrics.functional.retrieval import retrieval_reciprocal_rank

        def by_torchmetrics() -> np.ndarray:
            relevant = torch.zeros_like(scores, dtype=torch.bool)
            relevant[range(N_COMPARED), targets] = True
            pairs = zip(scores, relevant, strict=True)
            return np.array([1 / retrieval_reciprocal_rank(s, r).item() for s, r in pairs])

        rankers["torchmetrics reciprocal rank"] = by_torchmetrics
    if importlib.util.find_spec("implicit"):
        from implicit.cpu.topk import topk

        def by_implicit() -> np.ndarray:
            order, _ = topk(np.eye(N_ITEMS, dtype=np.float32), scores.numpy(), N_ITEMS)
            return (order == targets[:, None]).argmax(1) + 1

        rankers["implicit topk"] = by_implicit
    rows = []
    for name, ranker in rankers.items():
        if not np.array_equal(np.round(ranker()), ours):
            raise AssertionError(f"{name} gives other ranks than ours")
        own, theirs = cpu_seconds(rank, ranker, repeats=2)
        rows.append(
            {
                "name": f"our ranks ÷ {name}",
                "value": own / theirs,
                "unit": "×",
                "against": f"equal ranks on {N_COMPARED:,} × {N_ITEMS:,} scores",
            }
        )
    return rows


def _contrasts() -> list[dict]:
    """One pair of arms at the published size: 5 seeds, 19,107 users, 8 slices, 4 metrics."""
    rng = np.random.default_rng(0)
    example = np.arange(N_EXAMPLES)
    ranks = pl.concat(
        pl.DataFrame(
            {
                "example_id": example,
                "user_id": example // PER_USER,
                "rank": rng.integers(1, N_ITEMS, N_EXAMPLES, dtype=np.int32),
            }
        ).with_columns(arm=pl.lit(arm), seed=pl.lit(seed))
        for arm in ("llm", "floor")
        for seed in range(5)
    )
    slices = pl.concat(
        pl.DataFrame({"example_id": example[rng.random(N_EXAMPLES) < share]}).with_columns(
            slice=pl.lit(f"slice {number}")
        )
        for number, share in enumerate([1.0, *[0.25] * 7])
    )
    start = time.perf_counter()
    contrast_arms(ranks, slices, [("llm", "floor")])
    return [
        {
            "name": "one contrast of two arms, every slice and metric",
            "value": time.perf_counter() - start,
            "unit": "s",
            "against": f"stored ranks of {N_EXAMPLES:,} examples × 5 seeds, bootstrap included",
        }
    ]
