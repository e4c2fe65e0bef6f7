"""Training: one model per arm and seed, and the rank of every test example under it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from recfeat_pipeline.defs.about import about
from recfeat_pipeline.defs.partitions import arm_and_seed, arm_seeds
from recfeat_pipeline.defs.resources import FeatureStoreResource, LakeResource, Reporter
from recfeat_pipeline.defs.step_resources import step_tags
from recfeat_pipeline.defs.training.prepared import prepare, prepare_order
from recfeat_pipeline.defs.training.reranking import Unasked
from recfeat_pipeline.models.arms import Arm, load_arms, pairs_from
from recfeat_pipeline.settings import Settings


class TrainingConfig(dg.Config):
    """Launch options of a training run."""

    steps: int | None = Field(
        None, description="Optimizer steps; unset: 24 passes over the catalogue's examples."
    )


TRAINED_ON = [
    ["lake", "items"],
    ["lake", "events"],
    ["lake", "examples"],
    ["features", "item_features"],
    ["features", "item_profiles"],
    ["features", "user_profiles"],
    ["features", "document_vectors"],
    ["features", "genome"],
]
COMMON: dict[str, Any] = {
    "kinds": {"pytorch", "lightning"},
    "partitions_def": arm_seeds,
    "skippable": True,
}
ASKS: dict[str, Any] = {
    "op_tags": step_tags("training"),
    "kinds": {"openai", "parquet"},
    "pool": "llm",
    "partitions_def": arm_seeds,
    "backfill_policy": dg.BackfillPolicy.multi_run(1),
}
"""Of the assets in which an LLM may be asked for an order."""


@dg.multi_asset(
    name="two_tower",
    op_tags=step_tags("training"),
    backfill_policy=dg.BackfillPolicy.multi_run(1),
    specs=[
        dg.AssetSpec(
            ["lake", "runs"],
            description="A fitted model: checkpoint, item vectors, "
            "training log. One row per arm and seed.",
            deps=[*TRAINED_ON, ["lake", "augmented_pairs"]],
            **about("training", "runs", costs="compute"),
            **COMMON,
        ),
        dg.AssetSpec(
            ["lake", "ranks"],
            description="Where the model ranks the item that the user really chose next, among "
            "all unseen items. One row per test example of an arm and seed.",
            deps=[["lake", "runs"]],
            **about("training", "ranks", costs="compute"),
            **COMMON,
        ),
    ],
)
def two_tower(
    context: dg.AssetExecutionContext,
    config: TrainingConfig,
    lake: LakeResource,
    store: FeatureStoreResource,
    settings: dg.ResourceParam[Settings],
    reporter: dg.ResourceParam[Reporter],
) -> Iterator[dg.MaterializeResult]:
    """Train the arm with the seed, choose its checkpoint on validation, rank the test examples."""
    # torch and lightning take seconds to import: not while Dagster loads the code
    from recfeat_pipeline.models.train import train_arm

    job = prepare(context, lake, store, settings, reporter, config.steps)
    if job is None:
        return
    if not job.run.is_current(job.made_from):
        new = job.run.begin(job.made_from)
        with reporter.bar(f"{job.arm.id}, seed {job.seed}") as progress:
            recipe = job.recipe(new.checkpoints, progress)
            result = train_arm(
                job.arm, job.inputs.data, job.inputs.content, recipe, job.inputs.report_split
            )
        new.save(result, job.inputs, job.steps, job.seen)
        job.run.take()
    yield dg.MaterializeResult(asset_key=["lake", "runs"], metadata=job.run.summary())
    yield dg.MaterializeResult(asset_key=["lake", "ranks"], metadata=job.run.quality())


@dg.asset(
    key=["lake", "cold_ranks"],
    op_tags=step_tags("training"),
    deps=TRAINED_ON,
    kinds={"pytorch", "lightning"},
    partitions_def=arm_seeds,
    **about("training", "cold_ranks", costs="compute"),
    backfill_policy=dg.BackfillPolicy.multi_run(1),
    output_required=False,
)
def cold_ranks(
    context: dg.AssetExecutionContext,
    config: TrainingConfig,
    lake: LakeResource,
    store: FeatureStoreResource,
    settings: dg.ResourceParam[Settings],
    reporter: dg.ResourceParam[Reporter],
) -> Iterator[dg.MaterializeResult]:
    """How the arm ranks new items, after a fifth of the items lost training interactions.

    One row per test user's choice of a held-back item, for an arm and seed.
    """
    from recfeat_pipeline.models.cold_start import build_cold_world, rank_cold

    job = prepare(context, lake, store, settings, reporter, config.steps)
    if job is None:
        return
    if job.arm.content.users or job.inputs.content.pairs is not None:
        reporter.note(
            f"{job.arm.id}: no cold start, since what it knows of users was made from events "
            "that a cold start holds back."
        )
        return
    if not job.run.is_current(job.made_from, "cold"):
        world = build_cold_world(job.inputs.data, job.seed, report_split=job.inputs.report_split)
        with reporter.bar(f"{job.arm.id}, seed {job.seed}, cold start") as progress:
            recipe = job.recipe(job.run.begin_cold(job.made_from), progress)
            frame = rank_cold(job.arm, world, job.inputs.content, recipe)
        job.run.save_cold(frame, job.made_from)
    yield dg.MaterializeResult(metadata=job.run.cold_quality())


@dg.asset(
    key=["lake", "reranked"],
    deps=[["lake", "ranks"], *TRAINED_ON],
    output_required=False,
    **about("training", "reranked", costs="money"),
    **ASKS,
)
def reranked(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    store: FeatureStoreResource,
    settings: dg.ResourceParam[Settings],
    reporter: dg.ResourceParam[Reporter],
) -> Iterator[dg.MaterializeResult]:
    """Another arm's best candidates, put in another order for a sample of requests.

    One row per request of an arm and seed: the base's rank, and where it was asked the new one.
    """
    from recfeat_pipeline.defs.training.reordering import rerank

    def who(arm: Arm) -> Arm | None:
        return arm if arm.family.reorders else None

    prepared = prepare_order(context, lake, store, settings, who, "made_from")
    if prepared is None:
        return
    run, job = prepared
    if job.asks_again(settings) or not run.is_current(job.made_from):
        try:
            rerank(job, settings, reporter)
        except Unasked as reason:
            run.skip(str(reason))
            return
    frame = run.lake.read("reranked", **run.key)
    asked = frame["weight"].count()
    yield dg.MaterializeResult(metadata={"dagster/row_count": frame.height, "asked": asked})


@dg.asset(
    key=["lake", "augmented_pairs"],
    deps=TRAINED_ON,
    output_required=False,
    **about("training", "augmented_pairs", costs="money"),
    **ASKS,
)
def augmented_pairs(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    store: FeatureStoreResource,
    settings: dg.ResourceParam[Settings],
    reporter: dg.ResourceParam[Reporter],
) -> Iterator[dg.MaterializeResult]:
    """Pairs that an arm learns from besides events: which of two items a user would rather take.

    One row per training user, whose best candidates of a fitted base another arm put in order.
    """
    from recfeat_pipeline.defs.training.augmenting import augment

    prepared = prepare_order(context, lake, store, settings, pairs_from, "pairs_from")
    if prepared is None:
        return
    run, job = prepared
    try:
        frame = augment(job, settings, reporter)
    except Unasked as reason:
        run.skip(str(reason))
        return
    yield dg.MaterializeResult(metadata={"dagster/row_count": frame.height, "asked": job.n})


class ListsConfig(dg.Config):
    """Launch options of lists."""

    users: int = Field(
        1000, description="Those who were active last; of an arm that asks an LLM each is a call."
    )
    length: int = Field(20, description="Items of a list.")


@dg.asset(
    key=["lake", "user_lists"],
    deps=[["lake", "runs"], ["lake", "reranked"], ["lake", "events"]],
    **about("training", "user_lists", costs="money"),
    **ASKS,
)
def user_lists(
    context: dg.AssetExecutionContext,
    config: ListsConfig,
    lake: LakeResource,
    store: FeatureStoreResource,
    settings: dg.ResourceParam[Settings],
    reporter: dg.ResourceParam[Reporter],
) -> dg.MaterializeResult:
    """What an arm would show users now, for feeds that cannot wait: an LLM's order made before.

    One row per place in a user's list; nothing that the user has seen is in it.
    """
    from recfeat_pipeline.defs.training.user_lists import list_users

    arm_id, seed = arm_and_seed(context.partition_key)
    target = lake.open()
    with store.get_connection() as connection:
        frame = list_users(
            target, connection, load_arms()[arm_id], seed, config.length, config.users, settings,
            reporter,
        )  # fmt: skip
    target.write("user_lists", frame, arm=arm_id, seed=str(seed))
    users = frame["user_id"].n_unique()
    return dg.MaterializeResult(metadata={"dagster/row_count": frame.height, "users": users})


assets = [two_tower, cold_ranks, augmented_pairs, user_lists, reranked]
