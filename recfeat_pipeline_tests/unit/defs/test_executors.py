"""Whatever executes a run, the run shows that it is alive."""

import os
import signal
import sys
from importlib import import_module

import dagster as dg
import pytest

from recfeat_pipeline.defs import executors, running
from recfeat_pipeline.defs.executors import choose_executor
from recfeat_pipeline.defs.running import MACHINE
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings


def look(context: dg.OpExecutionContext) -> None:
    lake = Lake(Settings().lake)
    assert not lake.lock(f"run-{context.run_id}").is_free()
    run = context.instance.get_run_by_id(context.run_id)
    assert run.tags[MACHINE] == lake.machine


@dg.op
def is_held(context: dg.OpExecutionContext) -> None:
    look(context)


@dg.op
def dies_once(context: dg.OpExecutionContext) -> None:
    """As by kill -9, or for want of memory."""
    look(context)
    if context.retry_number == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def in_process() -> dg.JobDefinition:
    return dg.JobDefinition(
        graph_def=dg.GraphDefinition(name="alive", node_defs=[is_held]),
        executor_def=choose_executor(Settings(executor="in_process")),
    )


def multiprocess() -> dg.JobDefinition:
    return dg.JobDefinition(
        graph_def=dg.GraphDefinition(name="alive", node_defs=[dies_once]),
        executor_def=choose_executor(Settings(executor="multiprocess")),
    )


@pytest.mark.parametrize("job", [in_process, multiprocess])
def test_a_run_holds_its_lock_and_says_where_and_a_step_that_dies_is_done_again(
    job, tmp_path, monkeypatch
):
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    with dg.instance_for_test() as instance:
        run = dg.execute_job(dg.reconstructable(job), instance=instance)
        assert run.success, [e.event_specific_data for e in run.all_events if e.is_failure]
    running.release(next(iter(running._held)))


def test_an_executor_that_is_not_there_is_a_sentence(monkeypatch):
    with pytest.raises(RecfeatError, match="the executors are in_process, multiprocess, k8s"):
        choose_executor(Settings(executor="slurm"))
    monkeypatch.setitem(sys.modules, "dagster_k8s", None)
    with pytest.raises(RecfeatError, match=r"pip install 'recfeat_pipeline\[k8s\]'"):
        choose_executor(Settings(executor="k8s"))


@pytest.mark.parametrize("name", executors.ELSEWHERE)
def test_the_names_of_further_executors_are_right(name):
    module, attribute, _ = executors.ELSEWHERE[name]
    pytest.importorskip(module)
    assert isinstance(getattr(import_module(module), attribute), dg.ExecutorDefinition)
