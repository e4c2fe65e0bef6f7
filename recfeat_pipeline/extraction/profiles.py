"""Profiles: two sentences and four tags per item, with the vector that a model can use."""

import polars as pl

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.embeddings import Embedder, embed_once, vector_series
from recfeat_pipeline.extraction.keys import sha256_of_rows
from recfeat_pipeline.extraction.ledger import answered
from recfeat_pipeline.extraction.requests import keyed
from recfeat_pipeline.extraction.types import IMPORTED, now
from recfeat_pipeline.extraction.validation import parse
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.profile_schemas import PROFILES
from recfeat_pipeline.rendering import clean


def read_profiles(
    documents: pl.DataFrame,
    version: PromptVersion,
    lake: Lake,
    shard: str,
    model: str,
    embedder: Embedder,
) -> pl.DataFrame:
    """The PROFILES of one shard's documents as bought from a model, embedded once.

    Sends nothing to the model that wrote them; the embedder is asked for texts that the lake has no
    vector of. Items whose call failed or was not made are absent.
    """
    taken = answered(lake, shard, keyed(documents, version, model))
    parsed = [parse(response) for response in taken["response"]]
    frame = taken.select(
        item_id=documents["item_id"][taken["row"]],
        profile=pl.Series([" ".join(p["profile"].split()) for p in parsed], dtype=pl.String),
        tags=pl.Series(
            [[t.strip().lower() for t in p["tags"]] for p in parsed], dtype=pl.List(pl.String)
        ),
        model=pl.lit(model),
        prompt_version=pl.lit(version.key),
        cache_key="cache_key",
        generated_at="created_at",
    )
    return with_vectors(frame, lake, embedder)


def import_profiles(
    profiles: pl.DataFrame, name: str, lake: Lake, embedder: Embedder
) -> pl.DataFrame:
    """Profiles that were written elsewhere, as a version of their own.

    Args:
        profiles: ``item_id, profile`` and, where known, ``tags``; one row per item.
        name: of the version; its key carries a hash of the profiles, as a prompt version's does.
        lake: keeps the vectors.
        embedder: makes them.

    Returns:
        PROFILES frame; ``prompt_version`` is the partition it belongs to.

    Raises:
        RecfeatError: a column is missing, or an item has two profiles.
    """
    for column in ("item_id", "profile"):
        if column not in profiles.columns:
            raise RecfeatError(f"The profiles to import have no column {column!r}.")
    twice = profiles.filter(pl.col("item_id").is_duplicated())
    if twice.height:
        raise RecfeatError(f"The profiles to import name item {twice['item_id'][0]} twice.")
    tags = pl.col("tags") if "tags" in profiles.columns else pl.lit([], pl.List(pl.String))
    frame = (
        profiles.select("item_id", profile=clean(pl.col("profile")), tags=tags)
        .filter(pl.col("profile").str.len_chars() > 0)
        .sort("item_id")
    )
    digest = sha256_of_rows(frame.select("item_id", "profile", "tags"))
    frame = frame.with_columns(
        model=pl.lit(IMPORTED),
        prompt_version=pl.lit(f"{name}@{digest[:8]}"),
        cache_key=pl.lit(None, pl.String),
        generated_at=pl.lit(now(), PROFILES["generated_at"]),
    )
    return with_vectors(frame, lake, embedder)


def write_profiles(lake: Lake, frame: pl.DataFrame) -> None:
    """Put the PROFILES of one version into the lake, shard by shard."""
    version = frame["prompt_version"][0]
    shards = shard_of(frame["item_id"], lake.n_shards)
    for (shard,), part in frame.group_by(shards):
        lake.write("profiles", part, version=version, shard=str(shard))


def with_vectors(frame: pl.DataFrame, lake: Lake, embedder: Embedder) -> pl.DataFrame:
    """Add the vector of each profile and its tags."""
    texts = [
        f"{profile} {', '.join(tags)}".strip()
        for profile, tags in frame.select("profile", "tags").iter_rows()
    ]
    vectors = embed_once(lake, texts, embedder)
    return frame.with_columns(
        vector=vector_series(vectors),
        embedding=pl.lit(embedder.name),
    ).select(list(PROFILES))
