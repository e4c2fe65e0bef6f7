"""Where every file of a lake lies: its tables, its notes, and what else has a fixed place.

A path names its keys in braces: ``scores/version={version}/shard={shard}/scores.parquet``. A table
whose path ends in ``/`` is append-only: a folder of segments, each named by its content.
"""

import re
from dataclasses import dataclass
from functools import cache, cached_property

from recfeat_pipeline import profile_schemas, reranking_schemas, schemas, text_schemas
from recfeat_pipeline.schemas import Schema

_KEY = re.compile(r"\{(\w+)\}")
_RUN = "runs/arm={arm}/seed={seed}"
_PAIRS = "augmented_pairs/arm={arm}/seed={seed}"


@dataclass(frozen=True)
class LakeTable:
    """Where a lake table lies and its schema; its keys become columns when it is read."""

    path: str
    schema: Schema

    @cached_property
    def hive(self) -> tuple[str, ...]:
        """The keys that DuckDB reads from the path by itself."""
        return tuple(re.findall(r"(\w+)=\{\1\}", self.path))

    @property
    def appends(self) -> bool:
        """Whether rows are added as segments, and never replaced."""
        return self.path.endswith("/")

    @property
    def files(self) -> str:
        """The path of one of its files."""
        return f"{self.path}{{segment}}.parquet" if self.appends else self.path

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys that become columns: all but a file's own name."""
        return tuple(key for key in _KEY.findall(self.path) if key != "part")


LAKE = {
    "items": LakeTable("catalog/items.parquet", schemas.ITEMS),
    "catalog_items": LakeTable("catalog/catalog_items.parquet", schemas.CATALOG_ITEMS),
    "added": LakeTable("catalog/added.parquet", schemas.ITEMS),
    "interactions": LakeTable("catalog/interactions.parquet", schemas.INTERACTIONS),
    "tags": LakeTable("catalog/tags.parquet", schemas.TAGS),
    "item_ids": LakeTable("catalog/item_ids.parquet", text_schemas.ITEM_IDS),
    "fields": LakeTable("catalog/fields.parquet", schemas.FIELDS),
    "events": LakeTable("catalog/events.parquet", schemas.EVENTS),
    "scored": LakeTable("catalog/scored.parquet", schemas.SCORED),
    "examples": LakeTable("catalog/examples.parquet", schemas.EXAMPLES),
    "left": LakeTable("catalog/left.parquet", text_schemas.LEFT),
    "raw": LakeTable("raw/{source}/shard={shard}/", text_schemas.RAW),
    "changes": LakeTable("raw/{source}/changes/", text_schemas.CHANGES),
    "identity": LakeTable("identity/shard={shard}/identity.parquet", text_schemas.IDENTITY),
    "languages": LakeTable("languages/shard={shard}/languages.parquet", text_schemas.LANGUAGES),
    "documents": LakeTable("documents/shard={shard}/{part}.parquet", schemas.DOCUMENTS),
    "responses": LakeTable("responses/shard={shard}/", schemas.RESPONSES),
    "batch_calls": LakeTable("batches/{batch}/requests.parquet", schemas.BATCH_CALLS),
    "vectors": LakeTable("vectors/embedding={embedder}/", schemas.VECTORS),
    "scores": LakeTable("scores/version={version}/shard={shard}/scores.parquet", schemas.SCORES),
    "scored_from": LakeTable(
        "scores/version={version}/shard={shard}/made_from.parquet", schemas.SCORED_FROM
    ),
    "dimensions": LakeTable("scores/version={version}/dimensions.parquet", schemas.DIMENSIONS),
    "retests": LakeTable("retests/version={version}/retest.parquet", schemas.RETESTS),
    "document_vectors": LakeTable(
        "document_vectors/shard={shard}/vectors.parquet", schemas.DOCUMENT_VECTORS
    ),
    "profiles": LakeTable(
        "profiles/version={version}/shard={shard}/profiles.parquet", profile_schemas.PROFILES
    ),
    "generated": LakeTable(
        "generated/version={version}/shard={shard}/texts.parquet", profile_schemas.GENERATED
    ),
    "user_profiles": LakeTable(
        "user_profiles/version={version}/shard={shard}/profiles.parquet",
        profile_schemas.USER_PROFILES,
    ),
    "runs": LakeTable(f"{_RUN}/run.parquet", schemas.RUNS),
    "ranks": LakeTable(f"{_RUN}/ranks.parquet", schemas.RANKS),
    "top_lists": LakeTable(f"{_RUN}/top_lists.parquet", schemas.TOP_LISTS),
    "reranked": LakeTable(f"{_RUN}/reranked.parquet", reranking_schemas.RERANKED),
    "user_lists": LakeTable(f"{_RUN}/user_lists.parquet", reranking_schemas.USER_LISTS),
    "augmented_pairs": LakeTable(f"{_PAIRS}/pairs.parquet", reranking_schemas.AUGMENTED_PAIRS),
    "cold_ranks": LakeTable(f"{_RUN}/cold_ranks.parquet", schemas.COLD_RANKS),
    "canaries": LakeTable(f"{_RUN}/canaries.parquet", schemas.CANARIES),
    "item_vectors": LakeTable(f"{_RUN}/item_vectors.parquet", schemas.ITEM_VECTORS),
    "seen": LakeTable(f"{_RUN}/seen.parquet", schemas.SEEN),
    "training_log": LakeTable(f"{_RUN}/training_log.parquet", schemas.TRAINING_LOG),
    "neighbours": LakeTable("runs/arm={arm}/neighbours.parquet", schemas.NEIGHBOURS),
    **{
        name: LakeTable(f"evaluation/{name}.parquet", schema)
        for name, schema in {
            "agreement_intervals": schemas.AGREEMENT_INTERVALS,
            "agreement_contrasts": schemas.AGREEMENT_CONTRASTS,
            "version_agreement": schemas.VERSION_AGREEMENT,
            "shown_text": schemas.SHOWN_TEXT,
            "arms": schemas.ARMS,
            "cold_contrasts": schemas.COLD_CONTRASTS,
            "contrasts": schemas.CONTRASTS,
            "list_metrics": schemas.LIST_METRICS,
            "request_contrasts": reranking_schemas.REQUEST_CONTRASTS,
            "rerankers": reranking_schemas.RERANKERS,
            "routes": reranking_schemas.ROUTES,
        }.items()
    },
}
"""Every table by name. ``{part}`` tells files of one partition apart; it is the table's name unless
something else is said."""

