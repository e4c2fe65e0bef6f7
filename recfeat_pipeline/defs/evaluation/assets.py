"""Evaluation: metric tables over the ranks, and the report."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from recfeat_pipeline.content.slot import ContentUnavailable
from recfeat_pipeline.defs.about import about
from recfeat_pipeline.defs.automation import FOLLOW_IN_STORE
from recfeat_pipeline.defs.evaluation.declared import (
    all_arms,
    declared_pairs,
    deterministic_arms,
)
from recfeat_pipeline.defs.evaluation.provenance import collect_provenance
from recfeat_pipeline.defs.evaluation.reranking import reranking
from recfeat_pipeline.defs.feature_store.sql import sql_assets
from recfeat_pipeline.defs.resources import FeatureStoreResource, LakeResource
from recfeat_pipeline.defs.running import BY_COMMAND, USER
from recfeat_pipeline.defs.training.inputs import load_inputs
from recfeat_pipeline.defs.training.stored import StoredRun
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.freshness import frame_hash, stamp
from recfeat_pipeline.layout import REPORT
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.schemas import SHOWN_TEXT
from recfeat_pipeline.sections import BESIDE
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.store import store_made_of

metrics = sql_assets("evaluation")
COMPARED = [["features", "item_features"], ["features", "genome"], ["features", "dimensions"]]


@dg.asset(
    key=["lake", "contrasts"],
    deps=[["metrics", "ranks"], ["metrics", "slices"]],
    **about("evaluation", "contrasts"),
    kinds={"numpy", "parquet"},
    automation_condition=FOLLOW_IN_STORE,
)
def contrasts(lake: LakeResource, store: FeatureStoreResource) -> dg.MaterializeResult:
    """What each pair of arms differs by, with intervals that take users and seeds as units.

    One row per arm, reference, slice and metric; an arm's file says what it is held against.
    """
    from recfeat_pipeline.evaluation.contrasts import contrast_arms

    target = lake.open()
    with store.get_connection() as connection:
        ranks = connection.sql("SELECT arm, seed, example_id, user_id, rank FROM metrics.ranks")
        slices = connection.sql("SELECT example_id, slice FROM metrics.slices")
        frame = contrast_arms(
            ranks.pl(), slices.pl(), declared_pairs(target), deterministic_arms(target)
        )
    target.write("contrasts", frame)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": frame.height},
        data_version=dg.DataVersion(frame_hash(frame)),
    )


@dg.asset(
    key=["lake", "cold_contrasts"],
    deps=[["lake", "cold_ranks"], ["metrics", "cold_start"]],
    **about("evaluation", "cold_contrasts"),
    kinds={"numpy", "parquet"},
    automation_condition=FOLLOW_IN_STORE,
)
def cold_contrasts(lake: LakeResource, store: FeatureStoreResource) -> dg.MaterializeResult:
    """What each pair of arms differs by on held-back items, paired by seed.

    One row per arm, reference, warmth of the items and metric; empty without cold-start runs.
    """
    from recfeat_pipeline.evaluation.cold_contrasts import contrast_cold

    target = lake.open()
    with store.get_connection() as connection:
        counted = connection.sql(
            "SELECT DISTINCT arm, seed::VARCHAR AS seed FROM metrics.cold_start"
        ).pl()
    ranks = target.read("cold_ranks").join(counted, on=["arm", "seed"], how="semi")
    frame = contrast_cold(ranks, declared_pairs(target))
    target.write("cold_contrasts", frame)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": frame.height},
        data_version=dg.DataVersion(frame_hash(frame)),
    )


@dg.asset(
    key=["lake", "list_metrics"],
    deps=[["lake", "ranks"], ["lake", "events"], ["lake", "items"]],
    **about("evaluation", "list_metrics"),
    kinds={"scipy", "parquet"},
    automation_condition=FOLLOW_IN_STORE,
)
def list_metrics(lake: LakeResource) -> dg.MaterializeResult:
    """What the lists of each run are like: coverage, evenness, novelty, similarity.

    One row per arm, seed, metric and cut-off; imported ranks have no lists.
    """
    from recfeat_pipeline.evaluation.list_metrics import measure_lists

    target = lake.open()
    frame = measure_lists(*(target.read(name) for name in ("top_lists", "events", "items")))
    target.write("list_metrics", frame)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": frame.height},
        data_version=dg.DataVersion(frame_hash(frame)),
    )


@dg.asset(
    key=["lake", "arms"],
    **about("evaluation", "arms"),
    kinds={"toml", "parquet"},
)
def arms(lake: LakeResource) -> dg.MaterializeResult:
    """The arms as their files, or their imports, declare them. One row per arm."""
    target = lake.open()
    frame = all_arms(target)
    target.write("arms", frame)
    return dg.MaterializeResult(metadata={"dagster/row_count": frame.height})


@dg.multi_asset(
    name="agreement",
    specs=[
        dg.AssetSpec(
            ["lake", name],
            deps=[
                ["features", "item_features"],
                ["features", "genome"],
                ["features", "dimensions"],
            ],
            kinds={"numpy", "parquet"},
            **about("evaluation", name),
            description=text,
            automation_condition=FOLLOW_IN_STORE,
        )
        for name, text in (
            (
                "agreement_intervals",
                "Agreement of scores and curated tags with intervals over items, and with "
                "popularity held fixed. One row per version and dimension, and per group.",
            ),
            (
                "agreement_contrasts",
                "How prompt versions differ in agreement with the curated tags. One row per pair "
                "of versions and group.",
            ),
            (
                "version_agreement",
                "How alike the scores of two prompt versions are: model against model, text "
                "against text. One row per pair of versions and dimension, and per group.",
            ),
        )
    ],
)
def agreement(lake: LakeResource, store: FeatureStoreResource) -> Iterator[dg.MaterializeResult]:
    """Correlate every version's scores with the curated tags that they stand for."""
    from recfeat_pipeline.evaluation.agreement import (
        agreement_contrasts,
        agreement_intervals,
        version_agreement,
    )

    with store.get_connection() as connection:
        features, tags, dimensions, items = (
            connection.sql(f"FROM {table}").pl()
            for table in (
                "features.item_features",
                "features.genome",
                "features.dimensions",
                "catalog.items",
            )
        )
    for name, frame in (
        ("agreement_intervals", agreement_intervals(features, tags, dimensions, items)),
        ("agreement_contrasts", agreement_contrasts(features, tags, dimensions)),
        ("version_agreement", version_agreement(features, dimensions)),
    ):
        lake.open().write(name, frame)
        yield dg.MaterializeResult(
            asset_key=["lake", name],
            metadata={"dagster/row_count": frame.height},
            data_version=dg.DataVersion(frame_hash(frame)),
        )


