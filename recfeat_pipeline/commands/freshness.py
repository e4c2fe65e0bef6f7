"""How far a lake is: each stage's products against what they would be made of now.

Scores are judged by the calls (would any be sent?), all else by a hash of what it was made of
(:mod:`recfeat_pipeline.freshness`): would it be made again?
"""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import polars as pl

from recfeat_pipeline.commands.output import plural
from recfeat_pipeline.defs.catalog.stored import scored_of, source_files
from recfeat_pipeline.defs.text.scraping import documents_made_of
from recfeat_pipeline.defs.training.judged import Run, begun_runs, judge_runs
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.cascade import asked, main_model
from recfeat_pipeline.extraction.ledger import statuses
from recfeat_pipeline.extraction.types import IMPORTED
from recfeat_pipeline.extraction.user_profiles import users_due
from recfeat_pipeline.extraction.versions import OF_ITEMS, PromptVersion, load_version
from recfeat_pipeline.freshness import files_hash, is_fresh
from recfeat_pipeline.lake import Lake, shard_names
from recfeat_pipeline.layout import REPORT
from recfeat_pipeline.models.arms import Arm, load_arms
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.sql_models import (
    evaluation_models,
    load_models,
    stale_models,
)
from recfeat_pipeline.store import built, open_store, store_made_of
from recfeat_pipeline.text_schemas import RAW

