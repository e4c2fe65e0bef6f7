"""A fitted model of the lake at work again."""

from typing import TYPE_CHECKING

from recfeat_pipeline.defs.training.inputs import Inputs
from recfeat_pipeline.defs.training.stored import StoredRun
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.recipe import Recipe

if TYPE_CHECKING:  # importing it imports torch, and the UI loads this module
    from recfeat_pipeline.models.scorer import Scorer


def scorer_of(run: StoredRun, inputs: Inputs) -> "Scorer":
    """The model of a finished run: loaded, or where the family keeps none, fitted once more."""
    if run.arm.family.load is not None:
        return load_scorer(run, inputs)
    recipe = Recipe(run.fitted_arm().settings, seed=run.seed, out_dir=run.model)
    return run.arm.family.fit(inputs.data, inputs.content, recipe)


def load_scorer(run: StoredRun, inputs: Inputs) -> "Scorer":
    """The model of a run at its best checkpoint.

    Raises:
        RecfeatError: the family keeps no models, the run has no checkpoint, or that is of other
            items or features than these inputs.
    """
    load = run.arm.family.load
    if load is None:
        raise RecfeatError(
            f"Models of the family {run.arm.family_name} are not kept, so that {run.arm.id!r} "
            "cannot be asked again."
        )
    settings = run.fitted_arm().settings
    recipe = Recipe(settings=settings, seed=run.seed, out_dir=run.model)
    return load(inputs.data, inputs.content, recipe)
