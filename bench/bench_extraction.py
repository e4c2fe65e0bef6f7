"""The extraction engine against the loopback server: throughput, CPU, the cost of knowing.

The server runs in a process of its own, so that its work is not the client's.
"""

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import polars as pl

from bench.extraction_loops import Loop, bare_sdk, engine, floor
from recfeat_pipeline.extraction import PromptVersion, extract_many, load_version
from recfeat_pipeline.extraction.backends.online import OnlineBackend
from recfeat_pipeline.extraction.journal import responses_frame
from recfeat_pipeline.extraction.requests import build, keyed
from recfeat_pipeline.extraction.rows import response_row
from recfeat_pipeline.extraction.types import Usage
from recfeat_pipeline.lake import Lake, shard_names
from recfeat_pipeline.schemas import DOCUMENTS
from recfeat_pipeline_tests.servers.openai_server import OpenAIServer

CONCURRENCY, LATENCY = 64, 0.2
ROUNDS = 30  # calls of each place in flight
TURNS = ((16, 1), (64, 3), (256, 1))  # in flight, and how often each loop has its turn
PRICED = 50  # items
CACHED = (9_375, 1_000_000)  # items
TEXT = "".join(f"word{i * i % 997} " for i in range(1200))
N_CHARS = 2_300  # of a real document, on average


def run() -> list[dict]:
    version = load_version("genome132-v1")
    return [
        *_throughput(version),
        *_cpu(version),
        *_tokens(),
        *(row for n_items in CACHED for row in _cached(n_items, 16)),
    ]


def documents(first: int, n: int) -> pl.DataFrame:
    """Documents of a real size, made without a loop."""
    ids = pl.int_range(first, first + n, eager=True)
    titled = pl.DataFrame({"item_id": ids}).with_columns(
        title=pl.format("Film {} (1999)", "item_id"),
        plot=pl.lit(TEXT).str.slice(pl.col("item_id") % 3_000, N_CHARS),
    )
    texts = titled.with_columns(text=pl.format("Title: {}\nPlot: {}", "title", "plot"))
    plot = pl.struct(label=pl.lit("Plot"), source=pl.lit("catalogue"), text="plot")
    return texts.select(
        "item_id",
        "title",
        "text",
        content_hash=pl.col("text").hash().cast(pl.String),
        n_chars=pl.col("text").str.len_chars().cast(pl.Int32),
        fields=pl.concat_list(plot),
    ).cast(DOCUMENTS)


def _throughput(version: PromptVersion) -> list[dict]:
    """The share of what concurrency and latency allow, once the connections are open.

    The machine is shared, and the server needs CPU as well: bare sockets beside the engine say what
    the machine allowed in that minute, so engine ÷ floor is the engine's own part.
    """
    rows = []
    for concurrency, turns in TURNS:
        with server(LATENCY) as url:
            found = _in_turns((engine, bare_sdk, floor), turns, version, url, concurrency)
        against = f"{concurrency} in flight, {LATENCY * 1e3:.0f} ms, load {os.getloadavg()[0]:.1f}"
        rates = {loop: median(rate for rate, _ in of_loop) for loop, of_loop in found.items()}
        rows += [
            {"name": f"throughput, {name}", "value": value, "unit": unit, "against": against}
            for name, value, unit in (
                ("engine", rates[engine], "of ideal"),
                ("bare SDK", rates[bare_sdk], "of ideal"),
                ("bare sockets (floor)", rates[floor], "of ideal"),
                ("engine ÷ floor", rates[engine] / rates[floor], "×"),
                ("engine ÷ bare SDK", rates[engine] / rates[bare_sdk], "×"),
            )
        ]
    return rows


