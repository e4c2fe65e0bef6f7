"""Small documents, a small version, and backends that do as told."""

import asyncio
from collections import Counter

import polars as pl

from recfeat_pipeline.extraction import load_version
from recfeat_pipeline.extraction.types import Answer, Usage
from recfeat_pipeline.text.documents import build_documents
from recfeat_pipeline_tests.servers.openai_answers import dumps, fill


def documents(n=3, first=1, text="A quiet film about number {i}."):
    ids = list(range(first, first + n))
    items = pl.DataFrame({"item_id": ids, "title": [f"Film {i} ({1950 + i % 50})" for i in ids]})
    fields = pl.DataFrame(
        {
            "item_id": ids,
            "source": "catalog",
            "label": "Overview",
            "position": pl.Series([0] * n, dtype=pl.Int32),
            "text": [text.format(i=i) for i in ids],
        }
    )
    return build_documents(items, fields)


def write_version(folder, name="small", extends="genome132-v1", extra="", **files):
    """A version folder that extends a built-in one; ``files`` are texts by path."""
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    (target / "version.toml").write_text(f'name = "{name}"\nextends = "{extends}"\n{extra}')
    for path, text in files.items():
        path = target / f"{path.replace('__', '/')}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return load_version(name, folder)


class Scripted:
    """A backend whose answers a function gives: content, an Answer, or an exception to raise.

    Calls after the first ``crowd`` wait until so many are in flight, 20 seconds at most.
    """

    name = "online"
    instant = False
    endpoint = None

    def __init__(self, script=None, model="gpt-4.1-mini", delay=0.0, crowd=0):
        self.model, self.script, self.delay, self.crowd = model, script or good, delay, crowd
        self.asked = Counter()
        self.reminders = []
        self.in_flight = self.most_at_once = 0

    async def ask(self, request, attempt, reminder):
        self.asked[request.key] += 1
        self.reminders.append(reminder)
        self.in_flight += 1
        self.most_at_once = max(self.most_at_once, self.in_flight)
        try:
            await asyncio.sleep(self.delay)
            for _ in range(2000 if self.asked.total() > self.crowd else 0):
                if self.most_at_once >= self.crowd:
                    break
                await asyncio.sleep(0.01)
            out = self.script(request, attempt)
        finally:
            self.in_flight -= 1
        if isinstance(out, Exception):
            raise out
        if isinstance(out, Answer):
            return out
        return Answer(out, usage=Usage(100, 0, 10), latency_ms=1.0)

    def of_model(self, model):
        other = Scripted(self.script, model, self.delay)
        other.asked = self.asked
        return other

    async def close(self):
        pass


def good(request, attempt=0):
    """A valid answer to any request."""
    return dumps(fill(request.question.schema, request.document, None))
