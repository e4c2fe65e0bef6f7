"""The extraction engine against the loopback server: throughput, CPU, the cost of knowing.

The server runs in a process of its own, so that its work is not the client's.
"""

import asyncio
import json
import resource
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from recfeat_pipeline.extraction import Limits, PromptVersion, extract_many, load_version
from recfeat_pipeline.extraction.backends.online import OnlineBackend
from recfeat_pipeline.extraction.backends.wire import request_body
from recfeat_pipeline.extraction.ledger import responses_frame
from recfeat_pipeline.extraction.requests import build, keyed
from recfeat_pipeline.extraction.rows import response_row
from recfeat_pipeline.extraction.types import Usage
from recfeat_pipeline.lake import Lake, shard_names

CONCURRENCY, LATENCY = 64, 0.2
N_CALLS = 64 * 60  # a minute's work at 64 in flight and one second each
TEXT = "".join(f"word{i * i % 997} " for i in range(1200))
N_CHARS = 2_300  # of a real document, on average


def run() -> list[dict]:
    version = load_version("genome132-v1")
    return [*_throughput(version), *_cpu(version), *_cached(9_375, 16), *_cached(1_000_000, 16)]


def documents(first: int, n: int) -> pl.DataFrame:
    """Documents of a real size, made without a loop."""
    ids = pl.int_range(first, first + n, eager=True)
    return pl.DataFrame({"item_id": ids}).select(
        "item_id",
        title=pl.format("Film {} (1999)", "item_id"),
        text=pl.format(
            "Title: Film {} (1999)\nPlot: {}",
            "item_id",
            pl.lit(TEXT).str.slice(pl.col("item_id") % 3_000, N_CHARS),
        ),
    )


def _throughput(version: PromptVersion) -> list[dict]:
    """A busy machine slows both; the bare loop beside it tells whether the engine is to blame."""
    with _server(LATENCY) as url:
        seconds, _ = _engine(version, url, N_CALLS)
        bare, _ = _bare(version, url, N_CALLS)
    ideal = N_CALLS / CONCURRENCY * LATENCY
    against = f"{CONCURRENCY} in flight at {LATENCY * 1e3:.0f} ms, {N_CALLS:,} calls"
    return [
        {"name": "throughput", "value": ideal / seconds, "unit": "of ideal", "against": against},
        {"name": "throughput", "value": bare / seconds, "unit": "×", "against": "a bare SDK loop"},
    ]


def _cpu(version: PromptVersion) -> list[dict]:
    """The best of three of each, in turn: the machine is shared."""
    ours, bare = [], []
    with _server(0.02) as url:
        for _ in range(3):
            ours.append(_engine(version, url, N_CALLS)[1] / N_CALLS)
            bare.append(_bare(version, url, N_CALLS)[1] / N_CALLS)
    ratio = min(ours) / min(bare)
    return [
        {"name": "CPU per call", "value": min(ours) * 1e3, "unit": "ms", "against": "the engine"},
        {"name": "CPU per call", "value": min(bare) * 1e3, "unit": "ms", "against": "bare SDK"},
        {"name": "CPU per call", "value": ratio, "unit": "×", "against": "a bare openai-SDK loop"},
    ]


def _engine(version: PromptVersion, url: str, n_calls: int) -> tuple[float, float]:
    """Wall and CPU seconds of an extraction into an empty lake."""
    frame = documents(1, n_calls // len(version.groups))
    limits = Limits(concurrency=CONCURRENCY)
    with tempfile.TemporaryDirectory() as folder:
        backend = OnlineBackend(version.model, url, None, limits)
        wall, cpu = time.perf_counter(), time.process_time()
        done = extract_many(["00"], lambda _: frame, version, Lake(folder), backend, limits=limits)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert done["00"].ok == n_calls, done
    return wall, cpu


def _bare(version: PromptVersion, url: str, n_calls: int) -> tuple[float, float]:
    """Wall and CPU seconds of the same calls by the SDK alone: no ledger, no keys, no checks."""
    import openai

    frame = documents(1, n_calls // len(version.groups))
    calls = build(frame, keyed(frame, version, version.model), version, version.model)
    bodies = iter([request_body(call) for call in calls])

    async def worker(client: openai.AsyncOpenAI) -> None:
        for body in bodies:
            completion = await client.chat.completions.create(**body)
            json.loads(completion.choices[0].message.content or "")

    async def loop() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            await asyncio.gather(*(worker(client) for _ in range(CONCURRENCY)))

    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(loop())
    return time.perf_counter() - wall, time.process_time() - cpu


def _cached(n_items: int, n_shards: int) -> list[dict]:
    """A process that finds every call answered: its time and its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        for command in ("fill", "decide"):
            arguments = [
                sys.executable,
                "-m",
                __name__,
                command,
                folder,
                str(n_items),
                str(n_shards),
            ]
            out = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout
    found = json.loads(out)
    against = f"{n_items:,} items × 6 groups"
    return [
        {"name": "all cached", "value": found["seconds"], "unit": "s", "against": against},
        {"name": "all cached, CPU", "value": found["cpu"], "unit": "s", "against": against},
        {"name": "all cached, peak", "value": found["peak_mb"], "unit": "MB", "against": against},
    ]


def _fill(folder: str, n_items: int, n_shards: int) -> None:
    """A lake whose ledger answers every call of its documents."""
    lake, version = Lake(folder), load_version("genome132-v1")
    for shard, first, n in _parts(n_items, n_shards):
        frame = documents(first, n)
        lake.write_parquet(f"documents/shard={shard}/documents.parquet", frame)
        calls = keyed(frame, version, version.model)
        request = next(build(frame.head(1), calls.head(1), version, version.model))
        one = response_row(request, "online", "{}", "ok", None, 1, Usage(900, 0, 200), 0.001, 900.0)
        rows = responses_frame([one]).drop("cache_key", "group")
        wide = calls.select("cache_key", "group").join(rows, how="cross")
        for part in wide.iter_slices(100_000):
            lake.append_segment(f"responses/shard={shard}", part)


def _decide(folder: str, n_items: int, n_shards: int) -> None:
    lake, version = Lake(folder), load_version("genome132-v1")
    started, cpu = time.perf_counter(), time.process_time()
    done = extract_many(
        [shard for shard, *_ in _parts(n_items, n_shards)],
        lambda shard: pl.read_parquet(lake.path(f"documents/shard={shard}/documents.parquet")),
        version,
        lake,
        OnlineBackend(version.model, "http://127.0.0.1:9/v1", None),
    )
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert sum(s.cached for s in done.values()) == n_items * len(version.groups)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": peak}))


def _parts(n_items: int, n_shards: int) -> list[tuple[str, int, int]]:
    size = -(-n_items // n_shards)
    return [
        (shard, i * size + 1, min(size, n_items - i * size))
        for i, shard in enumerate(shard_names(n_shards))
    ]


@contextmanager
def _server(latency: float):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    module = "recfeat_pipeline_tests.servers.openai_server"
    arguments = ["--port", str(port), "--latency", str(latency), "--empty"]
    root = Path(__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True, cwd=root
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it is up
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    {"fill": _fill, "decide": _decide}[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
