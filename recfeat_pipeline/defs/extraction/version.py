"""One prompt version over some shards: ask what is missing, write the scores."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import polars as pl

from recfeat_pipeline.defs.extraction.stopped import drop_reason, keep_reason
from recfeat_pipeline.defs.partitions import split_key
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.cascade import main_model
from recfeat_pipeline.extraction.types import Backend, Limits, Summary, is_lexical
from recfeat_pipeline.extraction.versions import OF_ITEMS, PromptVersion, load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


@dataclass(frozen=True)
class WrittenShard:
    """The scores of one shard, and what was done to get them."""

    version: str
    shard: str
    n_scores: int
    cache_keys: list[str]
    model: str
    calls: dict[str, Any]  # calls, tokens, dollars: asset metadata

    @property
    def key(self) -> str:
        """The partition's key."""
        return dg.MultiPartitionKey({"version": self.version, "shard": self.shard})


@dataclass(frozen=True)
class Extracted:
    """What a version's extraction did."""

    written: list[WrittenShard]
    reasons: dict[str, int]  # of the failed calls of this run
    stopped: str | None  # why it ended early, as a sentence


def is_about_items(version_key: str, settings: Settings) -> bool:
    """Whether a version's answers become scores, profiles or texts of items.

    One that cannot be read any more says so itself when it is asked.
    """
    try:
        return load_version(version_key, settings.prompts).asks in OF_ITEMS
    except RecfeatError:
        return True


def by_version(partition_keys: Iterable[str]) -> dict[str, list[str]]:
    """Version key to its shards, in order."""
    shards: dict[str, list[str]] = {}
    for key in map(split_key, partition_keys):
        shards.setdefault(key["version"], []).append(key["shard"])
    return {version: sorted(of_version) for version, of_version in shards.items()}


def extract_version(
    lake: Lake, version_key: str, shards: Sequence[str], settings: Settings, reporter: Reporter
) -> Extracted:
    """Obtain what the ledger lacks for the shards' documents; write their scores or profiles.

    Why it ended early, if it did, is kept (:mod:`recfeat_pipeline.defs.extraction.stopped`).

    Raises:
        RecfeatError: among others, the version asks about something else than items: documents
            would be bought under instructions that are not for them.
    """
    if not is_about_items(version_key, settings):
        raise RecfeatError(
            f"{version_key} asks nothing about items: `recfeat profiles users` asks about users, "
            "an arm of the family reranker about requests."
        )
    try:
        extracted = _extract(lake, version_key, shards, settings, reporter)
    except RecfeatError as error:
        keep_reason(lake, version_key, shards, error, settings)
        raise
    if extracted.stopped:
        keep_reason(lake, version_key, shards, extracted.stopped, settings)
    else:
        drop_reason(lake, version_key, shards)
    return extracted


def _extract(
    lake: Lake, version_key: str, shards: Sequence[str], settings: Settings, reporter: Reporter
) -> Extracted:
    from recfeat_pipeline.extraction.embeddings import choose_embedder
    from recfeat_pipeline.extraction.engine import (
        choose_backend,
        keep_scores,
        limits_of,
        scores,
    )
    from recfeat_pipeline.extraction.generated import read_generated
    from recfeat_pipeline.extraction.profiles import read_profiles
    from recfeat_pipeline.extraction.unchanged import due, made_from, with_unchanged

    version = load_version(version_key, settings.prompts)
    limits = limits_of(settings)
    backend = choose_backend(settings, version, limits, paid_model(lake, version))

    def looked_at(everything: pl.DataFrame, shard: str) -> pl.DataFrame:
        return everything.join(items[shard], on="item_id", how="semi", maintain_order="left")

    def documents(shard: str) -> pl.DataFrame:
        return looked_at(lake.read("documents", shard=shard), shard)

    items: dict[str, pl.DataFrame] = {}  # whose scores are not those of their documents now
    untouched = 0
    for shard in shards:
        frame = lake.read("documents", shard=shard)
        n_documents = frame.height
        if version.asks == "scores":
            frame = due(frame, version, lake, shard, backend.model)
        items[shard] = frame.select("item_id")
        untouched += n_documents - frame.height
    asked = [shard for shard in shards if items[shard].height]
    summaries = obtain(lake, version, asked, documents, backend, limits, settings, reporter)
    if not untouched:  # else others have valid answers
        refuse_worthless(version, list(summaries.values()))
    written = []
    for shard in shards:
        everything = lake.read("documents", shard=shard)
        frame = looked_at(everything, shard)
        if version.asks == "scores":
            made = scores(frame, version, lake, shard, backend.model)
            frame = with_unchanged(made, frame, everything, version, lake, shard)
            keep_scores(lake, version, shard, frame)
            made_of = made_from(everything, backend.model)
            lake.write("scored_from", made_of, version=version_key, shard=shard)
        else:
            read = read_generated if version.asks == "expansion" else read_profiles
            frame = read(frame, version, lake, shard, backend.model, choose_embedder(settings))
            lake.write(OF_ITEMS[version.asks], frame, version=version_key, shard=shard)
        keys = frame["cache_key"].unique().sort().to_list()
        calls = numbers(summaries.get(shard, Summary()))
        written.append(WrittenShard(version_key, shard, frame.height, keys, backend.model, calls))
    done = summaries.values()
    return Extracted(
        written=written,
        reasons=dict(sum((Counter(summary.reasons) for summary in done), Counter())),
        stopped=next((summary.stopped for summary in done if summary.stopped), None),
    )


