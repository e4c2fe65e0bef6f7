"""Whether stored models are what would be trained today."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import duckdb

from recfeat_pipeline.content.slot import ContentUnavailable
from recfeat_pipeline.defs.training.inputs import load_data, load_inputs
from recfeat_pipeline.defs.training.reranking import load_reranking, refuse_old_pairs
from recfeat_pipeline.defs.training.stored import StoredRun
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import Arm, load_arms
from recfeat_pipeline.models.data import Data
from recfeat_pipeline.models.made_of import corpus_hash, run_hash
from recfeat_pipeline.models.recipe import default_steps
from recfeat_pipeline.swap import unfinished


@dataclass(frozen=True)
class Run:
    """An arm and seed. ``state``: fresh, stale, interrupted or skipped."""

    arm: str
    seed: int
    state: str
    steps: int | None
    detail: str = ""


def begun_runs(lake: Lake) -> list[tuple[str, int]]:
    """Every (arm, seed) that was begun or skipped, in the arms' order."""
    order = {arm: number for number, arm in enumerate(load_arms())}
    return sorted(
        {
            (run["arm"], int(run["seed"]))
            for place, note in (
                (unfinished(lake), "started_from"),
                (lake, "made_from"),
                (lake, "skipped"),
            )
            for run in place.note_keys(note)
        },
        key=lambda run: (order.get(run[0], len(order)), run),
    )


def judge_runs(
    lake: Lake, store: duckdb.DuckDBPyConnection, only: str | None = None
) -> Iterator[Run]:
    """Each of :func:`begun_runs` (of one arm), judged against the lake and the store."""
    arms, judge = load_arms(), _Judge(lake, store)
    for arm, seed in begun_runs(lake):
        if only not in (None, arm):
            continue
        if arm in arms:
            yield judge.run(StoredRun(lake, arms[arm], seed))
        else:
            yield Run(arm, seed, "skipped", None, "no arm has this name any more")


def stale_runs(
    lake: Lake, store: duckdb.DuckDBPyConnection, only: str | None = None
) -> dict[str, list[int]]:
    """Arm id to the seeds whose model was made from what is no longer so."""
    found: dict[str, list[int]] = {}
    for run in judge_runs(lake, store, only):
        if run.state == "stale":
            found.setdefault(run.arm, []).append(run.seed)
    return found


def current_runs(
    lake: Lake,
    store: duckdb.DuckDBPyConnection,
    wanted: Iterable[tuple[Arm, int]],
    steps: int | None,
) -> set[tuple[str, int]]:
    """Those (arm, seed) of some whose model is what training it now would leave.

    Args:
        lake: holds the runs.
        store: the feature store.
        wanted: arms and seeds.
        steps: of the training; None: as the catalogue's size has it.
    """
    begun, judge = set(begun_runs(lake)), _Judge(lake, store)
    found = set()
    for arm, seed in wanted:
        if (arm.id, seed) not in begun:
            continue
        run = judge.run(StoredRun(lake, arm, seed))
        if run.state == "fresh" and (not arm.is_trained or run.steps == (steps or judge.steps)):
            found.add((arm.id, seed))
    return found


def as_tuned(lake: Lake, arm: Arm) -> Arm:
    """The arm with the settings that this lake's search found, where the lake is tuned."""
    note = lake.read_note("tuned", arm=arm.id) if lake.meta.get("tune") else None
    return arm.with_settings(note["settings"]) if note else arm


class _Judge:
    """Says whether a run would be trained again; reads what arms share once."""

    def __init__(self, lake: Lake, store: duckdb.DuckDBPyConnection):
        self.lake, self.store = lake, store

    @cached_property
    def data(self) -> Data:
        return load_data(self.lake)

    @cached_property
    def corpus(self) -> str:
        return corpus_hash(self.data)

    @cached_property
    def steps(self) -> int:
        """Of a training that is told nothing."""
        return default_steps(self.data.examples.filter(split="train").height)

    def run(self, run: StoredRun) -> Run:
        arm, seed = run.arm, run.seed
        skipped = self.lake.read_note("skipped", **run.key)
        whole = run.is_whole
        if skipped and whole:
            return Run(arm.id, seed, "stale", None, skipped["reason"])
        if skipped:
            return Run(arm.id, seed, "skipped", None, skipped["reason"])
        if not whole:
            return Run(arm.id, seed, "interrupted", None, "the next run continues it")
        steps = run.summary()["steps"]
        try:
            refuse_old_pairs(self.lake, self.store, arm, seed, self.corpus)
            current = run.is_current(self._hash(run, steps))
        except (ContentUnavailable, duckdb.CatalogException):
            return Run(arm.id, seed, "stale", steps, "the features it read are gone")
        detail = "" if current else "the corpus, its features or the arm have changed since"
        return Run(arm.id, seed, "fresh" if current else "stale", steps, detail)

    def _hash(self, run: StoredRun, steps: int) -> str:
        if run.arm.family.reorders:
            found = load_reranking(self.lake, self.store, run.arm, run.seed, self.corpus)
            return found.made_from
        inputs = load_inputs(self.lake, self.store, run.arm, run.seed, self.data)
        arm = as_tuned(self.lake, run.arm)
        return run_hash(arm, run.seed, steps, inputs.data, inputs.content, self.corpus)
