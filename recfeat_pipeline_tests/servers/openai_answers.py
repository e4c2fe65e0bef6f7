"""What the loopback model knows: recorded scores, a truth table, or a hash of the title."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

CONDITIONS = ("document", "overview_only", "title_only")


class Knowledge:
    """``(document, dimension) -> score``. Movies are known by title, or by their text."""

    def __init__(self, rankings: dict[tuple[str, int | None], list[int]] | None = None) -> None:
        """``rankings``: (document, seed) to the numbers that were answered; others are made up."""
        self.rankings = rankings or {}
        self._by_title: dict[str, str] = {}
        self._by_text: dict[str, str] = {}
        self._scores: dict[tuple[str, str], dict[str, float]] = {}  # (condition, item): scores
        self._answered: set[tuple[str, str]] = set()

    @classmethod
    def recorded(cls, folder: Path) -> "Knowledge":
        """The answers of a real model (``llm_scores_ml1m.parquet`` and its documents)."""
        known = cls()
        documents = pl.read_parquet(folder / "llm_scores_documents.parquet")
        for item, condition, text in documents.iter_rows():
            if condition == "title_only":
                known._by_title[_fold(_title(text) or "")] = str(item)
            if condition == "overview_only":
                known._by_text[_fold(text)] = str(item)
        scores = pl.read_parquet(folder / "llm_scores_ml1m.parquet")
        for item, condition, _, dimension, score in scores.iter_rows():
            known._scores.setdefault((condition, str(item)), {})[dimension] = round(score, 3)
        known._answered = {(c, str(i)) for i, c in documents.select("item_id", "condition").rows()}
        return known

    @classmethod
    def of_truth(cls, items: pl.DataFrame, truth: pl.DataFrame) -> "Knowledge":
        """``item_id, title[, year]`` and ``item_id, dimension, score``."""
        known = cls()
        for row in items.iter_rows(named=True):
            known._by_title[_fold(row["title"])] = str(row["item_id"])
            if row.get("year"):
                known._by_title[_fold(f"{row['title']} ({row['year']})")] = str(row["item_id"])
        for row in truth.iter_rows(named=True):
            for condition in CONDITIONS:
                scores = known._scores.setdefault((condition, str(row["item_id"])), {})
                scores[row["dimension"]] = round(row["score"], 2)
        known._answered = set(known._scores)
        return known

    def scores(self, document: str, condition: str) -> dict[str, float] | None:
        """Non-zero scores of the movie that a document is about; None: never heard of it."""
        title = _title(document)
        item = self._by_title.get(_fold(title)) if title else self._by_text.get(_fold(document))
        if condition == "auto":
            if title is None:
                condition = "overview_only"
            else:
                condition = "title_only" if "\n" not in document.strip() else "document"
        if item is None or (condition, item) not in self._answered:
            return None
        return self._scores.get((condition, item), {})


def ranking(document: str) -> list[int]:
    """Ten numbers: the candidates that share most words with what was taken, then the others."""
    lines = document.split("\n")
    taken = Counter(w for line in lines if line.startswith("- ") for w in _words(line))
    found = [match for line in lines if (match := re.match(r"(\d+)\. (.*)", line))]
    shared = {
        int(n): sum(taken[w] for w in set(_words(text))) for n, text in (m.groups() for m in found)
    }
    return sorted(shared, key=lambda number: -shared[number])[:10]


def taste(document: str) -> dict[str, Any]:
    """What the said lines name of the listed dimensions, and one dimension that nobody has."""
    listed = re.findall(r"^- (\w+): ", document, re.MULTILINE)
    said = " ".join(re.findall(r"^\d+\. (.*)", document, re.MULTILINE))
    named = [
        {"name": name, "weight": 1} for name in listed if set(name.split("_")) <= set(_words(said))
    ]
    dimensions = [*named, {"name": "made_up", "weight": 3}] if named else []
    return {
        "liked": [], "avoided": [], "dimensions": dimensions, "genres": [],
        "first_year": 0, "last_year": 0, "words": [], "unwanted_words": [],
    }  # fmt: skip


def fill(schema: dict[str, Any], document: str, scores: dict[str, float] | None) -> Any:
    """A JSON value of the schema about the document; unknown movies get scores by hash."""
    if "liked" in schema.get("properties", {}):
        return taste(document)
    return _fill(schema, "", document, scores)


def document_of(messages: list[dict[str, Any]]) -> str:
    """The document in a chat's last user message."""
    text = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
    if isinstance(text, list):
        text = "".join(part.get("text", "") for part in text)
    match = re.search(r"<document>\n?(.*?)\n?</document>", text, re.DOTALL)
    return match[1] if match else text


def opening(document: str) -> str:
    return " ".join(re.sub(r"\A[^:\n]{1,40}: ", "", document).split()[:6])


def _fill(schema: dict[str, Any], name: str, document: str, scores: dict | None) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return {k: _fill(v, k, document, scores) for k, v in schema["properties"].items()}
    if kind == "number":
        return hashed(document, name) if scores is None else scores.get(name, 0.0)
    if kind == "integer":
        return 1
    if kind == "boolean":
        return False
    if kind == "array" and schema["items"]["type"] == "object":
        parts = [f"{document} {name} {n}" for n in (1, 2)]  # so that no two have one name
        return [_fill(schema["items"], "", part, scores) for part in parts]
    if kind == "array" and schema["items"]["type"] == "integer":
        return ranking(document)
    if name == "name":
        return f"n{hashlib.sha256(document.encode('utf-8', 'replace')).hexdigest()[:8]}"
    if kind == "array":
        words = dict.fromkeys(w.lower() for w in re.findall(r"[A-Za-z]{4,}", document))
        return [*words, "one", "two", "three", "four"][:4]
    if name == "title":
        return _title(document) or ""
    if name == "opening":
        return opening(document)
    return f"A work about {' '.join(document.split()[:12])}. It suits whoever likes such works."


def hashed(document: str, name: str) -> float:
    """Sparse and stable: three quarters of the dimensions are 0."""
    digest = hashlib.sha256(f"{_title(document) or document}\n{name}".encode("utf-8", "replace"))
    value = digest.digest()[0]
    return 0.0 if value < 192 else round((value - 191) / 64, 1)


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _title(document: str) -> str | None:
    match = re.match(r"Title: (.*)", document)
    return match[1].strip() if match else None


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{3,}", text.casefold())


def _fold(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))
