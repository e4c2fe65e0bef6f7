"""Settings chosen on validation: the same candidates and the same budget for every arm of a family.

The candidates are drawn once, by number, from what a family's settings declare as their ``space``;
the first is what the family ships. Optuna's successive halving ends a candidate that is behind
at a quarter, or at half, of its looks at validation. Each arm takes the candidate that is best on
its own validation examples: a control is offered what its partner chose as well as all else, so
neither is favoured. Only one seed is searched, and no test example is looked at.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recfeat_pipeline.content.slot import Content
from recfeat_pipeline.models.arms import Arm
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.recipe import Recipe

if TYPE_CHECKING:
    import optuna

FIRST_RUNG = 4
"""Looks at validation, of the sixteen of a training, after which candidates are first compared."""
HALVING = 2
"""One in so many goes on at each rung."""


@dataclass(frozen=True)
class Choice:
    """What a search found."""

    settings: Mapping[str, Any]  # that differ from the arm's own
    mrr: float  # on validation
    shipped_mrr: float | None  # on validation, of the arm's own settings; None: not finished
    n_trials: int
    n_stopped: int  # early, by successive halving

    def note(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "settings": dict(self.settings)}


def candidates(space: Mapping[str, tuple[Any, ...]], n: int) -> list[dict[str, Any]]:
    """Up to ``n`` different settings: none changed, then draws that depend on the space alone."""
    optuna = _optuna()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    found: list[dict[str, Any]] = [{}]
    for _ in range(20 * n):
        if len(found) >= n or not space:
            break
        trial = study.ask()
        drawn = {name: trial.suggest_categorical(name, each) for name, each in space.items()}
        if drawn not in found:
            found.append(drawn)
    return found[:n]


def search_space(arm: Arm) -> dict[str, tuple[Any, ...]]:
    """What is searched for an arm: the family's space, without what the arm's file sets."""
    given = {key for table in (arm.given or {}).values() for key in table}
    return {name: each for name, each in arm.family.space().items() if name not in given}


def tune(
    arm: Arm,
    data: Data,
    content: Content,
    recipe: Recipe,
    n_trials: int,
    progress: Callable[[int, int], None] | None = None,
) -> Choice | None:
    """Search the settings of an arm; None where its family has nothing to search.

    A killed search goes on: finished trials lie in ``recipe.out_dir``, and the one that was killed
    continues from its checkpoint.

    Args:
        arm: whose family and space.
        data: its validation examples choose.
        content: of the arm's slot.
        recipe: the arm's settings, the seed, the steps; trials train in folders below its own.
        n_trials: candidates, the arm's own settings among them.
        progress: called with (trials done, trials).
    """
    space = search_space(arm)
    if not space or not len(data.valid.targets) or n_trials < 2:
        return None
    optuna = _optuna()
    drawn = candidates(space, n_trials)
    study = _study(recipe.out_dir, drawn)
    states = optuna.trial.TrialState
    while waiting := study.get_trials(deepcopy=False, states=(states.WAITING,)):
        if progress:
            progress(len(drawn) - len(waiting), len(drawn))
        trial = study.ask()
        number = trial.user_attrs["candidate"]
        try:
            mrr = _validated(arm, data, content, recipe, drawn[number], number, trial)
        except optuna.TrialPruned:
            study.tell(trial, state=states.PRUNED)
        else:
            study.tell(trial, mrr)
    done = study.get_trials(deepcopy=False, states=(states.COMPLETE,))
    values = {trial.user_attrs["candidate"]: trial.values[0] for trial in done}
    best = max(values, key=lambda number: (values[number], -number))
    stopped = len(drawn) - len(values)
    return Choice(drawn[best], values[best], values.get(0), len(drawn), stopped)


def _validated(
    arm: Arm,
    data: Data,
    content: Content,
    recipe: Recipe,
    changed: Mapping[str, Any],
    number: int,
    trial: "optuna.Trial",
) -> float:
    """The MRR on validation of a candidate.

    Raises:
        TrialPruned: it is behind.
    """
    optuna = _optuna()

    def look(n: int, mrr: float) -> None:
        trial.report(mrr, n)
        if trial.should_prune():
            raise optuna.TrialPruned

    made = replace(
        recipe,
        settings=replace(recipe.settings, **changed),
        out_dir=recipe.out_dir / f"candidate={number}",
        progress=None,
        look=look,
    )
    rank, _ = data.valid.rank(arm.family.fit(data, content, made))
    return float((1 / rank).mean())


def _study(folder: Path, drawn: list[dict[str, Any]]) -> "optuna.Study":
    """The search of a folder as it stands: what was under way when it was killed waits again."""
    optuna = _optuna()
    folder.mkdir(parents=True, exist_ok=True)
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "trials.jsonl"))
    name = hashlib.sha256(json.dumps(drawn).encode()).hexdigest()
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(backend),
        study_name=name,
        direction="maximize",
        pruner=optuna.pruners.SuccessiveHalvingPruner(FIRST_RUNG, HALVING),
        load_if_exists=True,
    )
    states = optuna.trial.TrialState
    for trial in study.get_trials(states=(states.RUNNING,)):
        study.tell(trial.number, state=states.FAIL)
    held = {
        trial.user_attrs["candidate"] for trial in study.get_trials() if trial.state != states.FAIL
    }
    for number in range(len(drawn)):
        if number not in held:
            study.enqueue_trial({}, user_attrs={"candidate": number})
    return study


def _optuna() -> Any:
    """Optuna, quiet; imported when it is asked for, since that takes a while."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
