"""Evaluation with vectors of users and items computed once, against reading both for each pair.

The baseline reads a pair's history and its item anew, in batches of :data:`BATCH` pairs, in which
an item of several histories is read once. Legommenders says "up to 50×" of its own, on its own
data; here texts, histories and weights are drawn, since a rate depends on their sizes alone.
"""

import time

import numpy as np
import torch

from recfeat_pipeline.models.histories import Context
from recfeat_pipeline.models.operators.operator import Known
from recfeat_pipeline.models.operators.settings import Settings
from recfeat_pipeline.models.operators.tower import OperatorTower

N_ITEMS, N_USERS, N_WORDS, HISTORY = 1_500, 1_000, 64, 50
PAIRS, BATCH = 2_048, 256
TRIPLES = (
    ("attention", "additive", "dot"),
    ("cnn", "additive", "dot"),
    ("transformer", "self_attention", "dot"),
    ("transformer", "self_attention", "mlp"),
)


@torch.no_grad()
def run() -> list[dict]:
    rng = np.random.default_rng(0)
    words = rng.integers(0, 2_000, (N_ITEMS, N_WORDS))
    texts = [" ".join(f"w{word}" for word in row) for row in words]
    history = torch.from_numpy(rng.integers(0, N_ITEMS, (N_USERS, HISTORY)))
    users = torch.from_numpy(rng.integers(0, N_USERS, PAIRS))
    items = torch.from_numpy(rng.integers(0, N_ITEMS, PAIRS))
    rows = []
    for content, behaviour, predictor in TRIPLES:
        settings = Settings(content=content, behaviour=behaviour, predictor=predictor)
        tower = OperatorTower(Known(N_ITEMS, texts=texts), settings).eval()
        began = time.perf_counter()
        known, every = tower.user_vectors(_context(history)), tower.item_vectors()
        scores = torch.cat([tower.all_pairs(part, every) for part in known.split(BATCH)])
        cached = scores.numel() / (time.perf_counter() - began)
        began = time.perf_counter()
        alone = torch.cat(
            [
                tower.paired(tower.user_vectors(_context(history[u])), tower.item_vectors(i))
                for u, i in zip(users.split(BATCH), items.split(BATCH), strict=True)
            ]
        )
        each = PAIRS / (time.perf_counter() - began)
        torch.testing.assert_close(alone, scores[users, items], rtol=1e-3, atol=1e-4)
        rows.append(
            {
                "name": f"{content} × {behaviour} × {predictor}, read once",
                "value": cached / each,
                "unit": "× pairs a second",
                "against": f"{each:,.0f} pairs a second, both sides read for each",
            }
        )
    return rows


def _context(history: torch.Tensor) -> Context:
    return Context(history, torch.ones(history.shape), torch.zeros(len(history)))
