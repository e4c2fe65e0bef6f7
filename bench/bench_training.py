"""Training against its own arithmetic, and rollback examples against reading and sorting.

CPU seconds on every core, so that a busy machine does not show; the published corpus' shapes. Only
what several processes at once gain is a matter of the clock: run that on a quiet machine.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch.nn import functional

from recfeat_pipeline import machine
from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.examples import build_examples
from recfeat_pipeline.models.families import published
from recfeat_pipeline.models.item_models import (
    CONTENT_WEIGHT,
    ItemItem,
    ease,
    ease_with_content,
    gram,
)
from recfeat_pipeline.models.reading import Reading
from recfeat_pipeline.models.recipe import Recipe
from recfeat_pipeline.models.tower import HIDDEN_WIDTH, ID_WIDTH, VECTOR_WIDTH, TwoTower
from recfeat_pipeline.schemas import EVENTS, ITEMS

N_ITEMS, KEPT, LARGE, BATCH = 9_375, 12_101, 100_000, 512
WIDTHS = {"floor (C′)": 0, "curated (A′)": 1_128, "LLM (B′)": 132}
STEPS = 160_000


def run() -> list[dict]:
    return [*_steps(), *_kept(), *_counted(), *_parallel(), *_rollback()]


def cpu_seconds(*works: Callable[[], object], repeats: int = 7) -> list[float]:
    """The least CPU time of each, taken in turns so that a busy moment meets all alike."""
    times: list[list[float]] = [[] for _ in works]
    for work in works:
        work()
    for _ in range(repeats):
        for work, spent in zip(works, times, strict=True):
            start = time.process_time()
            work()
            spent.append(time.process_time() - start)
    return [min(spent) for spent in times]


def _steps() -> list[dict]:
    rows = []
    for name, width in WIDTHS.items():
        step, floor = cpu_seconds(_step(width), _arithmetic(width))
        rows += [
            {
                "name": f"training step ÷ its matrix products, {name}",
                "value": step / floor,
                "unit": "×",
                "against": f"{1e3 * floor:.0f} CPU ms of bare products, N = {N_ITEMS:,}",
            },
            {
                "name": f"{STEPS:,} steps, {name}",
                "value": step * STEPS / 3600,
                "unit": "CPU hours",
                "against": f"{1e3 * step:.0f} CPU ms a step of {BATCH}",
            },
        ]
    factored, unfactored = cpu_seconds(_step(1_128), _step(1_128, unfactored=True), repeats=3)
    eager, compiled = cpu_seconds(_step(132), _step(132, compiled=True))
    full, sampled = cpu_seconds(_step(132), _step(132, negatives=1_024))
    large, by_default = cpu_seconds(
        _step(132, negatives=0, n_items=LARGE), _step(132, n_items=LARGE), repeats=2
    )
    return [
        *rows,
        {
            "name": "content step, factored ÷ unfactored",
            "value": factored / unfactored,
            "unit": "×",
            "against": f"pooling 1,128 columns before projecting them, {1e3 * unfactored:.0f} ms",
        },
        {
            "name": "step with torch.compile ÷ eager, on CPU",
            "value": compiled / eager,
            "unit": "×",
            "against": f"{1e3 * eager:.0f} CPU ms, LLM arm",
        },
        {
            "name": "step with 1,024 sampled negatives ÷ full softmax",
            "value": sampled / full,
            "unit": "×",
            "against": f"{1e3 * full:.0f} CPU ms, LLM arm",
        },
        {
            "name": f"step over {LARGE:,} items, sampled as by default ÷ full softmax",
            "value": by_default / large,
            "unit": "×",
            "against": f"{large:.1f} CPU s, LLM arm",
        },
    ]


class _Unfactored(TwoTower):
    """Gathers and pools the content rows at their full width, and then projects."""

    def user_vectors(self, context):
        history, weights = context.history, context.weights
        rows = functional.pad(self.content, (0, 0, 0, 1))[history]  # [B, L, D]
        mass = weights.abs().sum(1, keepdim=True).clamp(min=1e-6)
        pooled = torch.einsum("bl,bld->bd", weights / mass, rows)
        slots = [self.user_norm[0](self._pools(context)[0])]
        slots.append(functional.relu(self.user_content(pooled)))
        return functional.normalize(self.user_head(torch.cat(slots, 1)), dim=1)


def _step(
    width: int,
    negatives: int | None = None,
    unfactored: bool = False,
    n_items: int = N_ITEMS,
    compiled: bool = False,
) -> Callable[[], object]:
    matrix = np.random.default_rng(0).random((n_items, width), np.float32)
    recipe = Recipe(published.Settings(negatives=negatives), steps=10)
    module = published.build(
        _data(_events(400, 60, n_items), n_items), Content(matrix, (), 1.0), recipe
    )
    if unfactored:
        module.tower.__class__ = _Unfactored
    for name in ("user_vectors", "item_vectors") if compiled else ():
        setattr(module.tower, name, torch.compile(getattr(module.tower, name)))
    optimizer = module.configure_optimizers()["optimizer"]
    batch = torch.arange(BATCH)

    def step() -> None:
        optimizer.zero_grad()
        module.training_step(batch).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()

    return step


def _data(events: pl.DataFrame, n_items: int) -> Data:
    items = pl.DataFrame({"item_id": range(n_items)}, schema={"item_id": pl.Int64})
    items = items.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in ITEMS.items() if name != "item_id"
    ).with_columns(in_corpus=True, item_index=pl.col("item_id").cast(pl.Int32))
    return Data(events, build_examples(events), items)


def _arithmetic(width: int) -> Callable[[], object]:
    """The matrix products of a step, forward and backward, into buffers that are there."""
    tower = ID_WIDTH * (2 if width else 1)
    shapes = [
        (N_ITEMS, tower, HIDDEN_WIDTH),
        (N_ITEMS, HIDDEN_WIDTH, VECTOR_WIDTH),
        (N_ITEMS, ID_WIDTH, ID_WIDTH),
        (BATCH, tower, HIDDEN_WIDTH),
        (BATCH, HIDDEN_WIDTH, VECTOR_WIDTH),
        (BATCH, VECTOR_WIDTH, N_ITEMS),
    ]
    operands = [(torch.rand(m, k), torch.rand(k, n), torch.rand(m, n), k) for m, k, n in shapes]
    content = torch.rand(N_ITEMS, width)
    projection, pooled = torch.rand(width, ID_WIDTH), torch.rand(N_ITEMS, ID_WIDTH)

    def products() -> None:
        for left, right, out, _ in operands:
            torch.mm(left, right, out=out)
            torch.mm(out, right.T)  # gradient of the left side
            torch.mm(left.T, out)  # of the right side
        if width:
            for _ in range(2):  # one slot a tower; the content itself takes no gradient
                torch.mm(content, projection, out=pooled)
                torch.mm(content.T, pooled)

    return products


def _kept() -> list[dict]:
    """A step whose logits are tens of megabytes, with and without the system clearing them."""
    step = _step(132, n_items=KEPT)

    def kept() -> None:
        with machine.memory_kept():
            for _ in range(4):
                step()

    def fresh() -> None:
        for _ in range(4):
            step()

    with_kept, without = cpu_seconds(kept, fresh, repeats=4)
    return [
        {
            "name": f"step over {KEPT:,} items, freed memory kept ÷ given back",
            "value": with_kept / without,
            "unit": "×",
            "against": f"{250 * without:.0f} CPU ms, LLM arm, full softmax",
        }
    ]


def _counted() -> list[dict]:
    """Ranks by a solved item-item matrix, as the solver leaves it and row by row."""
    data = _data(_events(400, 60, N_ITEMS // 4), N_ITEMS // 4)
    solved = ease(gram(data.train), 300.0)
    as_solved, by_rows = ItemItem(solved, Reading(), {}), ItemItem(solved, Reading(), {})
    as_solved.weights = solved
    held = data.held_out("test", 2_000)
    ours, naive = cpu_seconds(lambda: held.rank(by_rows), lambda: held.rank(as_solved), repeats=3)
    return [
        {
            "name": f"EASE's ranks, weights by row ÷ as solved, N = {N_ITEMS // 4:,}",
            "value": ours / naive,
            "unit": "×",
            "against": f"{naive:.2f} CPU s for {len(held.targets):,} examples",
        },
        _content_of_ease(),
    ]


def _content_of_ease() -> dict:
    """The seven weights of content that EASE tries, from one inverse or each solved anew."""
    n_items = N_ITEMS // 4
    similarity = gram(_data(_events(400, 60, n_items), n_items).train)
    rows = torch.rand(n_items, 132, generator=torch.Generator().manual_seed(0))

    def at_once() -> None:
        weighed = ease_with_content(similarity, 300.0, rows)
        for weight in CONTENT_WEIGHT:
            weighed(weight)

    def anew() -> None:
        for weight in CONTENT_WEIGHT:
            ease(similarity + weight * rows @ rows.T, 300.0)

    ours, naive = cpu_seconds(at_once, anew, repeats=2)
    return {
        "name": f"EASE with content, {len(CONTENT_WEIGHT)} weights from one inverse ÷ solved anew, "
        f"N = {n_items:,}, 132 columns",
        "value": ours / naive,
        "unit": "×",
        "against": f"{naive:.1f} CPU s",
    }


def _parallel() -> list[dict]:
    """Models side by side, a core each, as `recfeat run --workers` trains them, or one on all."""
    cores, rows = machine.cores(), []
    for n_items in (1_420, N_ITEMS):
        alone, together = 0.0, 0.0
        for _ in range(3):  # in turns
            alone += sum(_steps_a_second(n_items, 1, cores)) / 3
            together += sum(_steps_a_second(n_items, cores, 1)) / 3
        rows.append(
            {
                "name": f"{cores} models at once, a core each ÷ one on {cores} cores, "
                f"N = {n_items:,}",
                "value": together / alone,
                "unit": "× steps/s",
                "against": f"{alone:.1f} steps/s, LLM arm; {together:.1f} together",
            }
        )
    return rows


def _steps_a_second(n_items: int, processes: int, threads: int) -> list[float]:
    code = f"from bench.bench_training import clocked; clocked({n_items}, {threads})"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(processes)
    ]
    for process in children:
        assert process.stdout
        process.stdout.readline()  # it is ready
    for process in children:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return [float(process.communicate()[0]) for process in children]


def clocked(n_items: int, threads: int, seconds: float = 8.0) -> None:
    torch.set_num_threads(threads)
    step, done = _step(132, n_items=n_items), 0
    for _ in range(5):
        step()
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        done += 1
    print(done / (time.perf_counter() - start))


def _rollback() -> list[dict]:
    """Each in a process of its own, for its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        _events(200_000, 160, 87_000).write_parquet(path)
        sort, examples = (_child(task, path) for task in ("sort", "examples"))
    n_events = f"{200_000 * 160:,} events, 200,000 users, 87,000 items"
    return [
        {
            "name": "rollback examples ÷ sorting the events",
            "value": examples[0] / sort[0],
            "unit": "×",
            "against": f"{n_events}; sorting {sort[0]:.1f} CPU s",
        },
        {
            "name": "rollback examples",
            "value": examples[0],
            "unit": "CPU s",
            "against": n_events,
        },
        {
            "name": "rollback examples, peak memory",
            "value": examples[1],
            "unit": "GB",
            "against": f"{examples[2]:.1f} GB once the events are read; sorting {sort[1]:.1f} GB",
        },
    ]


