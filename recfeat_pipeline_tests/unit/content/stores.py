"""A feature store in memory, for content."""

import duckdb
import polars as pl

from recfeat_pipeline.schemas import DIMENSIONS
from recfeat_pipeline_tests.unit.models.worlds import make_items

VERSION = "v1@0"
TAXONOMY = pl.DataFrame(
    {
        "taxonomy": ["t"] * 3,
        "group": ["mood", "mood", "place"],
        "dimension": ["tense", "funny", "space"],
        "gloss": [""] * 3,
        "genome_tags": [["tense"], ["funny", "comedy"], ["space"]],
        "position": [0, 1, 2],
    },
    schema=DIMENSIONS,
)
SCORES = {"item_id": pl.Int64, "dimension": pl.String, "score": pl.Float32}
TAGS = {"item_id": pl.Int64, "tag": pl.String, "relevance": pl.Float32}


def make_store(
    n_items: int,
    *,
    scores: pl.DataFrame | None = None,
    tags: pl.DataFrame | None = None,
    profiles: pl.DataFrame | None = None,
    texts: pl.DataFrame | None = None,
    generated: pl.DataFrame | None = None,
    items: pl.DataFrame | None = None,
    documents: pl.DataFrame | None = None,
) -> duckdb.DuckDBPyConnection:
    """Tables of N corpus items, with the scores under VERSION; what is not given is empty."""
    store = duckdb.connect()
    vectors = {"item_id": pl.Int64, "version": pl.String, "vector": pl.List(pl.Float32),
               "generated_at": pl.Int64}  # fmt: skip
    tables = {
        "catalog.items": make_items(n_items) if items is None else items,
        "features.dimensions": TAXONOMY.with_columns(version=pl.lit(VERSION)),
        "features.item_features": (
            pl.DataFrame(schema=SCORES) if scores is None else scores
        ).with_columns(version=pl.lit(VERSION)),
        "features.genome": pl.DataFrame(schema=TAGS) if tags is None else tags,
        "features.document_vectors": pl.DataFrame(schema=vectors) if texts is None else texts,
        "features.generated_texts": (
            pl.DataFrame(schema=vectors) if generated is None else generated
        ),
        "features.documents": (
            pl.DataFrame(schema={"item_id": pl.Int64, "text": pl.String, "n_chars": pl.Int32})
            if documents is None
            else documents
        ),
        "features.item_profiles": pl.DataFrame(schema=vectors) if profiles is None else profiles,
    }
    for name, frame in tables.items():
        store.execute(f"CREATE SCHEMA IF NOT EXISTS {name.partition('.')[0]}")
        store.register("frame", frame)
        store.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
    return store
