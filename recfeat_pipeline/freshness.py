"""What is stale, decided once: a product is fresh while what it was made of has not changed.

What something is made of is a hash of content, never of times: a file that is written again
with the same content, or a store whose answers returned to what they were, makes nothing stale.
Lake products keep theirs in a note (``made_of/``), tables of the feature store in the store
(:mod:`recfeat_pipeline.sql_models`), models with the run
(:mod:`recfeat_pipeline.models.made_of`). Dagster's data versions, `recfeat status`
and the sensor that retrains ask here.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from recfeat_pipeline.lake import Lake


def joint_hash(parts: Iterable[str]) -> str:
    """One hash of several, in their order."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def frame_hash(frame: pl.DataFrame) -> str:
    """A hash of a table's schema and of its rows in their order."""
    digest = hashlib.sha256(repr(frame.schema).encode())
    digest.update(frame.hash_rows(seed=0).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def tables_hash(lake: Lake, *tables: str) -> str:
    """A hash of all that lake tables hold, by their files; reads the end of each."""
    paths = (path for table in tables for path in lake.table_paths(table))
    return joint_hash(f"{path} {lake.content_hash(path)}" for path in paths)


def files_hash(paths: Iterable[Path]) -> str:
    """A hash of the user's own files, by name and content; one that is gone counts as that."""
    parts = []
    for path in paths:
        if path.is_file():
            with path.open("rb") as file:
                parts.append(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}")
        else:
            parts.append(f"{path.name} is gone")
    return joint_hash(parts)


def stamp(lake: Lake, product: str, made_of: str) -> None:
    """Write down what a product was made of; after it, so that the note vouches for it."""
    lake.write_note("made_of", {"fingerprint": made_of}, product=product)


def is_fresh(lake: Lake, product: str, made_of: str) -> bool:
    """Whether it would be made of the same today; False for one of a release without stamps."""
    return (lake.read_note("made_of", product=product) or {}).get("fingerprint") == made_of
