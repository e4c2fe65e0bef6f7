"""One prompt version over some shards: ask what is missing, write the scores."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from recfeat_pipeline.defs.partitions import split_key
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.extraction.types import Limits
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


@dataclass(frozen=True)
class WrittenShard:
    """The scores of one shard."""

    version: str
    shard: str
    n_scores: int
    cache_keys: list[str]


@dataclass(frozen=True)
class Extracted:
    """What a version's extraction did, summed over its shards."""

    counts: dict[str, Any]  # calls, tokens, dollars: asset metadata
    written: list[WrittenShard]
    model: str
    backend: str
    n_failed: int
    reasons: dict[str, int]  # of the failed calls of this run
    stopped: str | None  # why it ended early, as a sentence


def by_version(partition_keys: Iterable[str]) -> dict[str, list[str]]:
    """Version key to its shards, in order."""
    shards: dict[str, list[str]] = {}
    for key in map(split_key, partition_keys):
        shards.setdefault(key["version"], []).append(key["shard"])
    return {version: sorted(of_version) for version, of_version in shards.items()}


def extract_version(
    lake: Lake, version_key: str, shards: Sequence[str], reporter: Reporter
) -> Extracted:
    """Obtain what the ledger lacks for the shards' documents and write their scores."""
    from recfeat_pipeline.extraction.engine import choose_backend, extract_many, scores

    settings = Settings()
    version = load_version(version_key, settings.prompts)
    limits = limits_of(settings)
    backend = choose_backend(settings, version, limits)
    with reporter.bar(f"{version.name}, {backend.name}") as progress:
        summaries = extract_many(
            shards,
            lambda shard: lake.read("documents", shard=shard),
            version,
            lake,
            backend,
            limits=limits,
            progress=progress,
            prices=settings.prompts,
        ).values()
    written = []
    for shard in shards:
        documents = lake.read("documents", shard=shard)
        frame = scores(documents, version, lake, shard, backend.model)
        lake.write_parquet(f"scores/version={version_key}/shard={shard}/scores.parquet", frame)
        keys = frame["cache_key"].unique().sort().to_list()
        written.append(WrittenShard(version_key, shard, frame.height, keys))
    calls = ("requested", "cached", "sent", "ok", "failed", "http_requests")
    costs = [summary.cost_usd for summary in summaries]
    return Extracted(
        counts={name: sum(getattr(summary, name) for summary in summaries) for name in calls}
        | {
            "prompt_tokens": sum(summary.usage.prompt for summary in summaries),
            "cached_tokens": sum(summary.usage.cached for summary in summaries),
            "completion_tokens": sum(summary.usage.completion for summary in summaries),
        }
        | ({} if None in costs else {"cost_usd": sum(cost or 0 for cost in costs)}),
        written=written,
        model=backend.model,
        backend=backend.name,
        n_failed=sum(summary.failed + summary.known_failed for summary in summaries),
        reasons=dict(sum((Counter(summary.reasons) for summary in summaries), Counter())),
        stopped=next((summary.stopped for summary in summaries if summary.stopped), None),
    )


def limits_of(settings: Settings) -> Limits:
    """The engine's limits from the environment."""
    return Limits(
        concurrency=settings.llm_concurrency,
        requests_per_minute=settings.llm_requests_per_minute,
        input_tokens_per_minute=settings.llm_input_tokens_per_minute,
        output_tokens_per_minute=settings.llm_output_tokens_per_minute,
        budget_usd=settings.llm_budget_usd,
        retry_failed=settings.llm_retry_failed,
    )
