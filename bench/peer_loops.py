"""One of our peers over the same calls; run by an interpreter that has it, and alone.

``python peer_loops.py NAME URL CALLS.json CONCURRENCY`` prints ``{"seconds", "cpu", "ok"}``: wall
clock from the first call to the last answer, the process's CPU in that time, valid answers. The
file holds ``{"model", "calls": [{"messages", "schema"}]}``. Peers keep their habits (checks,
caches, retries, logs); only addresses, concurrency and limits are set.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ |= {
    "OPENAI_API_KEY": "none",
    "TELEMETRY_ENABLED": "0",
    "CURATOR_DISABLE_RICH_DISPLAY": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}


def litellm(url: str, model: str, calls: list[dict[str, Any]], concurrency: int) -> int:
    import litellm as library

    async def ask(call: dict[str, Any]) -> None:
        answer = await library.acompletion(
            model=f"openai/{model}", api_base=url, api_key="none", messages=call["messages"],
            response_format=_strict(call), num_retries=0,
        )  # fmt: skip
        json.loads(answer.choices[0].message.content)

    return asyncio.run(_crowd(ask, calls, concurrency))


def instructor(url: str, model: str, calls: list[dict[str, Any]], concurrency: int) -> int:
    import instructor as library
    import openai

    kinds = _models(calls)

    async def all_of_them() -> int:
        client = library.from_openai(
            openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0),
            mode=library.Mode.JSON_SCHEMA,
        )

        async def ask(call: dict[str, Any]) -> None:
            await client.chat.completions.create(
                model=model, messages=call["messages"], response_model=kinds[_name(call)],
                max_retries=0,
            )  # fmt: skip

        return await _crowd(ask, calls, concurrency)

    return asyncio.run(all_of_them())


def curator(url: str, model: str, calls: list[dict[str, Any]], concurrency: int) -> int:
    from bespokelabs import curator as library

    _count_without_network()
    many = 10**8
    kind = next(iter(_models(calls[:1]).values()))  # it takes one schema for all

    class Scorer(library.LLM):
        def prompt(self, row: dict[str, Any]) -> list[dict[str, str]]:
            return row["messages"]

        def parse(self, row: dict[str, Any], answer: Any) -> dict[str, Any]:
            return {"title": answer.title}

    scorer = Scorer(
        model_name="gpt-4o-mini",  # of its list of models that keep to schemas
        backend="openai",
        response_format=kind,
        backend_params={
            "base_url": url, "max_concurrent_requests": concurrency, "max_retries": 0,
            "max_requests_per_minute": many, "max_tokens_per_minute": many,
        },
    )  # fmt: skip
    same = [{"messages": call["messages"]} for call in calls if _name(call) == _name(calls[0])]
    done = scorer(same)
    return len(getattr(done, "dataset", done))


def _count_without_network() -> None:
    """tiktoken downloads its vocabularies; where it cannot, bpe-openai, which has them, counts."""
    import tiktoken

    try:
        tiktoken.get_encoding("cl100k_base")
    except OSError:
        import bpe_openai

        class Encoding:
            def __init__(self, name: str = "cl100k_base"):
                self._bpe = bpe_openai.get_encoding(name)

            def encode(self, text: str, **_: Any) -> list[int]:
                return self._bpe.encode_ordinary(text)

        tiktoken.get_encoding = Encoding
        tiktoken.encoding_for_model = lambda model: Encoding()


async def _crowd(ask: Any, calls: list[dict[str, Any]], concurrency: int) -> int:
    queue, ok = iter(calls), 0

    async def work() -> None:
        nonlocal ok
        for call in queue:
            await ask(call)
            ok += 1

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return ok


def _strict(call: dict[str, Any]) -> dict[str, Any]:
    named = {"name": _name(call), "schema": call["schema"], "strict": True}
    return {"type": "json_schema", "json_schema": named}


def _name(call: dict[str, Any]) -> str:
    return call["group"]


def _models(calls: list[dict[str, Any]]) -> dict[str, Any]:
    """The schemas as pydantic models, which these two ask for."""
    from pydantic import ConfigDict, create_model

    strict = ConfigDict(extra="forbid")

    made: dict[str, Any] = {}
    for call in calls:
        if _name(call) not in made:
            dimensions = call["schema"]["properties"]["scores"]["properties"]
            fields: Any = dict.fromkeys(dimensions, (float, ...))
            scores: Any = create_model("Scores", __config__=strict, **fields)
            made[_name(call)] = create_model(
                "Answer", __config__=strict, title=(str, ...), scores=(scores, ...)
            )
    return made


def main(name: str, url: str, file: str, concurrency: str) -> None:
    given = json.loads(Path(file).read_text())
    peer = {"litellm": litellm, "instructor": instructor, "curator": curator}[name]
    __import__({"curator": "bespokelabs.curator"}.get(name, name))  # loading is not counted
    started, cpu = time.perf_counter(), time.process_time()
    ok = peer(url, given["model"], given["calls"], int(concurrency))
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "ok": ok}))


if __name__ == "__main__":
    main(*sys.argv[1:])
