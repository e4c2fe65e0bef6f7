"""An arm that reorders: what it rests on, and what a run of it is made from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb

from recfeat_pipeline.content.slot import ContentUnavailable
from recfeat_pipeline.defs.training.inputs import Inputs, load_inputs
from recfeat_pipeline.defs.training.stored import StoredRun
from recfeat_pipeline.extraction.reliability import retest_version
from recfeat_pipeline.extraction.versions import PromptVersion, load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import JUDGES, Arm, pairs_from, rests_on
from recfeat_pipeline.models.made_of import run_hash
from recfeat_pipeline.settings import Settings

EXAMPLES = 500
"""Requests that are bought of an arm, unless the lake was told another number."""


class Unasked(ContentUnavailable):
    """Nobody can be asked, or what it rests on is not there: skip the arm and show the reason."""


@dataclass(frozen=True)
class Under:
    """A finished run that the arm rests on, and what it was trained on."""

    run: StoredRun
    inputs: Inputs

    @property
    def fingerprint(self) -> str:
        """Of what it was made from."""
        note = self.run.lake.read_note("made_from", **self.run.key) or {}
        return str(note.get("fingerprint"))


@dataclass(frozen=True)
class Reranking:
    """One arm that reorders, ready to be run."""

    arm: Arm
    run: StoredRun
    inputs: Inputs  # the content of its own slot
    under: list[Under]  # the base, and the arm that orders, if one does
    corpus: str  # hash of events and examples
    version: PromptVersion | None  # that an LLM is asked with
    model: str | None  # the LLM
    asked: list[str | int | None]  # version key, LLM and number of requests: what is bought

    @property
    def n(self) -> int:
        """Requests to buy."""
        return int(self.asked[-1] or 0)

    @property
    def base(self) -> Under:
        """Whose candidates they are."""
        return self.under[0]

    def asks_again(self, settings: Settings) -> bool:
        """Whether calls that failed are asked again; what was answered is not bought again."""
        return settings.llm_retry_failed and self.version is not None

    @cached_property
    def made_from(self) -> str:
        """Hash of all that determines the result, the answers aside."""
        rests = [under.fingerprint for under in self.under]
        known = self.inputs
        own = run_hash(self.arm, self.run.seed, 0, known.data, known.content, self.corpus)
        return hashlib.sha256(json.dumps([own, *rests, *self.asked]).encode()).hexdigest()


def load_reranking(
    lake: Lake,
    store: duckdb.DuckDBPyConnection,
    arm: Arm,
    seed: int,
    corpus: str,
    settings: Settings | None = None,
    made: Mapping[str, Any] | None = None,
) -> Reranking:
    """Read what the arm needs.

    Args:
        lake: holds the runs that it rests on.
        store: the feature store.
        arm: one that reorders.
        seed: of the run.
        corpus: hash of events and examples.
        settings: who can be asked; None: nobody will be, and what was bought before counts.
        made: the note of what was asked before; None: that of the arm's run.

    Raises:
        ContentUnavailable: an arm that it rests on has no run, no LLM is configured and none was
            asked before, or the content of its slot is not there.
    """
    run, under = StoredRun(lake, arm, seed), []
    for below in rests_on(arm):
        held = _held(lake, below, seed)
        if held is None:
            raise Unasked(f"It reorders what {below.id!r} finds, which has no run: run that too.")
        under.append(Under(held, load_inputs(lake, store, below, held.seed)))
    made = made or lake.read_note("made_from", **run.key) or {}
    version = model = None
    asked: list[str | int | None] = [made.get("asked_with"), made.get("model"), made.get("n")]
    if settings is not None:
        if arm.settings.by == JUDGES[0]:
            version = _version(arm, settings)
            model = _model(arm, version, settings, made.get("model"))
        n = lake.meta.get("examples") or EXAMPLES
        asked = [version.key if version else None, model, n]
    return Reranking(
        arm, run, load_inputs(lake, store, arm, seed), under, corpus, version, model, asked
    )


def refuse_old_pairs(
    lake: Lake, store: duckdb.DuckDBPyConnection, arm: Arm, seed: int, corpus: str
) -> None:
    """Keep an arm from learning pairs that would be others now.

    Raises:
        ContentUnavailable: their base, the events or the order are others; or an arm that they rest
            on has no run.
    """
    orders = pairs_from(arm)
    if orders is None:
        return
    note = lake.read_note("pairs_from", arm=orders.id, seed=str(seed)) or {}
    found = load_reranking(lake, store, orders, seed, corpus, made=note)
    if note.get("fingerprint") != found.made_from:
        why = (lake.read_note("skipped", arm=arm.id, seed=str(seed)) or {}).get("reason")
        raise Unasked(
            why
            or f"The pairs of {orders.id!r} were made of other events or another base: "
            "`recfeat run` makes them again, or the asset lake/augmented_pairs."
        )


def _held(lake: Lake, arm: Arm, seed: int) -> StoredRun | None:
    """The arm's run of that seed; of a deterministic arm that of any."""
    runs = lake.note_keys("made_from")
    seeds = sorted(int(run["seed"]) for run in runs if run["arm"] == arm.id)
    if seed in seeds:
        return StoredRun(lake, arm, seed)
    return StoredRun(lake, arm, seeds[0]) if seeds and not arm.is_stochastic else None


def _version(arm: Arm, settings: Settings) -> PromptVersion:
    version = load_version(arm.settings.prompt_version, settings.prompts)
    if version.asks != "ranking":
        raise Unasked(f"The prompt version {version.name!r} asks for no ranking.")
    return retest_version(version) if arm.settings.repeats else version


def _model(arm: Arm, version: PromptVersion, settings: Settings, before: str | None) -> str:
    """The LLM: the arm's, the settings' or the version's; without an endpoint the run's before."""
    if settings.has_llm:
        return arm.settings.llm or settings.llm_model or version.model
    if before is None:
        raise Unasked(
            "It asks an LLM, and no endpoint or key is set: set OPENAI_API_KEY or "
            "RECFEAT_LLM_BASE_URL. The embedded extractor cannot rank."
        )
    return before
