"""One prompt version over some shards: ask what is missing, write the scores."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from recfeat_pipeline.defs.partitions import split_key
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.extraction.types import Summary
from recfeat_pipeline.extraction.versions import load_version
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
    """Obtain what the ledger lacks for the shards' documents; write their scores or profiles."""
    from recfeat_pipeline.extraction.embeddings import choose_embedder
    from recfeat_pipeline.extraction.engine import (
        choose_backend,
        extract_many,
        limits_of,
        scores,
    )
    from recfeat_pipeline.extraction.profiles import read_profiles

    settings = Settings()
    version = load_version(version_key, settings.prompts)
    limits = limits_of(settings)
    backend = choose_backend(settings, version, limits, paid_model(lake, version_key))
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
        )
    written = []
    for shard in shards:
        documents = lake.read("documents", shard=shard)
        if version.asks == "scores":
            table, frame = "scores", scores(documents, version, lake, shard, backend.model)
        else:
            embedder = choose_embedder(settings)
            table = "profiles"
            frame = read_profiles(documents, version, lake, shard, backend.model, embedder)
        lake.write_parquet(f"{table}/version={version_key}/shard={shard}/{table}.parquet", frame)
        keys = frame["cache_key"].unique().sort().to_list()
        calls = _calls(summaries.get(shard, Summary()))
        written.append(WrittenShard(version_key, shard, frame.height, keys, backend.model, calls))
    done = summaries.values()
    return Extracted(
        written=written,
        n_failed=sum(summary.failed + summary.known_failed for summary in done),
        reasons=dict(sum((Counter(summary.reasons) for summary in done), Counter())),
        stopped=next((summary.stopped for summary in done if summary.stopped), None),
    )


def _calls(summary: Summary) -> dict[str, Any]:
    """A shard's numbers, which the UI plots; a model without a price has no cost."""
    names = ("requested", "cached", "sent", "ok", "failed", "http_requests")
    cost = {} if summary.cost_usd is None else {"cost_usd": summary.cost_usd}
    return {
        **{name: getattr(summary, name) for name in names},
        "prompt_tokens": summary.usage.prompt,
        "cached_tokens": summary.usage.cached,
        "completion_tokens": summary.usage.completion,
        **cost,
    }


def paid_model(lake: Lake, version_key: str) -> str | None:
    """The model whose answers the version's scores are cut from; None: none that was paid."""
    models = {
        model
        for table in ("scores", "profiles")
        for model in lake.read(table, version=version_key)["model"].unique()
    }
    return next((model for model in sorted(models) if not model.startswith("lexical")), None)
