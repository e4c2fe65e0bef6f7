"""A loopback server that speaks the OpenAI protocol and answers from recorded scores.

By hand: ``python -m recfeat_pipeline_tests.servers.openai_server --data ../shared/data``, then
``RECFEAT_LLM_BASE_URL=http://127.0.0.1:8901/v1 recfeat run …``: the real path, without a network.
It counts what it is asked (``GET /counts``), and fails as told (``--faults 429=0.02,nan=0.01``).
"""

import argparse
import asyncio
import hashlib
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recfeat_pipeline_tests.servers.async_http import AsyncServer, Call, Reply
from recfeat_pipeline_tests.servers.openai_answers import Knowledge, document_of, dumps, fill
from recfeat_pipeline_tests.servers.openai_batches import Batches
from recfeat_pipeline_tests.servers.openai_dialects import MANNERS, schema_of
from recfeat_pipeline_tests.servers.openai_faults import BODY, HTTP, error_reply

MODELS = ("gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o-mini", "loopback", "text-embedding-3-small")
CACHED_PREFIX = 1024  # tokens


@dataclass
class Asked:
    """One chat request, for a fault function to look at."""

    body: dict[str, Any]
    document: str
    group: str
    number: int  # of all chat requests, from 1
    times: int  # this document and group were asked, from 1


