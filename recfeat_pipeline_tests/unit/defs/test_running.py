import subprocess
import sys

import dagster as dg
import pytest

from recfeat_pipeline.defs.running import end_abandoned, hold
from recfeat_pipeline.lake import Lake

HOLD = """
import sys
from recfeat_pipeline.defs.running import hold
from recfeat_pipeline.lake import Lake
hold(Lake(sys.argv[1]), sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def started(instance: dg.DagsterInstance) -> str:
    run = dg.DagsterRun(job_name="j", status=dg.DagsterRunStatus.STARTED)
    return instance.add_run(run).run_id


def test_a_killed_run_is_ended_and_a_living_one_left_alone(tmp_path, instance):
    lake = Lake(tmp_path)
    living, killed = started(instance), started(instance)
    hold(lake, living)
    command = [sys.executable, "-c", HOLD, str(tmp_path), killed]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        assert end_abandoned(lake, instance) == []
        process.kill()
        process.wait()
    assert end_abandoned(lake, instance) == [killed]
    assert instance.get_run_by_id(killed).status == dg.DagsterRunStatus.FAILURE
    assert instance.get_run_by_id(living).status == dg.DagsterRunStatus.STARTED
    assert end_abandoned(lake, instance) == []


def test_a_run_that_no_process_of_ours_began_is_left_alone(tmp_path, instance):
    unknown = started(instance)
    assert end_abandoned(Lake(tmp_path), instance) == []
    assert instance.get_run_by_id(unknown).status == dg.DagsterRunStatus.STARTED


def test_locks_of_finished_runs_are_swept(tmp_path, instance):
    lake = Lake(tmp_path)
    run = started(instance)
    hold(lake, run)
    instance.report_run_failed(instance.get_run_by_id(run))
    hold(lake, started(instance))  # the process goes on with another run
    assert end_abandoned(lake, instance) == []
    assert not (lake.state / "locks" / f"run-{run}.lock").exists()
