"""Executing assets in this process, as a command does: runs that the UI shows like its own."""

import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from recfeat_pipeline.defs.history import connected
from recfeat_pipeline.defs.partitions import arm_seed_key
from recfeat_pipeline.defs.pools import wait_patiently
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.running import BY_COMMAND, MACHINE, USER, hold
from recfeat_pipeline.defs.stages import STAGES
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


@dataclass(frozen=True)
class Training:
    """A model to fit: a partition of a training asset."""

    asset: str
    arm: str
    seed: int
    steps: int | None  # None: by the catalogue's size

    def __str__(self) -> str:
        return f"{self.arm}, seed {self.seed}"


class Execution:
    """Executes assets in this process and records the runs in the lake's instance."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance, reporter: Reporter):
        from recfeat_pipeline.definitions import build_definitions

        lake = Lake(settings.lake)
        self.job = build_definitions(settings, reporter).resolve_implicit_global_asset_job_def()
        self.lake, self.instance = lake, instance
        self.tags = {MACHINE: lake.machine, USER: f"{command()} {BY_COMMAND}"}
        wait_patiently(instance, lake, reporter.note)

    def train(self, training: Training) -> None:
        """Do one training."""
        [asset] = [a for a in STAGES["training"] if a.node_def.name == training.asset]
        config = {"ops": {training.asset: {"config": {"steps": training.steps}}}}
        self.run(
            [asset],
            partition_key=arm_seed_key(training.arm, training.seed),
            run_config=config if training.steps else {},
        )

    def run(
        self,
        assets: Sequence[dg.AssetsDefinition],
        partition_key: str | None = None,
        tags: dict[str, str] | None = None,
        run_config: dict[str, Any] | None = None,
    ) -> None:
        """Materialize the assets in one run.

        Raises:
            RecfeatError: what an asset raised, or a blocking check failed.
        """
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        run_id = str(uuid.uuid4())
        hold(self.lake, run_id)  # before anybody can see the run
        try:
            with connected():
                result = self.job.execute_in_process(
                    instance=self.instance,
                    asset_selection=[key for asset in assets for key in asset.keys],
                    partition_key=partition_key,
                    tags={**self.tags, **(tags or {})},
                    run_config={**(run_config or {}), **quiet},
                    run_id=run_id,
                )
        except dg.DagsterError as error:  # a blocking check; our own errors come as they are
            raise RecfeatError(
                f"{' '.join(str(error).split())}, so nothing was built on it. `recfeat ui` shows "
                "the check and the table; `--debug` before the command shows where it happened."
            ) from error
        for check in result.get_asset_check_evaluations():
            if not check.passed and check.blocking:
                found = ", ".join(f"{name} {v.value}" for name, v in check.metadata.items())
                raise RecfeatError(
                    f"The check {check.check_name!r} of {check.asset_key.to_user_string()} failed "
                    f"({found}), so nothing was built on it. `recfeat check` says more about the "
                    "catalogue, `recfeat ui` about any other table."
                )


def command() -> str:
    """``"recfeat run"``: the words that started this process, without options, which are many."""
    words = [Path(sys.argv[0]).stem, *sys.argv[1:2]] if sys.argv[0] else []
    return " ".join(["recfeat", *words[1:]]) if words else "recfeat"
