"""One item from outside the catalogue: its text, its scores, its place in lake and store."""

import re
import sys
from pathlib import Path

import polars as pl

from recfeat_pipeline.added import add_item, new_item_id
from recfeat_pipeline.commands.output import hint
from recfeat_pipeline.commands.progress import bar
from recfeat_pipeline.defs.extraction.version import paid_model
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.engine import (
    choose_backend,
    extract,
    keep_scores,
    limits_of,
    scores,
)
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.schemas import FIELDS
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.sql_models import build, load_models
from recfeat_pipeline.store import open_store
from recfeat_pipeline.text.collect import scrape_new_item
from recfeat_pipeline.text.documents import build_documents
from recfeat_pipeline.text.sources import sources

LABELLED = re.compile(r"\s*(\w+(?:[ /-]\w+){0,2}): (.*)")  # at most three words, then the text


def from_tmdb(lake: Lake, tmdb_id: int, item_id: str | None, settings: Settings) -> pl.DataFrame:
    """The document of a TMDB id: the catalogue's own if it has that film, else scraped and kept.

    Raises:
        RecfeatError: TMDB is not enabled, or does not know the id.
    """
    items = lake.read("items")
    listed = items.filter(pl.col("tmdb_id") == tmdb_id)["item_id"].to_list()
    own_id = next(iter(listed), None) if item_id is None else _given_id(items, item_id)
    if own_id is not None and (known := _document_in_catalogue(lake, items, own_id)) is not None:
        hint(f"TMDB {tmdb_id} is item {own_id} of the catalogue: its own document is scored.")
        return known
    if own_id is None:
        own_id = new_item_id(items.schema["item_id"], tmdb_id, "")
    with bar("Collecting texts") as progress:
        item, collected, summaries = scrape_new_item(
            own_id, tmdb_id, sources(settings), lake, progress=progress
        )
    for summary in summaries:
        if summary.stopped:
            hint(f"{summary.source} was left out: {summary.stopped}")
    return _keep(lake, item, collected.fields)


def from_text(lake: Lake, title: str, text: str, item_id: str | None) -> pl.DataFrame:
    """The document of a title and a text, kept.

    Raises:
        RecfeatError: the id is of an item that the catalogue has a document for.
    """
    items = lake.read("items")
    own_id = _given_id(items, item_id)
    if own_id is not None and _document_in_catalogue(lake, items, own_id) is not None:
        raise RecfeatError(
            f"--item-id {own_id} is in the catalogue, which `recfeat run` scores from its own text;"
            " leave --item-id out, or change the catalogue."
        )
    if own_id is None:
        own_id = new_item_id(items.schema["item_id"], None, title)
    item = pl.DataFrame({"item_id": [own_id], "title": [title]})
    rows = [
        (own_id, "catalog", label, position, part)
        for position, (label, part) in enumerate(labelled(text))
    ]
    schema = {**FIELDS, "item_id": item.schema["item_id"]}
    return _keep(lake, item, pl.DataFrame(rows, schema=schema, orient="row"))


def labelled(text: str) -> list[tuple[str, str]]:
    """``Label: text`` lines as fields; a text that is anything else is one field, its plot."""
    parts = [LABELLED.fullmatch(line) for line in text.splitlines() if line.strip()]
    return [(part[1], part[2]) for part in parts if part] if all(parts) else [("Plot", text)]


def read_text(file: Path | None) -> str:
    """The user's text.

    Raises:
        RecfeatError: no file is named, or it cannot be read, or is empty.
    """
    if file is None:
        raise RecfeatError("--title needs the item's text: --text-file FILE, or - for stdin.")
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        raise RecfeatError(
            f"Cannot read --text-file {file}: {error.strerror}; name a text file, or - for stdin."
        ) from error
    except UnicodeDecodeError as error:
        raise RecfeatError(f"--text-file {file} is not UTF-8 text; save it as UTF-8.") from error
    if not text.strip():
        raise RecfeatError(f"--text-file {file} is empty: give the item's text to be scored.")
    return text


def extract_item(
    lake: Lake, version: PromptVersion, item_id: int | str, settings: Settings
) -> tuple[pl.DataFrame, float | None]:
    """Ask what the ledger lacks of an item; its SCORES, now in the lake, and what that cost.

    Raises:
        RecfeatError: a call failed for good, or the budget is reached.
    """
    limits = limits_of(settings)
    backend = choose_backend(settings, version, limits, paid_model(lake, version))
    shard = shard_of([item_id], lake.n_shards)[0]
    documents = lake.read("documents", shard=shard)
    with bar(f"{version.name}, {backend.name}") as progress:
        summary = extract(
            documents.filter(pl.col("item_id") == item_id),
            version,
            lake,
            shard,
            backend,
            limits=limits,
            progress=progress,
            prices=settings.prompts,
        )
    if summary.stopped:
        raise RecfeatError(summary.stopped)
    frame = scores(documents, version, lake, shard, backend.model)
    keep_scores(lake, version, shard, frame)
    if failed := summary.failed + summary.known_failed:
        reasons = ", ".join(summary.reasons) or "in an earlier run"
        raise RecfeatError(
            f"{failed} of {summary.requested} calls for item {item_id} failed ({reasons}). Run "
            "again with RECFEAT_LLM_RETRY_FAILED=1 to ask them again; a model that fails each time "
            "may not keep to JSON schemas: name another, RECFEAT_LLM_MODEL."
        )
    return frame.filter(pl.col("item_id") == item_id), summary.cost_usd


def rebuild_features(lake: Lake) -> None:
    """Build the store's tables of items and features again; metrics are not touched."""
    with open_store(lake, read_only=False) as store:
        for model in load_models().values():
            if model.schema != "metrics":
                build(store, model, lake)


def _keep(lake: Lake, item: pl.DataFrame, fields: pl.DataFrame) -> pl.DataFrame:
    document = build_documents(item, fields)
    add_item(lake, item, document)
    return document


def _document_in_catalogue(
    lake: Lake, items: pl.DataFrame, item_id: int | str
) -> pl.DataFrame | None:
    """The document that the catalogue's own text made; None for an item it does not rank."""
    if items.filter(pl.col("item_id") == item_id, "in_corpus").is_empty():
        return None
    documents = lake.read("documents", shard=shard_of([item_id], lake.n_shards)[0])
    own = documents.filter(pl.col("item_id") == item_id)
    return own if own.height else None


def _given_id(items: pl.DataFrame, given: str | None) -> int | str | None:
    """The id that the user gave, in the catalogue's type."""
    if given is None or items.schema["item_id"] != pl.Int64:
        return given
    try:
        return int(given)
    except ValueError:
        raise RecfeatError(
            f"--item-id {given!r}: give a whole number, as all ids of this catalogue are."
        ) from None
