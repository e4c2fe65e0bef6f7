"""Training: one model per arm and seed, and the rank of every test example under it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from recfeat_pipeline.defs.partitions import arm_seeds, split_key
from recfeat_pipeline.defs.resources import FeatureStoreResource, LakeResource, Reporter
from recfeat_pipeline.models.arms import load_arms


class TrainingConfig(dg.Config):
    """Launch options of a training run."""

    steps: int | None = Field(
        None, description="Optimizer steps; unset: 24 passes over the catalogue's examples."
    )


COMMON: dict[str, Any] = {
    "group_name": "training",
    "owners": ["team:recfeat"],
    "kinds": {"pytorch", "lightning"},
    "partitions_def": arm_seeds,
    "skippable": True,
}


@dg.multi_asset(
    name="two_tower",
    backfill_policy=dg.BackfillPolicy.multi_run(1),
    specs=[
        dg.AssetSpec(
            ["lake", "runs"],
            description="A trained two-tower (or a counted baseline): checkpoint, item vectors, "
            "training log. One row per arm and seed.",
            deps=[
                ["lake", "items"],
                ["lake", "events"],
                ["lake", "examples"],
                ["features", "item_features"],
                ["features", "genome"],
            ],
            **COMMON,
        ),
        dg.AssetSpec(
            ["lake", "ranks"],
            description="Where the model ranks the item that the user really chose next, among "
            "all unseen items. One row per test example of an arm and seed.",
            deps=[["lake", "runs"]],
            **COMMON,
        ),
    ],
)
def two_tower(
    context: dg.AssetExecutionContext,
    config: TrainingConfig,
    lake: LakeResource,
    store: FeatureStoreResource,
    reporter: dg.ResourceParam[Reporter],
) -> Iterator[dg.MaterializeResult]:
    """Train the arm with the seed, choose its checkpoint on validation, rank the test examples."""
    # torch and lightning take seconds to import: not while Dagster loads the code
    from recfeat_pipeline.defs.training.inputs import load_inputs
    from recfeat_pipeline.defs.training.stored import StoredRun, corpus_digest, fingerprint
    from recfeat_pipeline.models.content import ContentUnavailable, build_content
    from recfeat_pipeline.models.train import default_steps, train_arm

    key = split_key(context.partition_key)
    arm, seed = load_arms()[key["arm"]], int(key["seed"])
    run = StoredRun(lake.open(), arm, seed)
    with store.get_connection() as connection:
        inputs = load_inputs(run.lake, connection, arm)
    try:
        content = build_content(arm, inputs.features, inputs.items, inputs.dimensions, seed)
    except ContentUnavailable as reason:
        context.log.warning(str(reason))
        return run.skip(str(reason))
    n_train = inputs.examples.filter(split="train").height
    steps = config.steps or default_steps(n_train, content.matrix.shape[0])
    made_from = fingerprint(arm, seed, steps, corpus_digest(inputs), content)
    if not run.is_current(made_from):
        run.restart_unless(made_from)
        with reporter.bar(f"{arm.id}, seed {seed}") as progress:
            result = train_arm(
                arm,
                seed,
                inputs.events,
                inputs.examples,
                inputs.items,
                content,
                steps=steps,
                out_dir=run.checkpoints,
                progress=progress,
                user_tags=inputs.user_tags,
            )
        run.save(result, inputs, content, steps)
    yield dg.MaterializeResult(asset_key=["lake", "runs"], metadata=run.summary())
    yield dg.MaterializeResult(asset_key=["lake", "ranks"], metadata=run.quality())


assets = [two_tower]
