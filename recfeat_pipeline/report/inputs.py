"""Reads everything the report shows, once; what is absent becomes a typed, empty frame."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import duckdb
import polars as pl

from recfeat_pipeline.report.provenance import Provenance
from recfeat_pipeline.report.roles import Roles, find_roles

Schema = dict[str, Any]

RANKING: Schema = {
    "corpus": pl.String,
    "arm": pl.String,
    "seed": pl.Int64,
    "slice": pl.String,
    "metric": pl.String,
    "k": pl.Int64,
    "value": pl.Float64,
    "n": pl.Int64,
}
CONTRASTS: Schema = {
    "corpus": pl.String,
    "arm": pl.String,
    "baseline": pl.String,
    "slice": pl.String,
    "metric": pl.String,
    "k": pl.Int64,
    "delta": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
    "p_value": pl.Float64,
    "p_adjusted": pl.Float64,
    "n_seeds": pl.Int64,
    "n_users": pl.Int64,
    "margin": pl.Float64,  # of the equivalence test
    "p_equivalence": pl.Float64,
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
LADDER: Schema = {
    "content": pl.String,
    "corpus": pl.String,
    "rich": pl.Float64,
    "base": pl.Float64,
    "delta": pl.Float64,
    "ci_low": pl.Float64,
    "ci_high": pl.Float64,
}
RUNS: Schema = {
    "arm": pl.String,
    "seed": pl.Int64,
    "label": pl.String,
    "kind": pl.String,
    "n_parameters": pl.Int64,
    "content_width": pl.Int64,
    "content_coverage": pl.Float64,
    "steps": pl.Int64,
    "best_step": pl.Int64,
    "seconds": pl.Float64,
}
CANARIES: Schema = {
    "persona": pl.String,
    "liked": pl.List(pl.String),
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
}
TEXT: Schema = {"low": pl.Int64, "high": pl.Int64, "n_items": pl.Int64, "in_corpus": pl.Boolean}


@dataclass(frozen=True)
class Inputs:
    """The frames of the report, in the schemas above, and what was worked out from them."""

    ranking: pl.DataFrame
    contrasts: pl.DataFrame
    agreement: pl.DataFrame
    ladder: pl.DataFrame
    runs: pl.DataFrame
    canaries: pl.DataFrame
    cost: pl.DataFrame
    fingerprints: pl.DataFrame
    items: pl.DataFrame
    text: pl.DataFrame
    provenance: Provenance
    roles: Roles
    corpus: str | None  # the corpus that headlines are about: the one with the most examples

    def metric(self, metric: str, k: int | None = None, *, slice_: str = "all") -> pl.DataFrame:
        """Rows of the main corpus for one metric and slice, one per arm and seed."""
        chosen = self.ranking.filter(
            pl.col("corpus").eq_missing(self.corpus), metric=metric, slice=slice_
        )
        return chosen if k is None else chosen.filter(k=k)

    def mean(self, arm: str | None, metric: str, k: int | None = None, slice_: str = "all") -> Any:
        """The mean of an arm's metric over its seeds; None when it was not measured."""
        rows = self.metric(metric, k, slice_=slice_)
        return rows.filter(pl.col("arm").eq_missing(arm))["value"].mean()

    def contrast(
        self, arm: str | None, baseline: str | None, metric: str = "mrr", slice_: str = "all"
    ) -> dict[str, Any] | None:
        """The measured difference of two arms, in that direction; None when there is none."""
        if arm is None or baseline is None:
            return None
        rows = self.contrasts_of(metric).filter(arm=arm, baseline=baseline, slice=slice_)
        return rows.row(0, named=True) if rows.height else None

    def contrasts_of(self, metric: str) -> pl.DataFrame:
        """Contrasts of a metric on the main corpus (or on the only one, when they name none).

        ``change, change_low, change_high`` are relative to the baseline's mean on the slice.
        """
        base = (
            self.ranking.filter(pl.col("corpus").eq_missing(self.corpus), metric=metric)
            .group_by(pl.col("arm").alias("baseline"), "slice")
            .agg(pl.col("value").mean().alias("base"))
        )
        return (
            self.contrasts.filter(
                pl.col("corpus").is_null() | pl.col("corpus").eq_missing(self.corpus),
                metric=metric,
            )
            .join(base, on=["baseline", "slice"], how="left", maintain_order="left")
            .with_columns(
                change=pl.col("delta") / pl.col("base"),
                change_low=pl.col("ci_low") / pl.col("base"),
                change_high=pl.col("ci_high") / pl.col("base"),
            )
            .filter(pl.col("change").is_finite())
            .drop("base")
        )

    @property
    def own_agreement(self) -> pl.DataFrame:
        """Agreement of the version the content arm used, else of the last one in name order."""
        own = self.agreement.filter(version=self.provenance.prompt_version)
        if own.height or self.agreement.is_empty():
            return own
        return self.agreement.filter(pl.col("version").eq_missing(self.agreement["version"].max()))


def read_inputs(connection: duckdb.DuckDBPyConnection, provenance: Provenance) -> Inputs:
    """Read the store; the connection may be read-only and any table may be missing."""
    have = {
        f"{schema}.{table}"
        for schema, table in connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            "WHERE table_catalog = current_database()"
        ).fetchall()
    }

    def table(name: str, schema: Schema) -> pl.DataFrame:
        return _typed(connection.table(name).pl() if name in have else pl.DataFrame(), schema)

    def query(name: str, schema: Schema, *needs: str, **parameters: Any) -> pl.DataFrame:
        if not have.issuperset(needs):
            return pl.DataFrame(schema=schema)
        sql = files(__package__).joinpath(f"sql/{name}.sql").read_text(encoding="utf-8")
        return _typed(connection.sql(sql, params=parameters).pl(), schema)

    ranking = table("metrics.ranking", RANKING)
    runs = table("ops.runs", RUNS)
    features = ("catalog.items", "features.item_features", "features.dimensions")
    return Inputs(
        ranking=ranking,
        contrasts=table("metrics.contrasts", CONTRASTS),
        agreement=table("metrics.agreement", AGREEMENT),
        ladder=table("metrics.substitution_ladder", LADDER),
        runs=runs,
        canaries=table("metrics.canaries", CANARIES),
        cost=query("cost", COST, "ops.llm_calls"),
        fingerprints=query(
            "fingerprints", FINGERPRINTS, *features, version=provenance.prompt_version
        ),
        items=query("items", ITEMS, *features, "features.genome"),
        text=query("text_lengths", TEXT, "catalog.items", "features.documents"),
        provenance=provenance,
        roles=find_roles(runs, ranking, provenance),
        corpus=_main_corpus(ranking),
    )


def _typed(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """The schema's columns in its order and types; a column that is missing is null."""
    if not frame.width:
        return pl.DataFrame(schema=schema)
    missing = [pl.lit(None).alias(name) for name in schema if name not in frame.columns]
    return frame.with_columns(missing).select(
        pl.col(name).cast(dtype) for name, dtype in schema.items()
    )


def _main_corpus(ranking: pl.DataFrame) -> str | None:
    sizes = ranking.filter(slice="all").group_by("corpus").agg(pl.col("n").max())
    largest = sizes.sort("n", "corpus", descending=[True, False])
    return largest["corpus"][0] if largest.height else None
