"""What the training assets of one (arm, seed) share: inputs, content, steps, their hash."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl

from recfeat_pipeline.content.slot import ContentUnavailable
from recfeat_pipeline.defs.partitions import arm_and_seed
from recfeat_pipeline.defs.resources import (
    FeatureStoreResource,
    LakeResource,
    Progress,
    Reporter,
)
from recfeat_pipeline.defs.training.inputs import Inputs, load_data, load_inputs
from recfeat_pipeline.defs.training.reranking import Reranking, load_reranking, refuse_old_pairs
from recfeat_pipeline.defs.training.retraining import seen_now
from recfeat_pipeline.defs.training.stored import StoredRun
from recfeat_pipeline.defs.training.tuned import SEED, tuned
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import Arm, load_arms
from recfeat_pipeline.models.made_of import corpus_hash, run_hash
from recfeat_pipeline.models.recipe import Recipe, default_steps
from recfeat_pipeline.settings import Settings


class Unfit(RecfeatError):
    """The catalogue is none for the arm's family: skip the arm and show the reason."""


@dataclass(frozen=True)
class Prepared:
    """One (arm, seed), ready to train."""

    arm: Arm
    seed: int
    run: StoredRun
    inputs: Inputs
    steps: int
    made_from: str  # hash of all of it
    seen: pl.DataFrame | None  # SEEN, of an arm that reads scores

    def recipe(self, checkpoints: Path, progress: Progress) -> Recipe:
        """Its recipe, with checkpoints in a local folder."""
        return Recipe(
            settings=self.arm.settings,
            seed=self.seed,
            steps=self.steps,
            out_dir=checkpoints,
            progress=progress,
        )


def prepare(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    store: FeatureStoreResource,
    settings: Settings,
    reporter: Reporter,
    steps: int | None,
) -> Prepared | None:
    """Load what the run's partition needs; None when its content is not there, which is noted."""
    arm, seed = _begin(context, settings)
    if arm.family.reorders:  # the asset ``reranked`` runs those
        return None
    run = StoredRun(lake.open(), arm, seed)
    try:
        with store.get_connection() as connection:
            inputs = load_inputs(run.lake, connection, arm, seed)
            trials = run.lake.meta.get("tune", 0)
            searched = inputs
            if trials:
                searched = load_inputs(run.lake, connection, arm, SEED, inputs.data)
            seen = seen_now(connection, inputs.version) if inputs.version else None
            corpus = corpus_hash(inputs.data)
            refuse_old_pairs(run.lake, connection, arm, seed, corpus)
        n_examples = inputs.data.examples.filter(split="train").height
        if (refused := arm.family.refusal(inputs.data.n_items, n_examples)) is not None:
            raise Unfit(refused)
    except (ContentUnavailable, Unfit) as reason:
        _skip(context, run, reason)
        return None
    run.lake.drop_note("skipped", **run.key)
    steps = steps or default_steps(n_examples)
    if trials:
        arm = tuned(run.lake, arm, searched, steps, trials, reporter)
        run = StoredRun(run.lake, arm, seed)
    made_from = run_hash(arm, seed, steps, inputs.data, inputs.content, corpus)
    return Prepared(arm, seed, run, inputs, steps, made_from, seen)


def prepare_order(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    store: FeatureStoreResource,
    settings: Settings,
    who: Callable[[Arm], Arm | None],
    note: str,
) -> tuple[StoredRun, Reranking] | None:
    """The run's partition, and whoever puts candidates in order for it, ready to be asked.

    Args:
        context: and
        lake: and
        store: and
        settings: of the asset's run.
        who: the arm that orders for an arm; None: nobody does.
        note: in which it is kept what that one was asked before.

    Returns:
        None where nobody orders, and where it cannot be asked, which is noted.
    """
    arm, seed = _begin(context, settings)
    orders = who(arm)
    if orders is None:
        return None
    run = StoredRun(lake.open(), arm, seed)
    made = run.lake.read_note(note, arm=orders.id, seed=str(seed))
    try:
        with store.get_connection() as connection:
            corpus = corpus_hash(load_data(run.lake))
            job = load_reranking(run.lake, connection, orders, seed, corpus, settings, made)
    except ContentUnavailable as reason:
        _skip(context, run, reason)
        return None
    run.lake.drop_note("skipped", **run.key)
    return run, job


def _begin(context: dg.AssetExecutionContext, settings: Settings) -> tuple[Arm, int]:
    """The arm and seed of the run's partition, with PyTorch set up for them."""
    import torch  # which takes seconds: not while Dagster loads the code

    # Sums in another order round otherwise, so that the number of threads is part of the result.
    torch.set_num_threads(settings.threads)
    arm_id, seed = arm_and_seed(context.partition_key)
    return load_arms()[arm_id], seed


def _skip(context: dg.AssetExecutionContext, run: StoredRun, reason: RecfeatError) -> None:
    """Note why there is no such run, for the report and for whoever reads the log."""
    context.log.warning(f"Arm {run.arm.id}: {reason}")
    run.skip(str(reason))