def _cpu(version: PromptVersion) -> list[dict]:
    """CPU per call, the best of three turns; the server's is what it takes from the client."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with server(0.02) as url:
        found = _in_turns((engine, bare_sdk), 3, version, url, CONCURRENCY)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    served = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    ours, bare = (min(cpu for _, cpu in found[loop]) for loop in (engine, bare_sdk))
    calls = 6 * CONCURRENCY * ROUNDS
    return [
        {"name": "CPU per call", "value": ours * 1e3, "unit": "ms", "against": "the engine"},
        {"name": "CPU per call", "value": bare * 1e3, "unit": "ms", "against": "bare SDK"},
        {"name": "CPU per call", "value": ours / bare, "unit": "×", "against": "bare SDK"},
        {"name": "CPU per call", "value": served / calls * 1e3, "unit": "ms", "against": "server"},
    ]


WAYS = (
    ("genome132-v1", 0.0),
    ("genome132-worked-example", 0.0),
    ("genome132-two-calls", 0.0),
    ("genome132-one-call", 0.0),
    ("genome132-cascade", 0.1),
    ("genome132-cascade", 0.15),
    ("genome132-cascade", 0.3),
)
"""Prompt versions, and how far the loopback model changes its mind from seed to seed."""


def _tokens() -> list[dict]:
    """What an item costs asked in several ways, by the loopback server's counts.

    Its prefix cache is OpenAI's: identical prefixes of 1,024 tokens or more, in steps of 128.
    """
    rows, dearest = [], None
    for name, noise in WAYS:
        version, items = load_version(name), documents(1, PRICED)
        with tempfile.TemporaryDirectory() as folder, OpenAIServer(noise=noise) as server:
            lake, backend = Lake(folder), OnlineBackend(version.model, server.base_url, None)
            done = extract_many(["00"], lambda _, items=items: items, version, lake, backend)
            models = lake.read("responses")["model"]
        took = done["00"]
        assert took.failed == 0, took
        each = took.cost_usd / items.height
        dearest = dearest or each
        against = (
            f"{took.usage.prompt / items.height:,.0f} tokens in, "
            f"{took.usage.cached / took.usage.prompt:.0%} cached, "
            f"{took.usage.completion / items.height:,.0f} out, ÷ genome132-v1"
        )
        if version.cascade:
            dear = (models == version.model).sum() / (len(version.groups) * items.height)
            against += f"; {version.model} for {dear:.0%} of the calls, scores ± {noise:g}"
        value = each / dearest
        rows.append({"name": f"dollars, {name}", "value": value, "unit": "×", "against": against})
    return rows


def _in_turns(
    loops: tuple[Loop, ...], turns: int, version: PromptVersion, url: str, concurrency: int
) -> dict[Loop, list[tuple[float, float]]]:
    """Per loop and turn: throughput ÷ ideal in the steady state, and CPU seconds per call."""
    n_calls = concurrency * ROUNDS // len(version.groups) * len(version.groups)
    frame = documents(1, n_calls // len(version.groups))
    found: dict[Loop, list[tuple[float, float]]] = {loop: [] for loop in loops}
    for _ in range(turns):
        for loop in loops:
            ended, cpu = loop(version, frame, url, concurrency)
            first, last = 4 * concurrency, n_calls - concurrency  # neither start-up nor the tail
            ideal = (last - first) / concurrency * LATENCY
            found[loop].append((ideal / (ended[last] - ended[first]), cpu / n_calls))
    return found


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
        lake.write("documents", frame, shard=shard)
        calls = keyed(frame, version, version.model)
        request = next(build(frame.head(1), calls.head(1), version, version.model))
        one = response_row(request, "online", "{}", "ok", None, 1, Usage(900, 0, 200), 0.001, 900.0)
        rows = responses_frame([one]).drop("cache_key", "group")
        names = pl.col("group").replace_strict(
            dict(enumerate(version.groups)), return_dtype=pl.String
        )
        wide = calls.select("cache_key", names).join(rows, how="cross")
        for part in wide.iter_slices(100_000):
            lake.append("responses", part, shard=shard)


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
def server(latency: float):
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
