"""The report's inputs: every frame it shows, read once, and what is worked out from them."""

from dataclasses import dataclass
from typing import Any

import duckdb
import polars as pl

from recfeat_pipeline import reranking_schemas, schemas
from recfeat_pipeline.report import tables
from recfeat_pipeline.report.provenance import Provenance
from recfeat_pipeline.report.roles import Roles, find_roles


@dataclass(frozen=True)
class Inputs:
    """The frames of the report, in the schemas of ``report/tables.py``, and what follows."""

    ranking: pl.DataFrame
    lists: pl.DataFrame
    contrasts: pl.DataFrame
    agreement: pl.DataFrame
    taxonomies: pl.DataFrame
    intervals: pl.DataFrame
    version_agreement: pl.DataFrame
    probes: pl.DataFrame
    cold: pl.DataFrame
    cold_contrasts: pl.DataFrame
    request_contrasts: pl.DataFrame
    rerankers: pl.DataFrame
    routes: pl.DataFrame
    neighbours: pl.DataFrame
    ladder: pl.DataFrame
    runs: pl.DataFrame
    canaries: pl.DataFrame
    cost: pl.DataFrame
    fingerprints: pl.DataFrame
    items: pl.DataFrame
    text: pl.DataFrame
    pages: pl.DataFrame
    profiles: pl.DataFrame
    provenance: Provenance
    roles: Roles

    def metric(self, metric: str, k: int | None = None, *, slice_: str = "all") -> pl.DataFrame:
        """Rows of one metric, cut-off and slice, one per arm and seed."""
        return self.ranking.filter(pl.col("k").eq_missing(k), metric=metric, slice=slice_)

    def headline_metric(self, metric: str) -> pl.DataFrame:
        """:meth:`metric` of the main comparison, and of other recommenders without content."""
        shown = [*self.roles.compared, *self.roles.others]
        return self.metric(metric).filter(pl.col("arm").is_in(shown))

    @property
    def best_baseline(self) -> str | None:
        """The other recommender with the best MRR; None when none was run."""
        return max(self.roles.others, key=lambda arm: self.mean(arm, "mrr") or 0.0, default=None)

    def mean(self, arm: str | None, metric: str, k: int | None = None, slice_: str = "all") -> Any:
        """The mean of an arm's metric over its seeds; None when it was not measured."""
        rows = self.metric(metric, k, slice_=slice_)
        return rows.filter(pl.col("arm").eq_missing(arm))["value"].mean()

    def contrast(
        self, arm: str | None, reference: str | None, metric: str = "mrr", slice_: str = "all"
    ) -> dict[str, Any] | None:
        """The measured difference of two arms, in that direction; None when there is none."""
        if arm is None or reference is None:
            return None
        rows = self.contrasts_of(metric).filter(arm=arm, reference=reference, slice=slice_)
        return rows.row(0, named=True) if rows.height else None

    def cold_contrast(self, arm: str, reference: str) -> dict[str, Any] | None:
        """The measured difference of two arms on items without training interactions, among all."""
        base = pl.col("reference_value")
        rows = self.cold_contrasts.filter(
            pl.col("k").is_null(), arm=arm, reference=reference, n_train=0, candidates="all",
            metric="mrr",
        ).with_columns(
            change=pl.col("delta") / base,
            change_low=pl.col("ci_low") / base,
            change_high=pl.col("ci_high") / base,
        ).filter(pl.col("change").is_finite())  # fmt: skip
        return rows.row(0, named=True) if rows.height else None

    def draws(self, *arms: str | None) -> bool:
        """Whether seeds matter to any of the arms: what is solved in closed form has no luck."""
        notes = self.provenance.arms
        return any(notes[arm].draws if arm in notes else True for arm in arms if arm)

    @property
    def are_films(self) -> bool:
        """Whether most items have a film's ids: of others the published study says nothing."""
        return bool((self.items["n_films"] > 0.5 * self.items["n_items"]).any())

    @property
    def slice_names(self) -> frozenset[str]:
        """Slices that have examples."""
        return frozenset(self.ranking["slice"].drop_nulls())

    def contrasts_of(self, metric: str, k: int | None = None) -> pl.DataFrame:
        """Contrasts of a metric and cut-off, with ``change, change_low, change_high``.

        Changes are relative to the reference's value.
        """
        base = pl.col("reference_value")
        return (
            self.contrasts.filter(pl.col("k").eq_missing(k), metric=metric)
            .with_columns(
                change=pl.col("delta") / base,
                change_low=pl.col("ci_low") / base,
                change_high=pl.col("ci_high") / base,
            )
            .filter(pl.col("change").is_finite())
        )

    def changes_over_floor(self, metric: str) -> pl.DataFrame:
        """How the content arms and the first control change a metric without cut-off, by slice.

        Columns arm, slice, value, floor, change, n, and change_low and change_high, null where no
        contrast was computed.
        """
        shown = [*self.roles.main, *self.roles.controls[:1]]
        means = (
            self.ranking.filter(
                pl.col("arm").is_in(shown),
                pl.col("k").is_null(),
                metric=metric,
            )
            .group_by("arm", "slice")
            .agg(pl.col("value").mean(), pl.col("n").max())
        )
        at_floor = pl.col("arm").eq_missing(self.roles.floor)
        bounds = self.contrasts_of(metric).filter(pl.col("reference").eq_missing(self.roles.floor))
        return (
            means.filter(~at_floor)
            .join(means.filter(at_floor).select("slice", floor="value"), on="slice")
            .with_columns(change=pl.col("value") / pl.col("floor") - 1)
            .filter(pl.col("change").is_finite())
            .join(
                bounds.select("arm", "slice", "change_low", "change_high"),
                on=["arm", "slice"],
                how="left",
            )
            .sort("arm", "slice")
        )

    def main_contrasts(self, metric: str) -> pl.DataFrame:
        """Contrasts on all examples within the main comparison and its controls."""
        inside = self.roles.compared
        return self.contrasts_of(metric).filter(
            pl.col("arm").is_in(inside), pl.col("reference").is_in(inside), slice="all"
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
    store = tables.Store(connection)
    ranking = store.table("metrics.ranking", tables.RANKING)
    runs = store.table("ops.runs", tables.RUNS)
    contrasts = store.table("metrics.contrasts", schemas.CONTRASTS)
    features = ("catalog.items", "features.item_features", "features.dimensions")
    return Inputs(
        ranking=ranking,
        lists=store.table("metrics.lists", tables.LISTS),
        contrasts=contrasts,
        agreement=store.table("metrics.agreement", tables.AGREEMENT),
        taxonomies=store.table("features.dimensions", tables.TAXONOMIES).unique(),
        intervals=store.table("metrics.agreement_intervals", schemas.AGREEMENT_INTERVALS),
        version_agreement=store.table("metrics.version_agreement", schemas.VERSION_AGREEMENT),
        probes=store.table("metrics.probes", tables.PROBES),
        cold=store.table("metrics.cold_start", tables.COLD),
        cold_contrasts=store.table("metrics.cold_contrasts", schemas.COLD_CONTRASTS),
        request_contrasts=store.table(
            "metrics.request_contrasts", reranking_schemas.REQUEST_CONTRASTS
        ),
        rerankers=store.table("metrics.rerankers", reranking_schemas.RERANKERS),
        routes=store.table("metrics.routes", reranking_schemas.ROUTES),
        neighbours=store.table("metrics.neighbour_overlap", tables.NEIGHBOURS),
        ladder=store.query("ladder", tables.LADDER, "metrics.substitution_ladder"),
        runs=runs,
        canaries=store.query("canaries", tables.CANARIES, "metrics.canaries"),
        cost=store.query("cost", tables.COST, "ops.llm_calls"),
        fingerprints=store.query(
            "fingerprints", tables.FINGERPRINTS, *features, version=provenance.prompt_version
        ),
        items=store.query("items", tables.ITEMS, *features, "features.genome"),
        text=store.query("text_lengths", tables.TEXT, "catalog.items", "features.documents"),
        pages=store.query("pages", tables.PAGES, "catalog.items", "features.identity"),
        profiles=store.query("profiles", tables.PROFILES, "features.item_profiles"),
        provenance=provenance,
        roles=find_roles(runs, ranking, contrasts, provenance),
    )
