"""Profiles of users: what their training events say of their taste, asked as items' profiles are.

A profile is written again only when enough of its history is new: people act every day, and most of
that says what was known.
"""

from collections.abc import Sequence

import polars as pl

from recfeat_pipeline.extraction.embeddings import Embedder
from recfeat_pipeline.extraction.keys import sha256
from recfeat_pipeline.extraction.profiles import read_profiles
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.lake import Lake, shard_of
from recfeat_pipeline.profile_schemas import USER_PROFILES
from recfeat_pipeline.rendering import clean
from recfeat_pipeline.schemas import DOCUMENTS

NEWEST = 50
"""Events of a history that a profile is written from."""


def user_documents(events: pl.DataFrame, items: pl.DataFrame, newest: int = NEWEST) -> pl.DataFrame:
    """One document a user: the history of training events, newest first, with ratings where known.

    What is not of the split ``train`` is left out here, so that no caller can show a model what an
    arm is then tested on. Who has no training event has no document.

    Args:
        events: :data:`~recfeat_pipeline.schemas.EVENTS`.
        items: :data:`~recfeat_pipeline.schemas.ITEMS`, for titles.
        newest: how many events are shown.

    Returns:
        ``user_id`` and DOCUMENTS columns but ``fields``, with the newest item's id, for the ledger
        keeps ids of items; ``history``, as
        :data:`~recfeat_pipeline.profile_schemas.USER_PROFILES` has it, and ``taken``, that uncut.
    """
    rated = pl.when(pl.col("rating").is_not_null()).then(
        ", rated " + pl.col("rating").round(1).cast(pl.String)
    )
    named = items.select("item_index", "item_id", "title").drop_nulls("item_index")
    lines = (
        events.filter(pl.col("split") == "train")
        .sort("user_id", "position", descending=[False, True])
        .join(named, on="item_index", maintain_order="left")
        .with_columns(number=pl.int_range(1, pl.len() + 1).over("user_id"))
        .select(
            "user_id",
            "item_id",
            line=pl.format("{}. {}{}", "number", clean(pl.col("title")), rated.fill_null("")),
            item=pl.col("item_id").cast(pl.String),
        )
    )
    users = lines.group_by("user_id", maintain_order=True).agg(
        text=pl.col("line").head(newest).str.join("\n"),
        history=pl.col("item").head(newest),
        taken=pl.col("item"),
        item_id=pl.col("item_id").first(),
    )
    return users.select(
        "user_id",
        "item_id",
        title=pl.format("User {}", "user_id"),
        text="text",
        content_hash=pl.Series([sha256(text) for text in users["text"]], dtype=pl.String),
        n_chars=pl.col("text").str.len_chars().cast(DOCUMENTS["n_chars"]),
        history="history",
        taken="taken",
    )


def users_due(
    lake: Lake, version: PromptVersion, model: str, changed: float, shards: Sequence[str]
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """By shard: the documents that are :func:`due`, and the USER_PROFILES held of users there are.

    Args:
        lake: holds events, items and profiles.
        version: asks for users' profiles.
        model: who would be asked.
        changed: the share of a history that must be new.
        shards: of users.
    """
    users = user_documents(lake.read("events"), lake.read("items"))
    users = users.with_columns(shard=shard_of(users["user_id"], lake.n_shards))
    asked, held = {}, {}
    for shard in shards:
        documents = users.filter(shard=shard)
        found = lake.read("user_profiles", version=version.key, shard=shard)
        held[shard] = found.join(documents, on="user_id", how="semi", maintain_order="left")
        asked[shard] = due(documents, held[shard], model, changed)
    return asked, held


def due(documents: pl.DataFrame, held: pl.DataFrame, model: str, changed: float) -> pl.DataFrame:
    """The documents of users whose profile is missing, of another model, or of another history.

    A profile that was written from what is no training event any more, since the split is another
    one now, is never kept.

    Args:
        documents: of :func:`user_documents`.
        held: USER_PROFILES of the same version.
        model: who would be asked.
        changed: the share of a history that must be new. 0: any new item.
    """
    known = held.filter(model=model).select("user_id", before="history")
    new = pl.col("history").list.set_difference("before").list.len()
    gone = pl.col("before").list.set_difference("taken").list.len()
    share = new / pl.col("history").list.n_unique()
    again = pl.col("before").is_null() | ((share >= changed) & (new > 0)) | (gone > 0)
    return (
        documents.join(known, on="user_id", how="left", maintain_order="left")
        .filter(again)
        .drop("before")
    )


def read_user_profiles(
    documents: pl.DataFrame,
    held: pl.DataFrame,
    version: PromptVersion,
    lake: Lake,
    shard: str,
    model: str,
    embedder: Embedder,
) -> pl.DataFrame:
    """The USER_PROFILES of one shard, sending nothing: new ones as bought, the others as they were.

    Args:
        documents: those that were :func:`due`.
        held: what the shard held before; of users who have no answer yet, it stays.
        version: and
        lake: and
        shard: and
        model: and
        embedder: as of :func:`~recfeat_pipeline.extraction.profiles.read_profiles`.
    """
    of_users = documents.with_columns(item_id="user_id")
    made = read_profiles(of_users, version, lake, shard, model, embedder)
    made = made.rename({"item_id": "user_id"})
    new = made.join(documents.select("user_id", "history"), on="user_id", maintain_order="left")
    kept = held.join(new, on="user_id", how="anti")
    columns = list(USER_PROFILES)
    return pl.concat([new.select(columns), kept.select(columns)]).sort("user_id")
