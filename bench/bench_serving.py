"""How fast the HTTP server answers, beside its own ``/health``, and its memory.

Requests at a fixed rate, for each route by itself, over a generated catalogue; server and client
share the machine.

The rate is kept whatever the server does, so that a slow answer delays no other request (no
"coordinated omission"). A recommendation is one product of a vector with all items' vectors.
"""

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import numpy as np
import polars as pl

from recfeat_pipeline.ask.shelf import Shelf
from recfeat_pipeline.explore.library import Library
from recfeat_pipeline.explore.nearest import Cells, largest
from recfeat_pipeline.explore.recommend import Recommender
from recfeat_pipeline.serving.service import Service
from recfeat_pipeline.taxonomy import load_taxonomy

N_ITEMS, WIDTH, SECONDS = 10_000, 128, 4.0
LARGE = ((100_000, 64), (1_000_000, 64))  # items, width
RATES = (20, 60)  # requests a second
REQUESTS = {
    "/health": ("GET", "/health", None),
    "/items/{id}": ("GET", "/items/17", None),
    "/items/{id}/neighbours": ("GET", "/items/17/neighbours", None),
    "/recommend": ("POST", "/recommend", {"history": ["1", "2", "3"], "k": 20}),
    "/ask": ("POST", "/ask", {"turns": ["a heist film without violence"], "k": 20}),
}


class Product(Recommender):
    """A trained arm's share of a request: one user vector with every item's."""

    def __init__(self, vectors: np.ndarray):
        self.vectors = vectors

    def scores(self, liked: Sequence[int]) -> np.ndarray:
        return self.vectors @ self.vectors[list(liked)].mean(0)

    def drivers(self, liked: Sequence[int], item: int, n: int) -> list[tuple[str, float]]:
        return []


def generated() -> Service:
    rng = np.random.default_rng(0)
    told = load_taxonomy("genome132").frame()
    items = pl.DataFrame(
        {
            "item_id": [str(i) for i in range(N_ITEMS)],
            "title": [f"Item {i} (1990)" for i in range(N_ITEMS)],
            "year": rng.integers(1930, 2025, N_ITEMS),
            "genres": [["Drama"] if i % 2 else ["Comedy"] for i in range(N_ITEMS)],
            "n_ratings": np.arange(N_ITEMS, 0, -1),
            "item_index": np.arange(N_ITEMS),
        }
    )
    words = told["gloss"].str.split(" ").explode().unique().sort().to_numpy()
    texts = [" ".join(rng.choice(words, 120)) for _ in range(N_ITEMS)]
    scores = (
        rng.random((N_ITEMS, told.height)) * (rng.random((N_ITEMS, told.height)) < 0.1)
    ).astype(np.float32)
    vectors = rng.standard_normal((N_ITEMS, WIDTH)).astype(np.float32)
    library = Library(items, {"v": told}, {"v": scores}, {"v": "generated"}, items.clear())
    return Service(library, Shelf(items, texts, told, scores), "v", {"a": lambda: Product(vectors)})


def serve(port: int) -> None:
    import uvicorn

    from recfeat_pipeline.serving.http import build_app

    service = generated()
    service.ask(["heist"])  # builds the index of words
    uvicorn.run(build_app(lambda: service), port=port, log_level="error")


def run() -> list[dict]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
    server.start()
    try:
        return [*asyncio.run(measure(f"http://127.0.0.1:{port}", server.pid or 0)), *retrieval()]
    finally:
        server.kill()
        server.join()


def retrieval(requests: int = 30) -> list[dict]:
    """The best 100 of large catalogues: an exact product, and beside it the index of cells.

    Vectors are generated like those of a trained arm: in bunches, and ever less spread out from the
    first number to the last; who asks took five items. A genre goes with the vectors.
    """
    rows = []
    for n_items, width in LARGE:
        rng = np.random.default_rng(0)
        spread = (np.arange(1, width + 1) ** -0.5).astype(np.float32)
        bunches = rng.standard_normal((3_000, width), np.float32) * spread
        of = rng.integers(0, len(bunches), n_items)
        vectors = bunches[of] + spread * rng.standard_normal((n_items, width), np.float32)
        wanted = [vectors[rng.choice(n_items, 5)].mean(0) for _ in range(requests)]
        start = time.process_time()
        cells = Cells(vectors)
        built = time.process_time() - start
        rules = {"": np.ones(n_items, bool), ", of a genre": bunches[of, 0] > 0.5}
        for rule, allowed in rules.items():
            taken, exact = timed(exactly(vectors, allowed), wanted)
            short, found = timed(lambda u, c=cells, a=allowed: c.best(u, 100, a)[0], wanted)
            recall = np.mean([np.isin(*both).mean() for both in zip(exact, found, strict=True)])
            about = f"{n_items:,} × {width}{rule}"
            rows += [
                {
                    "name": f"best 100 of {about}, exact",
                    "value": taken,
                    "unit": "CPU ms, p50",
                    "against": f"{allowed.sum():,} items, {vectors.nbytes / 1e6:,.0f} MB",
                },
                {
                    "name": f"best 100 of {about}, by cells ÷ exact",
                    "value": short / taken,
                    "unit": "ratio",
                    "against": f"{short:.1f} CPU ms, recall {recall:.3f}, built in {built:.0f} s",
                },
            ]
    return rows


def exactly(vectors: np.ndarray, allowed: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda user: largest(np.where(allowed, vectors @ user, -np.inf), 100)[0]


def timed(
    best: Callable[[np.ndarray], np.ndarray], wanted: Sequence[np.ndarray]
) -> tuple[float, list[np.ndarray]]:
    """Milliseconds of processor time at the median, and what was found."""
    times, found = [], []
    for user in wanted:
        start = time.process_time()
        found.append(best(user))
        times.append(1000 * (time.process_time() - start))
    return float(np.median(times)), found


async def measure(base: str, pid: int) -> list[dict]:
    rows = []
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        await until_it_answers(client)
        for rate in RATES:
            for name, (method, path, body) in REQUESTS.items():
                await client.request(method, path, json=body)  # what is loaded at the first call
                times = await at_rate(client, rate, method, path, body)
                p50, p95, p99 = (1000 * np.quantile(times, q) for q in (0.5, 0.95, 0.99))
                against = (
                    f"p95 {p95:.1f}, p99 {p99:.1f}; {len(times)} at {rate}/s, {N_ITEMS:,} items"
                )
                rows.append({"name": name, "value": p50, "unit": "ms, p50", "against": against})
    megabytes = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
    rows.append({"name": "memory of the server", "value": megabytes, "unit": "MB", "against": "–"})
    return rows


async def at_rate(
    client: httpx.AsyncClient, rate: int, method: str, path: str, body: dict | None
) -> list[float]:
    async def one(due: float) -> float:
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        response = await client.request(method, path, json=body)
        response.raise_for_status()
        return time.perf_counter() - due  # from when it was due, not from when it was sent

    start = time.perf_counter() + 0.1
    return await asyncio.gather(*(one(start + n / rate) for n in range(int(rate * SECONDS))))


async def until_it_answers(client: httpx.AsyncClient) -> None:
    for _ in range(600):
        try:
            await client.get("/health")
            return
        except httpx.TransportError:
            await asyncio.sleep(0.2)
    raise RuntimeError("the server did not start")
