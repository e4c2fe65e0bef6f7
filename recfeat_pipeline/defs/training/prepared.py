"""What the training assets of one (arm, seed) share: inputs, content, steps, fingerprint."""

from dataclasses import dataclass

import dagster as dg

from recfeat_pipeline.defs.partitions import split_key
from recfeat_pipeline.defs.resources import FeatureStoreResource, LakeResource
from recfeat_pipeline.defs.training.inputs import Inputs, load_inputs
from recfeat_pipeline.defs.training.stored import StoredRun, corpus_digest, fingerprint
from recfeat_pipeline.models.arms import Arm, load_arms
from recfeat_pipeline.models.content import Content, ContentUnavailable, build_content
from recfeat_pipeline.settings import Settings


@dataclass(frozen=True)
class Prepared:
    """One (arm, seed), ready to train."""

    arm: Arm
    seed: int
    run: StoredRun
    inputs: Inputs
    content: Content
    steps: int
    made_from: str  # fingerprint of all of it


def prepare(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    store: FeatureStoreResource,
    steps: int | None,
) -> Prepared | None:
    """Load what the run's partition needs; None when its content is not there, which is noted."""
    import torch  # which takes seconds: not while Dagster loads the code

    from recfeat_pipeline.models.train import default_steps

    # Sums in another order round otherwise, so that the number of threads is part of the result.
    torch.set_num_threads(Settings().threads)
    key = split_key(context.partition_key)
    arm, seed = load_arms()[key["arm"]], int(key["seed"])
    run = StoredRun(lake.open(), arm, seed)
    with store.get_connection() as connection:
        inputs = load_inputs(run.lake, connection, arm)
    try:
        content = build_content(arm, inputs.features, inputs.items, inputs.dimensions, seed)
    except ContentUnavailable as reason:
        context.log.warning(str(reason))
        run.skip(str(reason))
        return None
    n_train = inputs.examples.filter(split="train").height
    steps = steps or default_steps(n_train)
    made_from = fingerprint(arm, seed, steps, inputs, corpus_digest(inputs), content)
    return Prepared(arm, seed, run, inputs, content, steps, made_from)
