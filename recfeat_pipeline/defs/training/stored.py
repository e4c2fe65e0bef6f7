"""A training run in the lake: what it was made from, what it left, or why it was skipped."""

import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from recfeat_pipeline.defs.training.inputs import Inputs
from recfeat_pipeline.defs.training.retraining import FinishedRun
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import CHECKPOINTS, fill
from recfeat_pipeline.models.arms import Arm, load_arms
from recfeat_pipeline.models.checkpoints import BEST, is_damaged
from recfeat_pipeline.schemas import RUNS
from recfeat_pipeline.swap import (
    discard,
    fetch_checkpoints,
    keep_checkpoints,
    take,
    unfinished,
)

if TYPE_CHECKING:  # importing it imports torch, and the UI loads this module
    from recfeat_pipeline.models.train import TrainingResult


class StoredRun:
    """The lake folder of one (arm, seed)."""

    def __init__(self, lake: Lake, arm: Arm, seed: int):
        self.lake, self.arm, self.seed = lake, arm, seed
        self.key = {"arm": arm.id, "seed": str(seed)}

    @property
    def checkpoints(self) -> Path:
        """Where a training leaves its checkpoints: a local folder, whatever the lake is."""
        return self.lake.state / fill(CHECKPOINTS, **self.key)

    @property
    def model(self) -> Path:
        """A local folder with the checkpoints of the finished run, of this machine or another."""
        return fetch_checkpoints(self.lake, **self.key)

    def fitted_arm(self) -> Arm:
        """The arm with the settings of the run: a search may have found others than its file's."""
        made = self.lake.read_note("made_from", **self.key) or {}
        kept = made.get("settings", {})
        return self.arm.with_settings({k: v for k, v in kept.items() if v is not None})

    def is_current(self, made_from: str, kind: str = "made") -> bool:
        """Whether the run (``"cold"``: the cold-start run) was finished from these inputs.

        One whose tables are gone or whose checkpoint is damaged is not: it is trained again.
        """
        note = self.lake.read_note(f"{kind}_from", **self.key) or {}
        if note.get("fingerprint") != made_from:
            return False
        if kind == "cold":
            return self.lake.has("cold_ranks", **self.key)
        return self.is_whole and not is_damaged(self.model / BEST)

    @property
    def is_whole(self) -> bool:
        """Whether the run was finished, and the tables that say so are there."""
        ranked = "reranked" if self.arm.family.reorders else "ranks"
        finished = self.lake.read_note("made_from", **self.key) is not None
        return finished and all(self.lake.has(name, **self.key) for name in ("runs", ranked))

    def begin(self, made_from: str) -> "StoredRun":
        """The unfinished run of these inputs, beside this one, which serves until :meth:`take`.

        One of other inputs is dropped; one of these is continued from its checkpoints.
        """
        new = StoredRun(unfinished(self.lake), self.arm, self.seed)
        started = new.lake.read_note("started_from", **self.key) or {}
        if started.get("fingerprint") != made_from:
            discard(self.lake, **self.key)
            new.lake.write_note("started_from", {"fingerprint": made_from}, **self.key)
        return new

    def take(self) -> None:
        """Put the unfinished run, which is whole now, in the place of this one."""
        take(self.lake, **self.key)

    def begin_cold(self, made_from: str) -> Path:
        """The checkpoint folder of a cold-start run of these inputs; those of others are dropped.

        Returns:
            A local folder; :meth:`save_cold` removes it.
        """
        own = self._cold_checkpoints / made_from[:16]
        for other in self._cold_checkpoints.glob("*"):
            if other != own:
                shutil.rmtree(other)
        return own

    @property
    def _cold_checkpoints(self) -> Path:
        return self.checkpoints.with_name("cold_checkpoints")

    def save(
        self, result: "TrainingResult", inputs: Inputs, steps: int, seen: pl.DataFrame | None
    ) -> None:
        """Write all that the run leaves; its inputs' hash last: it vouches for the rest."""
        import torch  # which takes seconds: not while Dagster loads the code

        if result.item_vectors is not None:
            vectors = inputs.data.corpus.select("item_id").with_columns(
                vector=pl.Series(result.item_vectors, dtype=pl.List(pl.Float32))
            )
            self.lake.write("item_vectors", vectors, **self.key)
        if seen is not None:
            self.lake.write("seen", seen, **self.key)
        self.lake.write("training_log", result.log, **self.key)
        self.lake.write("ranks", result.ranks, **self.key)
        self.lake.write("top_lists", result.top_lists, **self.key)
        keep_checkpoints(self.lake, **self.key)
        run = {
            "label": self.arm.label,
            "kind": kind(self.arm),
            "n_parameters": result.n_parameters,
            "content_width": inputs.content.width,
            "content_coverage": inputs.content.coverage,
            "steps": steps if self.arm.is_trained else 0,
            "best_step": result.best_step,
            "seconds": result.seconds,
        }
        self.lake.write("runs", pl.DataFrame([run], schema=RUNS), **self.key)
        started = self.lake.read_note("started_from", **self.key)
        made = {
            "made_at": datetime.now(UTC).isoformat(),
            "prompt_version": inputs.version,
            "threads": torch.get_num_threads(),
            "settings": asdict(self.arm.settings),
            "chosen": result.settings,  # by the family itself, on validation
        }
        self.lake.write_note("made_from", {**started, **made}, **self.key)

    def save_cold(self, ranks: pl.DataFrame, made_from: str) -> None:
        """Write what the cold-start run leaves."""
        self.lake.write("cold_ranks", ranks, **self.key)
        self.lake.write_note("cold_from", {"fingerprint": made_from}, **self.key)
        shutil.rmtree(self._cold_checkpoints, ignore_errors=True)

    def cold_quality(self) -> dict[str, Any]:
        """How the cold-start run ranked new items, for Dagster's metadata."""
        frame = self.lake.read("cold_ranks", **self.key)
        new = frame.filter(n_train=0)["rank"].to_numpy()
        return {
            "dagster/row_count": frame.height,
            "mrr_new_items": round(float((1 / new).mean()), 6) if new.size else 0.0,
        }

    def item_vectors(self) -> np.ndarray:
        """The arm's item vectors, float32 [N, W] in item_index order."""
        frame = self.lake.read("item_vectors", **self.key)
        return np.array(frame["vector"].to_list(), dtype=np.float32)

    def summary(self) -> dict[str, Any]:
        """What the run was, for Dagster's metadata."""
        return self.lake.read("runs", **self.key).row(0, named=True)

    def quality(self) -> dict[str, Any]:
        """How it ranked, for Dagster's metadata."""
        rank = self.lake.read("ranks", **self.key)["rank"].to_numpy()
        return {
            "dagster/row_count": rank.size,
            "mrr": round(float((1 / rank).mean()), 6),
            "hit_rate_10": round(float((rank <= 10).mean()), 6),
        }

    def skip(self, reason: str) -> None:
        """Remember why the arm cannot run; what an earlier run left stays, and is stale."""
        self.lake.write_note("skipped", {"reason": reason}, **self.key)


def kind(arm: Arm) -> str:
    """How the report files an arm: ``baseline``, ``control`` or ``tower``."""
    if not arm.is_trained:
        return "baseline"
    return "control" if arm.role == "control" else "tower"


def runs_of_promoted_scores(lake: Lake) -> list[FinishedRun]:
    """The models that read the promoted prompt version's scores."""
    arms = load_arms()
    found = []
    for name, seed, steps in lake.read("runs").select("arm", "seed", "steps").iter_rows():
        arm = arms.get(name)
        if arm is None or "llm" not in arm.content.sources or arm.content.prompt_version:
            continue
        made = lake.read_note("made_from", arm=name, seed=seed)
        if made and made["prompt_version"]:
            seen = lake.read("seen", arm=name, seed=seed).select("item_id", "digest")
            version = made["prompt_version"]
            found.append(FinishedRun(name, int(seed), steps, made["fingerprint"], version, seen))
    return found


def skipped_arms(lake: Lake) -> dict[str, str]:
    """Arm id to the reason why it has no run, not even a stale one."""
    return {
        run["arm"]: about["reason"]
        for run, about in lake.notes("skipped")
        if not lake.has("ranks", **run)
    }