def obtain(
    lake: Lake,
    version: PromptVersion,
    shards: Sequence[str],
    documents: Callable[[str], pl.DataFrame],
    backend: Backend,
    limits: Limits,
    settings: Settings,
    reporter: Reporter,
) -> dict[str, Summary]:
    """Ask what the ledger lacks, one by one or in batches as the settings say, and tell of it.

    Raises:
        RecfeatError: the version is a cascade, and batches are wanted; else as
            :func:`~recfeat_pipeline.extraction.engine.extract_many`.
    """
    from recfeat_pipeline.extraction.engine import extract_many

    if settings.llm_batch and not backend.instant:
        if version.cascade:
            raise RecfeatError(
                f"{version.name} is a cascade: what it asks depends on answers that a batch gives "
                "a day later. Unset RECFEAT_LLM_BATCH, or name a version without [cascade]."
            )
        summaries = use_batches(
            lake, version, shards, documents, backend.model, limits, settings, reporter
        )
    else:
        with reporter.bar(f"{version.name}, {backend.name}") as progress:
            summaries = extract_many(
                shards,
                documents,
                version,
                lake,
                backend,
                limits=limits,
                progress=progress,
                prices=settings.prompts,
                note=reporter.note,
            )
    if damaged := sum(summary.put_aside for summary in summaries.values()):
        reporter.note(
            f"{damaged:,} damaged lines of a killed run's journal were put aside in "
            f"{lake.state / 'journal'}/*.damaged; those calls are asked again."
        )
    if said := tell_failed(list(summaries.values())):
        reporter.note(said)
    return summaries


def refuse_worthless(version: PromptVersion, summaries: Sequence[Summary]) -> None:
    """Stop where no call of a version has a valid answer, in this run or before it.

    Raises:
        RecfeatError: that is so; scores of nothing would say that all is well.
    """
    requested = sum(summary.requested for summary in summaries)
    failed = sum(summary.failed + summary.known_failed for summary in summaries)
    if requested and failed == requested:
        reasons = sum((Counter(summary.reasons) for summary in summaries), Counter())
        why = ", ".join(f"{reason} {n:,}" for reason, n in reasons.most_common(3))
        raise RecfeatError(
            f"None of the {requested:,} calls of {version.key} has a valid answer "
            f"({why or 'they failed in earlier runs'}). Mend the model or the endpoint, then ask "
            "them again with RECFEAT_LLM_RETRY_FAILED=1."
        )


def tell_failed(summaries: Sequence[Summary]) -> str | None:
    """What has no valid answer, as a sentence; None: nothing."""
    failed = sum(summary.failed for summary in summaries)
    before = sum(summary.known_failed for summary in summaries)
    if not failed + before:
        return None
    reasons = sum((Counter(summary.reasons) for summary in summaries), Counter())
    why = [f"{reason} {n:,}" for reason, n in reasons.most_common(3)]
    why += [f"of earlier runs {before:,}"] if before else []
    requested = sum(summary.requested for summary in summaries)
    return (
        f"{failed + before:,} of {requested:,} calls have no valid answer ({', '.join(why)}), so "
        "features are missing. `recfeat status` counts them, RECFEAT_LLM_RETRY_FAILED=1 asks again."
    )


def numbers(summary: Summary) -> dict[str, Any]:
    """A shard's numbers, which the UI plots; a model without a price has no cost."""
    names = (
        "requested",
        "cached",
        "pending",
        "sent",
        "ok",
        "failed",
        "http_requests",
        "put_aside",
        "known_failed",
    )
    cost = {} if summary.cost_usd is None else {"cost_usd": summary.cost_usd}
    return {
        **{name: getattr(summary, name) for name in names},
        "prompt_tokens": summary.usage.prompt,
        "cached_tokens": summary.usage.cached,
        "completion_tokens": summary.usage.completion,
        **cost,
    }


def use_batches(
    lake: Lake,
    version: PromptVersion,
    shards: Sequence[str],
    documents: Callable[[str], pl.DataFrame],
    model: str,
    limits: Limits,
    settings: Settings,
    reporter: Reporter,
) -> dict[str, Summary]:
    """Collect the batches that have ended, and hand over the calls that nobody has asked yet.

    Returns what waits, by shard.
    """
    from recfeat_pipeline.extraction.backends.batch import choose_transport, poll, submit
    from recfeat_pipeline.extraction.batches import pending_keys
    from recfeat_pipeline.extraction.ledger import statuses
    from recfeat_pipeline.extraction.requests import keyed

    transport = choose_transport(settings, settings.llm_batch_folder)
    collected = poll(lake, transport, limits=limits, prices=settings.prompts)
    handed = submit(shards, documents, version, lake, transport, model=model, limits=limits,
                    prices=settings.prompts)  # fmt: skip
    for message in dict.fromkeys([*collected.messages, *handed.messages]):
        reporter.note(message)
    if handed.pending:
        reporter.note(
            f"{handed.pending:,} calls wait in batches ({', '.join(handed.batches)}). The same "
            "command, or the sensor `collect_finished_batches`, collects what has been answered."
        )
    waiting = pending_keys(lake).implode()
    summaries = {}
    for shard in shards:
        calls = keyed(documents(shard), version, model).select("cache_key").unique()
        held = calls.join(statuses(lake, shard), on="cache_key")
        summaries[shard] = Summary(
            requested=calls.height,
            cached=held.filter(status="ok").height,
            known_failed=held.filter(status="failed").height,
            pending=int(calls["cache_key"].is_in(waiting).sum()),
        )
    return summaries


def paid_model(lake: Lake, version: PromptVersion) -> str | None:
    """The model whose answers the version's features are cut from; None: none that was paid."""
    models = {
        model
        for table in (*OF_ITEMS.values(), "user_profiles")
        for part in lake.each(table, ["model"], version=version.key)
        for model in part["model"].unique()
        if not is_lexical(model)
    }
    return main_model(version, models) if models else None
