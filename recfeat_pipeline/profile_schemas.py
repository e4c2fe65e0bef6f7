"""Tables of what a model writes in prose: see :mod:`recfeat_pipeline.schemas`."""

import polars as pl

from recfeat_pipeline.schemas import ID, Schema

PROFILES: Schema = {
    "item_id": ID,
    "profile": pl.String,  # two sentences
    "tags": pl.List(pl.String),  # four; empty where the source has none
    "vector": pl.List(pl.Float32),  # of the profile and its tags; L2-normalised
    "embedding": pl.String,  # what made the vector: a model's name, "hashed-ngrams-256-v1"
    "model": pl.String,  # what wrote the profile
    "prompt_version": pl.String,
    "cache_key": pl.String,  # null for imported profiles
    "generated_at": pl.Datetime("us", "UTC"),
}
"""One row per item of one profile version."""

GENERATED: Schema = {
    "item_id": ID,
    "generated_text": pl.String,  # an LLM's words, of what a document says and of what it knows
    "attributes": pl.List(pl.String),
    "vector": pl.List(pl.Float32),  # of the text and its attributes; L2-normalised
    "embedding": pl.String,  # what made the vector: a model's name, "hashed-ngrams-256-v1"
    "model": pl.String,  # what wrote the text
    "prompt_version": pl.String,
    "cache_key": pl.String,
    "generated_at": pl.Datetime("us", "UTC"),
}
"""One row per item of one version that expands texts. No document is made of it."""

USER_PROFILES: Schema = {
    "user_id": ID,
    "history": pl.List(pl.String),  # ids of the items it was written from, newest first
    **{name: dtype for name, dtype in PROFILES.items() if name != "item_id"},
}
"""One row per user of one profile version, written from training events alone."""
