"""What the report must know that no table holds, gathered from the lake and this installation."""

import platform
import subprocess
from dataclasses import asdict
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import duckdb

from recfeat_pipeline.catalog.circles import circles
from recfeat_pipeline.defs.evaluation.chosen import chosen_settings
from recfeat_pipeline.defs.evaluation.declared import all_arms, deterministic_arms
from recfeat_pipeline.defs.training.judged import stale_runs
from recfeat_pipeline.defs.training.stored import skipped_arms
from recfeat_pipeline.extraction.versions import PromptVersion, list_versions, load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.sources import attributions

PACKAGES = ("recfeat_pipeline", "torch", "lightning", "polars", "duckdb", "dagster", "openai")
TAUGHT = """
WITH items AS (
    SELECT version, item_id, bool_or(model LIKE 'student of %') AS by_student
    FROM features.item_features
    GROUP BY ALL
)
SELECT split_part(version, '@', 1), avg((NOT by_student)::INTEGER)
FROM items
GROUP BY version
HAVING bool_or(by_student)
"""
"""Versions that a student filled, and the share of their items that a model scored."""


def collect_provenance(
    lake: Lake, store: duckdb.DuckDBPyConnection, settings: Settings
) -> dict[str, Any]:
    """The dictionary that ``recfeat_pipeline.report.provenance.Provenance`` documents."""
    catalog = lake.read_note("catalog")
    promoted = lake.meta.get("promoted", "")
    [extraction] = store.execute(
        "SELECT any_value(model), any_value(backend) FROM ops.llm_calls "
        "JOIN features.item_features USING (cache_key, model) WHERE item_features.version = $key",
        {"key": promoted},
    ).fetchall()
    model, backend = (value or "" for value in extraction)
    return {
        "catalogue": catalog["name"],
        "source": catalog["source"],
        "synthetic": catalog["source"] == "embedded",
        "notes": catalog["notes"],
        "corpus": lake.read_note("corpus"),
        "prompt_version": promoted,
        "circles": circles_of(lake, promoted, settings.prompts),
        "extraction_model": model,
        "backend": backend,
        "used_llm": backend != "lexical" if backend else None,
        "estimate": _estimate(lake, promoted, settings),
        "taught": dict(store.execute(TAUGHT).fetchall()),
        "value_per_conversion": settings.value_per_conversion,
        "attributions": [
            line
            for name, line in attributions(settings.sources).items()
            if lake.has("raw", source=name)
        ],
        "skipped_arms": skipped_arms(lake),
        "arms": _arms(lake, store),
        "chosen": chosen_settings(lake),
        "stale": stale_runs(lake, store),
        "versions": {"python": platform.python_version(), **{p: installed(p) for p in PACKAGES}},
        "git_hash": _git_hash(),
        **_commands(lake, catalog["source"]),
    }


def _arms(lake: Lake, store: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """What the arms declare; titles say what embedded the documents, which may be no model."""
    query = "SELECT string_agg(DISTINCT embedding, ', ') FROM features.document_vectors"
    [(embedding,)] = store.execute(query).fetchall()
    notes = {row["arm"]: row for row in all_arms(lake).iter_rows(named=True)}
    without_luck = set(deterministic_arms(lake))
    for arm, note in notes.items():
        note["draws"] = arm not in without_luck
        if note["content"] == "text_embedding" and embedding:
            note["title"] += f" ({embedding})"
    return notes


def _commands(lake: Lake, source: str) -> dict[str, Any]:
    """What the run was started with; the plainest command where none was recorded."""
    note = lake.read_note("command") or {}
    catalog = "" if source == "embedded" else f" --catalog {source}"
    plain = f"RECFEAT_LAKE={lake.root} recfeat run{catalog}"
    return {
        "commands": note.get("lines", [plain]),
        "withheld": note.get("withheld", []),
        "by_command": "lines" in note if note else None,
    }


def _estimate(lake: Lake, promoted: str, settings: Settings) -> dict[str, Any] | None:
    """The whole corpus at today's prices; None without documents or the version's files."""
    from recfeat_pipeline.extraction.engine import limits_of
    from recfeat_pipeline.extraction.estimate import estimate
    from recfeat_pipeline.extraction.prices import find_price

    documents, version = lake.read("documents"), _version(promoted, settings.prompts)
    if documents.is_empty() or version is None:
        return None
    model, limits = settings.llm_model or version.model, limits_of(settings)
    found = estimate(documents, version, model, limits=limits, prices=settings.prompts)
    price = find_price(model, settings.prompts)
    return {**asdict(found), "usd_per_hour": price.hour or None if price else None}


def _version(promoted: str, prompts: str | None) -> PromptVersion | None:
    """The promoted version as its files are now; None: imported, or they are gone."""
    name = promoted.partition("@")[0]
    return load_version(name, prompts) if name in list_versions(prompts) else None


def circles_of(lake: Lake, promoted: str, prompts: str | None) -> list[str]:
    """Fields shown to the model that spell out the tags which its scores are held against."""
    version = _version(promoted, prompts)
    if version is None:
        return []  # who imported the scores knows what was read
    items = lake.read("items").filter("in_corpus")
    return list(circles(lake.read("tags"), lake.read("fields"), items, version.labels))


def _git_hash() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()