NOTES = {
    "lake": "lake.json",
    "catalog": "catalog/catalog.json",
    "corpus": "catalog/corpus.json",
    "command": "command.json",
    "store": "feature_store/current.json",
    "changes": "raw/{source}/changes.json",
    "suspicious": "guard/suspicious/{stage}.json",
    "believed": "guard/believed/{stage}.json",
    "rejected_answers": "guard/rejected_answers.json",
    "made_of": "made_of/{product}.json",
    "batch": "batches/{batch}/batch.json",
    "spending": "spending/day={day}/{page}.json",
    "endpoints": "endpoints/{endpoint}.json",
    "stopped": "stopped/{version}.json",
    "started_from": f"{_RUN}/started_from.json",
    "made_from": f"{_RUN}/made_from.json",
    "cold_from": f"{_RUN}/cold_from.json",
    "pairs_from": f"{_PAIRS}/made_from.json",
    "skipped": f"{_RUN}/skipped.json",
    "swap": f"{_RUN}/swap.json",
    "tuned": "tuned/arm={arm}/tuned.json",
    "imported": "runs/arm={arm}/imported.json",
}
"""JSON objects by name."""

REPORT = "report/report.html"
PUBLISHED_STORE = "feature_store/{version}.duckdb"  # of a lake on an object store
JOURNAL = "journal/shard={shard}.jsonl"  # of answers, under the local state
RUN, CHECKPOINTS = _RUN, f"{_RUN}/checkpoints"
SEARCH = "tuning/arm={arm}"  # of settings, under the local state


def fill(path: str, **keys: str) -> str:
    """The path with its keys in place, ``*`` for those that are left out."""
    return _KEY.sub(lambda key: keys.get(key[1], "*"), path)


def keys_of(template: str, path: str) -> dict[str, str]:
    """The keys of a path that :func:`fill` made of the template."""
    found = _pattern(template).fullmatch(path)
    return found.groupdict() if found else {}


@cache
def _pattern(template: str) -> re.Pattern[str]:
    literal_or_key = _KEY.split(template)  # literal, key, literal, …
    return re.compile(
        "".join(
            f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part)
            for number, part in enumerate(literal_or_key)
        )
    )
