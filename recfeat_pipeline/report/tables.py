"""What the report reads of the feature store; a table or column that is absent is empty."""

from importlib.resources import files
from typing import Any

import duckdb
import polars as pl

from recfeat_pipeline import schemas

Schema = dict[str, Any]

RANKING: Schema = {
    "arm": pl.String,
    "seed": pl.Int64,
    "slice": pl.String,
    "metric": pl.String,
    "k": pl.Int64,
    "value": pl.Float64,
    "n": pl.Int64,
}
LISTS: Schema = {
    "arm": pl.String,
    "seed": pl.Int64,
    "metric": pl.String,
    "k": pl.Int64,
    "value": pl.Float64,
    "n": pl.Int64,
}
AGREEMENT: Schema = {
    "version": pl.String,
    "group": pl.String,
    "dimension": pl.String,
    "genome_tags": pl.List(pl.String),
    "pearson_r": pl.Float64,
    "spearman_r": pl.Float64,
    "n_items": pl.Int64,
}
TAXONOMIES: Schema = {"version": pl.String, "taxonomy": pl.String}
LADDER: Schema = {
    "content": pl.String,
    "rich": pl.Float64,
    "base": pl.Float64,
    "delta": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
}
RUNS: Schema = {"arm": pl.String, "seed": pl.Int64, **schemas.RUNS}
COLD: Schema = {
    "arm": pl.String,
    "seed": pl.Int64,
    "n_train": pl.Int64,
    "candidates": pl.String,
    "metric": pl.String,
    "k": pl.Int64,
    "value": pl.Float64,
    "n": pl.Int64,
}
NEIGHBOURS: Schema = {
    "arm": pl.String,
    "k": pl.Int64,
    "overlap": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "expected": pl.Float64,
    "n_items": pl.Int64,
}
PROBES: Schema = {
    "arm": pl.String,
    "prompt_version": pl.String,
    "mean_chars": pl.Float64,
    "agreement_r": pl.Float64,
    "agreement_low": pl.Float64,
    "agreement_high": pl.Float64,
    "over_floor": pl.Float64,
    "over_floor_low": pl.Float64,
    "over_floor_high": pl.Float64,
    "over_llm": pl.Float64,
    "over_llm_low": pl.Float64,
    "over_llm_high": pl.Float64,
    "status": pl.String,
}
CANARIES: Schema = {
    "kind": pl.String,
    "name": pl.String,
    "arm": pl.String,
    "position": pl.Int64,
    "title": pl.String,
}
COST: Schema = {
    "version": pl.String,
    "group": pl.String,
    "model": pl.String,
    "backend": pl.String,
    "calls": pl.Int64,
    "failed": pl.Int64,
    "attempts": pl.Int64,
    "prompt_tokens": pl.Int64,
    "cached_tokens": pl.Int64,
    "completion_tokens": pl.Int64,
    "cost_usd": pl.Float64,
    "priced_calls": pl.Int64,
    "median_latency_ms": pl.Float64,
    "first_at": pl.Datetime("us", "UTC"),
    "last_at": pl.Datetime("us", "UTC"),
}
FINGERPRINTS: Schema = {
    "item_id": pl.String,
    "title": pl.String,
    "n_ratings": pl.Int64,
    "group": pl.String,
    "dimension": pl.String,
    "score": pl.Float64,
}
ITEMS: Schema = {
    "n_items": pl.Int64,
    "n_corpus": pl.Int64,
    "median_ratings": pl.Float64,
    "n_scored": pl.Int64,
    "n_tagged": pl.Int64,
    "n_films": pl.Int64,
}
TEXT: Schema = {"low": pl.Int64, "high": pl.Int64, "n_items": pl.Int64, "in_corpus": pl.Boolean}
PROFILES: Schema = {"name": pl.String, "mean_chars": pl.Float64}
PAGES: Schema = {
    "item_id": pl.String,
    "item": pl.String,
    "source": pl.String,
    "page": pl.String,
    "url": pl.String,
    "used": pl.Boolean,
    "doubt": pl.Float64,
    "reason": pl.String,
}


class Store:
    """Typed reads from a connection, which may be read-only and lack any table."""

    def __init__(self, connection: duckdb.DuckDBPyConnection):
        self._connection = connection
        self._have = {
            f"{schema}.{table}"
            for schema, table in connection.execute(
                "SELECT table_schema, table_name FROM information_schema.tables "
                "WHERE table_catalog = current_database()"
            ).fetchall()
        }

    def table(self, name: str, schema: Schema) -> pl.DataFrame:
        """A whole table in the given schema."""
        if name not in self._have:
            return pl.DataFrame(schema=schema)
        return _typed(self._connection.table(name).pl(), schema)

    def query(self, name: str, schema: Schema, *needs: str, **parameters: Any) -> pl.DataFrame:
        """The rows of ``sql/<name>.sql``; none when a table that it ``needs`` is absent."""
        if not self._have.issuperset(needs):
            return pl.DataFrame(schema=schema)
        sql = files(__package__).joinpath(f"sql/{name}.sql").read_text(encoding="utf-8")
        return _typed(self._connection.sql(sql, params=parameters).pl(), schema)


def _typed(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """The schema's columns in its order and types; a column that is missing is null."""
    missing = [pl.lit(None).alias(name) for name in schema if name not in frame.columns]
    return frame.with_columns(missing).select(
        pl.col(name).cast(dtype) for name, dtype in schema.items()
    )