@dg.asset(
    key=["lake", "shown_text"],
    deps=[["features", "documents"]],
    **about("evaluation", "shown_text"),
    kinds={"polars", "parquet"},
    automation_condition=FOLLOW_IN_STORE,
)
def shown_text(lake: LakeResource, settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
    """How much text the calls of a probe show, the dose of its dose response.

    One row per probe arm that asks on the promoted version's dimensions, and the arm they are held
    against.
    """
    from recfeat_pipeline.extraction.prompts import same_dimensions, version_of_arm
    from recfeat_pipeline.extraction.requests import shown

    target, prompts, rows = lake.open(), settings.prompts, []
    documents, own = target.read("documents"), version_of_arm(target, None, prompts)
    told = (arm for arm in load_arms().values() if arm.role == "probe" or arm.id == "llm")
    for arm in told:
        version = version_of_arm(target, arm.content.prompt_version, prompts)
        if documents.height and version and same_dimensions(version, own):
            text = shown(documents, version)
            rows.append((arm.id, version.name, text.str.len_chars().mean(), len(text)))
    frame = pl.DataFrame(rows, schema=SHOWN_TEXT, orient="row")
    target.write("shown_text", frame)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": frame.height},
        data_version=dg.DataVersion(frame_hash(frame)),
    )


