"""An arm with the settings that a search found for it on this lake, where the lake is tuned."""

import shutil

from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.training.inputs import Inputs
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import SEARCH, fill
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.made_of import corpus_hash, run_hash
from recfeat_pipeline.models.recipe import Recipe

SEED = 0
"""The one seed that is searched; its choice holds for all."""


def tuned(lake: Lake, arm: Arm, inputs: Inputs, steps: int, trials: int, reporter: Reporter) -> Arm:
    """The arm as searched: once for the same inputs, whoever asks first; others wait.

    Args:
        lake: keeps the choice.
        arm: as its file has it.
        inputs: of the seed :data:`SEED`.
        steps: of a training.
        trials: candidates of a search.
        reporter: is told of the trials.
    """
    from recfeat_pipeline.models.tuning import tune  # torch: not while Dagster loads the code

    made_from = [
        run_hash(arm, SEED, steps, inputs.data, inputs.content, corpus_hash(inputs.data)),
        trials,
    ]
    with lake.lock(f"tuning-{arm.id}"):
        note = lake.read_note("tuned", arm=arm.id) or {}
        if note.get("made_from") != made_from:
            folder = lake.state / fill(SEARCH, arm=arm.id) / f"{made_from[0]}-{trials}"
            recipe = Recipe(settings=arm.settings, seed=SEED, steps=steps, out_dir=folder)
            with reporter.bar(f"{arm.id}, settings") as progress:
                choice = tune(arm, inputs.data, inputs.content, recipe, trials, progress)
            note = {"made_from": made_from, "settings": {}} | (choice.note() if choice else {})
            lake.write_note("tuned", note, arm=arm.id)
            shutil.rmtree(folder.parent, ignore_errors=True)
    return arm.with_settings(note["settings"])