def _child(task: str, path: Path) -> tuple[float, float, float]:
    code = f"from bench.bench_training import child; child({task!r}, {str(path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, peak, before = map(float, done.stdout.split())
    return seconds, peak, before


def child(task: str, path: str) -> None:
    events = pl.read_parquet(path)
    before, start = _peak(), time.process_time()
    if task == "sort":
        events.sort("user_id", "timestamp", "item_index")
    else:
        build_examples(events)
    print(time.process_time() - start, _peak(), before)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def _events(n_users: int, per_user: int, n_items: int = N_ITEMS) -> pl.DataFrame:
    """Users with equally long histories, items with a popularity skew; sorted."""
    rng = np.random.default_rng(0)
    n = n_users * per_user
    return pl.DataFrame(
        {
            "user_id": np.repeat(np.arange(n_users), per_user),
            "item_index": (rng.random(n) ** 3 * n_items).astype(np.int32),
            "rating": rng.integers(1, 11, n).astype(np.float32) / 2,
            "timestamp": np.sort(rng.integers(8e8, 1.7e9, (n_users, per_user)), axis=1).ravel(),
            "split": np.repeat(np.where(rng.random(n_users) < 0.9, "train", "test"), per_user),
            "position": np.tile(np.arange(per_user, dtype=np.int32), n_users),
        }
    ).select(list(EVENTS))