class OpenAIServer(AsyncServer):
    """Start with ``with``. ``base_url`` is what a client is given.

    Args:
        knowledge: whose scores it answers; None: stable hashes.
        condition: of the recorded ones, or "auto": by what the document shows.
        latency: seconds per chat request.
        api_key: the only one accepted; None: any, or none.
        dialect: whose manners it has, of :mod:`openai_dialects`.
        fault: names a fault of :mod:`openai_faults` ("hang", "drip" too), or None, per request.
        noise: greatest change of a score by seed and attempt, as a temperature would make it.
    """

    def __init__(
        self,
        knowledge: Knowledge | None = None,
        condition: str = "auto",
        latency: float = 0.0,
        api_key: str | None = None,
        dialect: str = "openai",
        fault: Callable[[Asked], str | None] | None = None,
        noise: float = 0.0,
        models: tuple[str, ...] = MODELS,
        port: int = 0,
    ):
        super().__init__(port)
        self.knowledge, self.condition, self.latency = knowledge or Knowledge(), condition, latency
        self.api_key, self.dialect, self.fault, self.noise = api_key, dialect, fault, noise
        self.models = models
        self.counts: Counter[str] = Counter()  # requests by kind, answered or not
        self.refused = 0  # calls that the dialect does not take
        self.groups: Counter[str] = Counter()  # chat requests by group
        self.answered: Counter[tuple[str, str]] = Counter()  # good answers by (document, group)
        self.arrived: Counter[tuple[str, str]] = Counter()  # chat requests by (document, group)
        self.bodies: list[dict[str, Any]] | None = None  # set to [] to keep every chat body
        self.most_at_once = self.under_way = 0
        self.batches = Batches(self.complete_in_batch)
        self._prefixes: set[str] = set()

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    async def reply(self, call: Call) -> Reply:
        kind = call.path.removeprefix("/v1/").split("/")[0]
        self.counts[kind] += 1
        if call.path == "/counts":
            return Reply({"counts": self.counts, "groups": self.groups})
        if self.api_key and call.headers.get("authorization") != f"Bearer {self.api_key}":
            # OpenAI echoes the key it was given; so does this.
            echoed = call.headers.get("authorization", "")
            return error_reply(401, "invalid_api_key", f"Incorrect API key provided: {echoed}")
        if call.path == "/v1/models":
            data = [
                {"id": m, "object": "model", "created": 0, "owned_by": "x"} for m in self.models
            ]
            return Reply({"object": "list", "data": data})
        if call.path == "/v1/embeddings":
            return self._embeddings(call.json())
        if call.path == "/v1/chat/completions" and call.method == "POST":
            return await self._chat(call)
        return self.batches.reply(call) or error_reply(404, "not_found", f"No {call.path}")

    async def _chat(self, call: Call) -> Reply:
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            body = call.json()
            if self.bodies is not None:
                self.bodies.append(body)
            if not body.get("messages"):
                return error_reply(400, "invalid_request_error", "messages is empty")
            asked = self._asked(body)
            self.arrived[asked.document, asked.group] += 1
            fault = self.fault(asked) if self.fault else None
            if self.latency:
                await asyncio.sleep(self.latency)
            if fault == "hang":
                await asyncio.sleep(30)
            if fault == "echo_key":
                return Reply(error_reply(400, "bad", f"Saw {dict(call.headers)}").body, 400)
            if fault in HTTP:
                return HTTP[fault]()
            status, completion = self.complete(body, asked)
            if status == 200 and fault in BODY:
                BODY[fault](completion)
            elif status == 200 and fault == "key_in_answer":
                completion["choices"][0]["message"]["content"] = call.headers["authorization"]
            elif status == 200:
                self.answered[asked.document, asked.group] += 1
            return Reply(completion, status, drip=0.05 if fault == "drip" else 0)
        finally:
            self.under_way -= 1

    def complete_in_batch(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        asked = self._asked(body)
        self.arrived[asked.document, asked.group] += 1
        fault = self.fault(asked) if self.fault else None
        if fault in HTTP:
            refused = HTTP[fault]()
            return refused.status, refused.body
        status, completion = self.complete(body, asked)
        if status == 200 and fault in BODY:
            BODY[fault](completion)
        elif status == 200:
            self.answered[asked.document, asked.group] += 1
        return status, completion

    def complete(self, body: dict[str, Any], asked: Asked) -> tuple[int, dict[str, Any]]:
        """A chat completion, or an error in the dialect's form."""
        if body.get("model") not in self.models:
            return self._error(404, f"The model `{body.get('model')}` does not exist")
        manners = MANNERS[self.dialect]
        if refusal := manners.refuses(body):
            self.refused += 1
            return refusal
        form, schema = schema_of(body) or ("none", {})
        scores = self.knowledge.scores(asked.document, self.condition)
        value = fill(schema, asked.document, scores) if form != "none" else {}
        recorded = self.knowledge.rankings.get((asked.document, body.get("seed")))
        if recorded is not None:
            value = {"ranking": recorded}
        if self.noise and isinstance(value, dict) and "scores" in value:
            self._disturb(value["scores"], f"{asked.document}{body.get('seed')}")
        content = dumps(value)
        if not manners.enforces and asked.times == 1 and _odd(asked.document):
            content = f"Here is the JSON:\n{content}"  # a schema that nobody enforced
        if form == "none" or (form == "json_schema" and form not in manners.forms):
            content = "A quiet film. I would give it 0.7 for melancholy."  # it saw no schema
        message: dict[str, Any] = {"role": "assistant", "content": content}
        if self.dialect == "openai":
            message["refusal"] = None
        completion = {
            "id": f"chatcmpl-{asked.number}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": self._usage(body, content),
        }
        manners.speaks(completion)
        return 200, completion

    def _asked(self, body: dict[str, Any]) -> Asked:
        document = document_of(body["messages"])
        named = body.get("response_format", {}).get("json_schema", {}).get("name")
        group = named or hashlib.sha256(dumps(body["messages"][0]).encode()).hexdigest()[:8]
        self.groups[group] += 1
        times = self.arrived[document, group] + 1
        return Asked(body, document, group, self.counts["chat"], times)

    def _usage(self, body: dict[str, Any], content: str) -> dict[str, Any]:
        prompt = sum(len(m["content"].encode("utf-8", "replace")) for m in body["messages"]) // 4
        usage: dict[str, Any] = {
            "prompt_tokens": prompt,
            "completion_tokens": len(content) // 4,
            "total_tokens": prompt + len(content) // 4,
        }
        if self.dialect == "openai":
            fixed = json.dumps([body["messages"][0], body.get("response_format")])
            seen = hashlib.sha256(fixed.encode()).hexdigest()
            long_enough = len(fixed) // 4 >= CACHED_PREFIX and seen in self._prefixes
            instructions = len(body["messages"][0]["content"].encode()) // 4
            cached = instructions // 128 * 128 if long_enough else 0  # the schema is not counted
            self._prefixes.add(seen)
            usage["prompt_tokens_details"] = {"cached_tokens": cached}
        return usage

    def _error(self, status: int, message: str) -> tuple[int, dict[str, Any]]:
        if self.dialect == "vllm":
            return status, {"object": "error", "message": message, "type": "E", "code": status}
        if self.dialect == "llama.cpp":
            return status, {"error": {"code": status, "message": message, "type": "not_found"}}
        return status, {"error": {"message": message, "type": "invalid_request_error"}}

    def _disturb(self, scores: dict[str, float], seed: str) -> None:
        rng = random.Random(seed)
        for dimension, score in scores.items():
            moved = score + rng.uniform(-self.noise, self.noise) if score else score
            scores[dimension] = round(min(max(moved, 0.0), 1.0), 3)

    def _embeddings(self, body: dict[str, Any]) -> Reply:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        data = []
        for i, text in enumerate(texts):
            rng = random.Random(text)
            vector = [rng.gauss(0, 1) for _ in range(body.get("dimensions", 64))]
            data.append({"object": "embedding", "index": i, "embedding": vector})
        tokens = sum(len(text) for text in texts) // 4
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        data.reverse()  # a client must go by the index
        return Reply({"object": "list", "data": data, "model": body["model"], "usage": usage})


def by_rate(rates: dict[str, float]) -> Callable[[Asked], str | None]:
    """Faults at random, the same for the same request asked the same number of times."""

    def fault(asked: Asked) -> str | None:
        rng = random.Random(f"{asked.document}{asked.group}{asked.times}")
        drawn = rng.random()
        for name, rate in rates.items():
            drawn -= rate
            if drawn < 0:
                return name
        return None

    return fault


def _odd(text: str) -> bool:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[0] % 4 == 0


def embedded_knowledge() -> Knowledge:
    """The embedded catalogue's truth."""
    from recfeat_pipeline.catalog import synthetic

    return Knowledge.of_truth(synthetic.generate().items, synthetic.truth())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of llm_scores_ml1m.parquet; else: truth")
    parser.add_argument("--empty", action="store_true", help="know nothing; answer by hash")
    parser.add_argument("--condition", default="auto")
    parser.add_argument("--port", type=int, default=8901)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds per call")
    parser.add_argument("--faults", default="", help="name=rate,name=rate")
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--dialect", default="openai", choices=sorted(MANNERS))
    given = parser.parse_args()
    rates = {name: float(rate) for name, rate in re.findall(r"([\w-]+)=([\d.]+)", given.faults)}
    if given.empty:
        knowledge = Knowledge()
    else:
        knowledge = Knowledge.recorded(given.data) if given.data else embedded_knowledge()
    OpenAIServer(
        knowledge,
        condition=given.condition,
        latency=given.latency,
        dialect=given.dialect,
        noise=given.noise,
        fault=by_rate(rates) if rates else None,
        port=given.port,
    ).serve_from_shell()


if __name__ == "__main__":
    main()