@dg.asset(
    key=["lake", "neighbours"],
    deps=[
        *COMPARED,
        ["features", "item_profiles"],
        ["features", "document_vectors"],
        ["lake", "events"],
        ["lake", "items"],
    ],
    **about("evaluation", "neighbours"),
    kinds={"pytorch", "parquet"},
    automation_condition=FOLLOW_IN_STORE,
)
def neighbours(
    context: dg.AssetExecutionContext, lake: LakeResource, store: FeatureStoreResource
) -> dg.MaterializeResult:
    """Whether items that are near in content have the same users.

    One row per item, for each trained arm that has content; what a new item's neighbours are worth.
    """
    from recfeat_pipeline.models.neighbours import CoWatched

    target, mean_overlap = lake.open(), {}
    trained = target.read("runs").filter(pl.col("content_width") > 0)["arm"].unique().sort()
    co_watched = CoWatched.of(target.read("events"), target.read("items"))
    for arm in (load_arms()[arm_id] for arm_id in trained if arm_id in load_arms()):
        try:
            with store.get_connection() as connection:
                inputs = load_inputs(target, connection, arm)
        except ContentUnavailable as reason:  # since it was trained
            context.log.warning(f"Arm {arm.id}: {reason}")
            continue
        frame = co_watched.overlap(inputs.content.matrix)
        target.write("neighbours", frame, arm=arm.id)
        mean_overlap[arm.id] = float(frame["overlap"].to_numpy().mean()) if frame.height else 0.0
    return dg.MaterializeResult(metadata=mean_overlap)


@dg.asset(
    key=["lake", "canaries"],
    deps=[["lake", "runs"], *COMPARED],
    **about("evaluation", "canaries"),
    kinds={"pytorch", "parquet"},
    automation_condition=FOLLOW_IN_STORE,
)
def canaries(
    context: dg.AssetExecutionContext, lake: LakeResource, store: FeatureStoreResource
) -> dg.MaterializeResult:
    """What trained arms recommend to people one can picture, for a reader's own judgement.

    One row per arm, list and position, for the first seed that was trained.
    """
    from recfeat_pipeline.defs.training.served import load_scorer
    from recfeat_pipeline.models.canaries import canaries, read_personas

    target, n_rows = lake.open(), 0
    trained = target.read("runs").filter(pl.col("steps") > 0)
    for arm_id, seed in trained.group_by("arm").agg(pl.col("seed").cast(pl.Int32).min()).rows():
        arm = load_arms().get(arm_id)
        if arm is None or arm.role in ("control", "probe") or arm.section in BESIDE:
            continue
        run = StoredRun(target, arm, seed)
        try:
            with store.get_connection() as connection:
                inputs = load_inputs(target, connection, arm, seed)
            scorer = load_scorer(run, inputs)
        except RecfeatError as reason:  # it is of an older catalogue: its lists stay
            context.log.warning(f"Arm {arm.id}: {reason}")
            continue
        items = inputs.data.items
        frame = canaries(scorer, run.item_vectors(), items, read_personas(items))
        target.write("canaries", frame, **run.key)
        n_rows += frame.height
    return dg.MaterializeResult(metadata={"dagster/row_count": n_rows})


@dg.asset(
    deps=[*metrics.keys, ["ops", "llm_calls"]],
    kinds={"html", "matplotlib"},
    **about("evaluation"),
    automation_condition=FOLLOW_IN_STORE,
)
def report(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    store: FeatureStoreResource,
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult:
    """One self-contained HTML file that says whether LLM features are worth it here."""
    from recfeat_pipeline.report.figures import key_figures
    from recfeat_pipeline.report.html import render_report

    target = lake.open()
    if not context.run.tags.get(USER, "").endswith(BY_COMMAND):
        target.write_note("command", {"started": "by the UI, a schedule or a sensor"})
    with store.get_connection() as connection:
        provenance = collect_provenance(target, connection, settings)
        html = render_report(connection, provenance)
        figures = key_figures(connection, provenance)
        made_of = store_made_of(connection)
    target.write_bytes(REPORT, html.encode())
    stamp(target, "report", made_of)
    images = {figure.title: dg.MetadataValue.md(figure.to_markdown_image()) for figure in figures}
    path = dg.MetadataValue.path(target.path(REPORT))
    return dg.MaterializeResult(metadata={"report": path, **images})


assets = [
    metrics, arms, list_metrics, contrasts, cold_contrasts, reranking, agreement, shown_text,
    neighbours, canaries, report,
]  # fmt: skip