READER_WAIT = 15.0  # seconds for a run that is just writing a table
CALL_COLUMNS = (
    "cache_key", "created_at", "version", "cost_usd", "prompt_tokens", "completion_tokens"
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """A stage's products. ``state``: fresh, stale, missing or failed."""

    name: str
    state: str
    detail: str


@dataclass(frozen=True)
class Version:
    """The scores of one prompt version."""

    key: str
    promoted: bool
    model: str
    state: str
    items: int  # with scores
    calls: int | None  # that its documents make; None when its files are not what they were
    answered: int | None
    failed: int | None
    missing: int | None
    cost_usd: float
    detail: str = ""


@dataclass(frozen=True)
class State:
    """All of it."""

    stages: list[Stage]
    versions: list[Version]
    runs: list[Run]
    spent_usd: float
    calls: int  # ended, well or not
    unpriced_calls: int
    prompt_tokens: int
    completion_tokens: int


def examine(lake: Lake, settings: Settings) -> State:
    """Look at a lake and its store; writes nothing, sends nothing."""
    calls = paid_calls(lake)
    versions = list(_versions(lake, calls, settings))
    runs = _runs(lake)
    stages = [
        _catalog(lake),
        _text(lake),
        _extraction(versions, runs),
        _feature_store(lake),
        _training(runs),
        _evaluation(lake),
    ]
    return State(
        stages=stages,
        versions=versions,
        runs=runs,
        spent_usd=float(calls["cost_usd"].sum()),
        calls=calls.height,
        unpriced_calls=calls["cost_usd"].null_count(),
        prompt_tokens=int(calls["prompt_tokens"].sum()),
        completion_tokens=int(calls["completion_tokens"].sum()),
    )


def paid_calls(lake: Lake) -> pl.DataFrame:
    """One row per call that ended. An answer that a second shard took over counts once."""
    frames = list(lake.each("responses", list(CALL_COLUMNS)))
    if not frames:
        return lake.read("responses").select(CALL_COLUMNS)
    return pl.concat(frames).unique(["cache_key", "created_at"])


def _catalog(lake: Lake) -> Stage:
    if not lake.has("items") or not lake.has("events"):
        return Stage("catalog", "missing", "no catalogue has been read")
    items, events = lake.read("items"), lake.read("events")
    detail = (
        f"{items.height:,} items, {items['in_corpus'].sum():,} in the corpus; "
        f"{events.height:,} events of {events['user_id'].n_unique():,} users"
    )
    if not is_fresh(lake, "catalogue", files_hash(source_files(lake.meta.get("catalog")))):
        return Stage("catalog", "stale", f"{detail}; its files have changed since")
    return Stage("catalog", "fresh", detail)


def _text(lake: Lake) -> Stage:
    documents, items = lake.read("documents"), scored_of(lake)
    if documents.is_empty():
        return Stage("text", "missing", "no documents have been written")
    without = items.join(documents, on="item_id", how="anti").height
    scraped = _scraped(lake, items)
    mean = int(documents["n_chars"].to_numpy().mean())
    parts = [f"{documents.height:,} documents, {mean:,} characters on average", *_told(scraped)]
    detail = "; ".join(parts)
    if without:
        return Stage("text", "missing", f"{detail}; {without:,} items that get features have none")
    made_of = documents_made_of(lake, shard_names(lake.n_shards))
    if stale := [s for s, of in made_of.items() if not is_fresh(lake, f"documents-{s}", of)]:
        changed = f"what {plural(len(stale), 'shard')} of them are made of has changed"
        return Stage("text", "stale", f"{detail}; {changed}")
    return Stage("text", "fresh", detail)


def _scraped(lake: Lake, items: pl.DataFrame) -> pl.DataFrame:
    """``source, item_id, fetched_at, status``: each source's newest answer per corpus item."""
    columns = ["item_id", "fetched_at", "status"]
    frames = [
        lake.read_parquet(path, columns).with_columns(
            source=pl.lit(lake.keys_of("raw", path)["source"])
        )
        for path in lake.table_paths("raw")
    ]
    if not frames:
        return pl.DataFrame(schema={**{name: RAW[name] for name in columns}, "source": pl.String})
    newest = pl.concat(frames, how="vertical_relaxed").sort("fetched_at")
    return newest.unique(["source", "item_id"], keep="last").join(items, on="item_id", how="semi")


def _told(scraped: pl.DataFrame) -> Iterator[str]:
    """``tmdb: 530 ok, 5 missing``."""
    counts = scraped.group_by("source", "status").len().sort("source", "len", descending=True)
    for (name,), rows in counts.group_by("source", maintain_order=True):
        told = (f"{row['len']:,} {row['status']}" for row in rows.to_dicts())
        yield f"{name!s}: {', '.join(told)}"


def _versions(lake: Lake, calls: pl.DataFrame, settings: Settings) -> Iterator[Version]:
    keys = {
        lake.keys_of(table, path)["version"]
        for table in (*OF_ITEMS.values(), "user_profiles")
        for path in lake.table_paths(table)
    }
    keys |= {note["version"] for note in lake.note_keys("stopped")}
    promoted = lake.meta.get("promoted")
    if promoted:
        keys.add(promoted)
    for key in sorted(keys, key=lambda key: (key != promoted, key)):
        yield _version(lake, key, key == promoted, calls, settings)


def _version(
    lake: Lake, key: str, promoted: bool, calls: pl.DataFrame, settings: Settings
) -> Version:
    held = (lake.read(table, version=key).select("item_id", "model") for table in OF_ITEMS.values())
    scores = max(held, key=len)
    users = lake.read("user_profiles", version=key).select("user_id", "model")
    n_items = scores["item_id"].n_unique()
    cost = float(calls.filter(version=key)["cost_usd"].sum())
    written = scores if scores.height else users
    model = written["model"][-1] if written.height else settings.llm_model or ""

    def version(
        state: str, detail: str = "", counts: tuple[int | None, ...] = (None, None, None, None)
    ) -> Version:
        asked, answered, failed, missing = counts
        return Version(
            key, promoted, model, state, n_items, asked, answered, failed, missing, cost, detail
        )

    if model == IMPORTED:
        return version("fresh", "imported")
    try:
        asks = load_version(key, settings.prompts)
    except RecfeatError:
        return version("stale", "its files have changed or are gone: only what was bought is left")
    stopped = lake.read_note("stopped", version=key)
    if users.height:
        return version("fresh", _of_users(lake, asks, model, users.height, settings))
    if not scores.height and stopped:
        return version(stopped["state"], stopped["why"])
    if not scores.height:
        return version("missing", "nothing is extracted yet")
    counts = _count_calls(lake, asks, main_model(asks, scores["model"].unique()))
    if (counts[2] or counts[3]) and stopped:
        return version(stopped["state"], stopped["why"], counts)
    if counts[3]:
        return version("stale", "items are new or changed, or it was extracted in part", counts)
    if counts[2]:
        return version("failed", "RECFEAT_LLM_RETRY_FAILED=1 asks them again", counts)
    return version("fresh", "", counts)


def _of_users(
    lake: Lake, version: PromptVersion, model: str, n_held: int, settings: Settings
) -> str:
    """Profiles of users there are, and how many are due: by hand alone, so that none is stale."""
    shards = shard_names(lake.n_shards)
    asked, _ = users_due(lake, version, model, settings.profile_changed, shards)
    held, n_due = f"profiles of {plural(n_held, 'user')}", sum(len(part) for part in asked.values())
    return f"{held}; {n_due:,} due, by `recfeat profiles users`" if n_due else held


def _count_calls(lake: Lake, version: PromptVersion, model: str) -> tuple[int, int, int, int]:
    """Calls that the documents make, and of these answered, failed and not asked."""
    totals = [0, 0, 0, 0]
    for shard in shard_names(lake.n_shards):
        documents = lake.read("documents", shard=shard)
        if documents.height:
            calls = asked(documents, version, model, lake, shard).select("cache_key").unique()
            status = calls.join(statuses(lake, shard), on="cache_key", how="left")["status"]
            ok, failed = int((status == "ok").sum()), int((status == "failed").sum())
            counted = (len(status), ok, failed, status.null_count())
            totals = [total + n for total, n in zip(totals, counted, strict=True)]
    return (totals[0], totals[1], totals[2], totals[3])


def _extraction(versions: list[Version], runs: list[Run]) -> Stage:
    if not versions and runs and not any("scores" in arm.needs for arm in _known(runs)):
        return Stage("extraction", "fresh", "no arm that was trained reads scores")
    if not versions:
        return Stage("extraction", "missing", "no prompt version has been extracted")
    first = versions[0]  # the promoted one
    also = f"; {plural(len(versions) - 1, 'other version')}" if len(versions) > 1 else ""
    why = f"; {first.detail}" if first.state in ("failed", "interrupted") else ""
    detail = f"{first.key}: {first.items:,} items have scores{also}{why}"
    return Stage("extraction", first.state, detail)


def _feature_store(lake: Lake) -> Stage:
    build = built(lake)
    if build is None:
        return Stage("feature_store", "missing", "not built")
    detail = f"{build.bytes / 1e6:,.1f} MB"
    try:
        with open_store(lake, wait_seconds=READER_WAIT) as store:
            query = "SELECT count(DISTINCT version) FROM features.item_features"
            [[n_versions]] = store.execute(query).fetchall()
            late = evaluation_models(load_models())
            stale = [key for key in stale_models(store, lake) if key not in late]
    except RecfeatError as error:
        return Stage("feature_store", "failed", str(error))
    except duckdb.CatalogException:
        return Stage("feature_store", "missing", f"{detail}, without features")
    if stale:
        return Stage(
            "feature_store", "stale", f"{detail}; the lake has changed: {', '.join(stale)}"
        )
    return Stage(
        "feature_store", "fresh", f"{detail}; features of {plural(n_versions, 'prompt version')}"
    )


def _runs(lake: Lake) -> list[Run]:
    if built(lake) is None or not begun_runs(lake):
        return []
    with open_store(lake, wait_seconds=READER_WAIT) as store:
        return list(judge_runs(lake, store))


def _known(runs: list[Run]) -> list[Arm]:
    """The arms of the runs, as far as their files are still there."""
    arms = load_arms()
    return [arms[run.arm] for run in runs if run.arm in arms]


def _training(runs: list[Run]) -> Stage:
    counts = {state: sum(run.state == state for run in runs) for state in
              ("fresh", "stale", "interrupted", "skipped")}  # fmt: skip
    told = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    if not counts["fresh"] and not counts["stale"]:
        return Stage("training", "missing", told or "no arm has been trained")
    state = next((s for s in ("stale", "interrupted") if counts[s]), "fresh")
    return Stage("training", state, f"arms and seeds: {told}")


def _evaluation(lake: Lake) -> Stage:
    written = lake.modified(REPORT)
    ranked = {
        (run["arm"], int(run["seed"]))
        for run in (lake.keys_of("ranks", path) for path in lake.table_paths("ranks"))
    }
    if written is None or built(lake) is None:
        return Stage("evaluation", "missing", "no report has been written")
    try:
        with open_store(lake, wait_seconds=READER_WAIT) as store:
            measured = store.execute("SELECT DISTINCT arm, seed FROM metrics.ranking").fetchall()
            current = is_fresh(lake, "report", store_made_of(store))
            current = current and not stale_models(store, lake)
    except (RecfeatError, duckdb.CatalogException):
        measured, current = [], False
    detail = f"report of {written:%Y-%m-%d %H:%M} UTC, {len(measured)} arms and seeds"
    if not current:
        return Stage("evaluation", "stale", f"{detail}; {len(ranked)} are ranked")
    return Stage("evaluation", "fresh", detail)
