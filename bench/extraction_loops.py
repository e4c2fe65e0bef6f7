"""The same calls three ways: by the engine, by the openai SDK alone, by bare sockets.

Each loop returns when its calls ended (seconds, one per call) and the CPU seconds it took.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable

import polars as pl

from recfeat_pipeline.extraction import Limits, PromptVersion, extract_many
from recfeat_pipeline.extraction.backends.online import OnlineBackend
from recfeat_pipeline.extraction.dialect import Dialect
from recfeat_pipeline.extraction.requests import build, keyed
from recfeat_pipeline.lake import Lake

Ended = tuple[list[float], float]
Loop = Callable[[PromptVersion, pl.DataFrame, str, int], Ended]


def engine(version: PromptVersion, frame: pl.DataFrame, url: str, concurrency: int) -> Ended:
    """An extraction into an empty lake: keys, ledger, checks and all."""
    ended: list[float] = []
    limits = Limits(concurrency=concurrency)
    with tempfile.TemporaryDirectory() as folder:
        backend = OnlineBackend(version.model, url, None, limits)
        cpu = time.process_time()
        done = extract_many(
            ["00"], lambda _: frame, version, Lake(folder), backend,
            limits=limits, progress=lambda done, total: ended.append(time.perf_counter()),
        )  # fmt: skip
        cpu = time.process_time() - cpu
    assert done["00"].ok == frame.height * len(version.groups), done
    return ended[-done["00"].ok :], cpu  # the first report comes before the first call


def bare_sdk(version: PromptVersion, frame: pl.DataFrame, url: str, concurrency: int) -> Ended:
    """The SDK alone: no ledger, no keys, no checks."""
    import openai

    bodies = _bodies(version, frame)

    async def ask_all(ended: list[float]) -> None:
        async def worker() -> None:
            for body in bodies:
                completion = await client.chat.completions.create(**body)
                json.loads(completion.choices[0].message.content or "")
                ended.append(time.perf_counter())

        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            await asyncio.gather(*(worker() for _ in range(concurrency)))

    return _timed(ask_all)


def floor(version: PromptVersion, frame: pl.DataFrame, url: str, concurrency: int) -> Ended:
    """Requests made beforehand, over plain sockets, the answers unread: what the machine allows."""
    host, port = url.removeprefix("http://").partition("/")[0].split(":")
    made = (json.dumps(body).encode() for body in _bodies(version, frame))
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: floor\r\nContent-Length: {}\r\n\r\n"
    requests = iter([head.format(len(body)).encode() + body for body in made])

    async def ask_all(ended: list[float]) -> None:
        async def worker() -> None:
            reader, writer = await asyncio.open_connection(host, int(port))
            for request in requests:
                writer.write(request)
                reply = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(reply.rpartition(b"content-length:")[2]))
                ended.append(time.perf_counter())
            writer.close()

        await asyncio.gather(*(worker() for _ in range(concurrency)))

    return _timed(ask_all)


def _bodies(version: PromptVersion, frame: pl.DataFrame):
    calls = build(frame, keyed(frame, version, version.model), version, version.model)
    return iter([Dialect().body(call) for call in calls])


def _timed(ask_all: Callable[[list[float]], Awaitable[None]]) -> Ended:
    ended: list[float] = []
    cpu = time.process_time()
    asyncio.run(ask_all(ended))  # type: ignore[arg-type]
    return ended, time.process_time() - cpu
