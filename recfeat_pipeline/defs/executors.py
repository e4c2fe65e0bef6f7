"""What executes the steps of a run that the UI, a schedule or a sensor started.

A setting chooses it; whatever it is, the run shows that it is alive (``running.py``), and one in a
single process waits for pools as a command does (``pools.py``).
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import dagster as dg
from dagster._core.execution.plan.objects import StepRetryData

from recfeat_pipeline.defs.pools import wait_patiently
from recfeat_pipeline.defs.running import MACHINE, hold
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings

ELSEWHERE = {  # executor: its module, its name there, the extra that brings it
    "k8s": ("dagster_k8s", "k8s_job_executor", "k8s"),
    "docker": ("dagster_docker", "docker_executor", "docker"),
    "ray": ("dagster_ray", "ray_executor", "ray"),
}
DEATHS = 2  # of a step's process, after which the step is done again
HERE = {"in_process": dg.in_process_executor, "multiprocess": dg.multiprocess_executor}


def choose_executor(settings: Settings) -> dg.ExecutorDefinition:
    """The executor that RECFEAT_EXECUTOR names.

    Raises:
        RecfeatError: there is no such executor, or it is not installed.
    """
    name, lake = settings.executor, Lake(settings.lake)
    if name in HERE:
        return watched(HERE[name], lake)
    if name not in ELSEWHERE:
        raise RecfeatError(
            f"RECFEAT_EXECUTOR {name!r}: the executors are {', '.join([*HERE, *ELSEWHERE])}."
        )
    module, attribute, extra = ELSEWHERE[name]
    try:
        return watched(getattr(import_module(module), attribute), lake)
    except ModuleNotFoundError as error:
        raise RecfeatError(
            f"RECFEAT_EXECUTOR {name!r} is not installed: pip install 'recfeat_pipeline[{extra}]'."
        ) from error


def watched(inner: dg.ExecutorDefinition, lake: Lake) -> dg.ExecutorDefinition:
    """The executor, of which each run on the lake shows that it is alive."""
    create: Callable[[Any], dg.Executor] | None = inner.executor_creation_fn
    assert create is not None
    return dg.ExecutorDefinition(
        name=inner.name,
        config_schema=inner.config_schema,  # type: ignore[arg-type]
        requirements=inner.get_requirements,
        executor_creation_fn=lambda init: Watched(
            create(init), lake, alone=inner.name == "in_process"
        ),
        description=inner.description,
    )


class Watched(dg.Executor):
    """An executor in a process that holds the lock of its run.

    Args:
        inner: what executes.
        lake: where the lock is.
        alone: it does one step at a time in this process, which may wait for a pool.
    """

    def __init__(self, inner: dg.Executor, lake: Lake, alone: bool):
        self.inner, self.lake, self.alone = inner, lake, alone

    @property
    def retries(self) -> Any:
        """See :class:`dagster.Executor`."""
        return self.inner.retries

    @property
    def step_dependency_config(self) -> Any:
        """See :class:`dagster.Executor`."""
        return self.inner.step_dependency_config

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        """Hold the run's lock, then execute."""
        lake, instance = self.lake, plan_context.instance
        hold(lake, plan_context.run_id)
        instance.add_run_tags(plan_context.run_id, {MACHINE: lake.machine})
        if self.alone:
            wait_patiently(instance, lake, plan_context.log.warning)
        self.inner.log_failure_or_retry_event_after_error = self._died  # type: ignore[assignment, method-assign]
        yield from self.inner.execute(plan_context, execution_plan)

    def _died(self, step: Any, error: Any, known: Any) -> dg.DagsterEvent:
        """A step whose process is gone, on this machine or another, is done again.

        Dagster would do so only under a retry policy, which repeats what a step says itself as
        well: a refused key, a budget.
        """
        if known.get_retry_state().get_attempt_count(step.step.key) < DEATHS:
            return dg.DagsterEvent.step_retry_event(step, StepRetryData(error=error))
        return type(self.inner).log_failure_or_retry_event_after_error(
            self.inner, step, error, known
        )
