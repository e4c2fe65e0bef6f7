import subprocess
import sys
import time
import uuid
from datetime import timedelta
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin

from recfeat_pipeline import heartbeats, leases
from recfeat_pipeline.defs import running
from recfeat_pipeline.defs.running import MACHINE, Status, end_abandoned, hold
from recfeat_pipeline.lake import Lake

HOLD = """
import sys
import time
import uuid
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


def started(instance: dg.DagsterInstance, tags: dict[str, str] | None = None) -> str:
    run = dg.DagsterRun(job_name="j", status=Status.STARTED, tags=tags)
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


@pytest.mark.parametrize(
    ("of_a_command", "before", "said"),
    [
        (False, "1", running.STARTED_AGAIN),
        (False, "2", running.START_IT),
        (True, "0", running.START_IT),
    ],
)
def test_who_starts_a_killed_run_again_is_said(tmp_path, of_a_command, before, said):
    """Dagster's daemon does, twice; it does not know how a command was called."""
    origin = RemoteRepositoryOrigin(
        GrpcServerCodeLocationOrigin(host="localhost", port=4000), "__repository__"
    ).get_job_origin("j")
    retries = {"run_retries": {"enabled": True, "max_retries": 2}}
    with dg.DagsterInstance.ephemeral(settings=retries) as instance:
        run = instance.add_run(
            dg.DagsterRun(
                job_name="j",
                status=Status.STARTED,
                tags={"dagster/retry_number": before},
                remote_job_origin=None if of_a_command else origin,
            )
        )
        lock = Lake(tmp_path).lock(f"run-{run.run_id}")
        lock.path.parent.mkdir(parents=True)
        lock.path.touch()
        assert end_abandoned(Lake(tmp_path), instance) == [run.run_id]
        [entry] = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert entry.dagster_event.message == f"{running.GONE} {said}"


def test_a_run_of_another_machine_is_left_alone(tmp_path, instance, monkeypatch):
    monkeypatch.setattr(running, "timedelta", lambda seconds: timedelta(0))
    unknown = started(instance, {MACHINE: "another"})
    assert end_abandoned(Lake(tmp_path), instance) == []
    assert instance.get_run_by_id(unknown).status == dg.DagsterRunStatus.STARTED


def test_a_run_of_another_machine_is_ended_when_its_heart_stands_still(
    tmp_path, instance, monkeypatch
):
    """The object store is all that the machines share."""
    monkeypatch.setattr(heartbeats, "BEAT_S", 0.01)
    root, clock = f"memory://running-{uuid.uuid4().hex}", [0.0]
    watch = SimpleNamespace(monotonic=lambda: clock[0], sleep=time.sleep)
    monkeypatch.setattr(leases, "time", watch)
    monkeypatch.setenv("HOME", str(tmp_path / "a"))
    run = started(instance, {MACHINE: Lake(root).machine})
    hold(Lake(root), run)
    monkeypatch.setenv("HOME", str(tmp_path / "b"))
    for _ in range(3):
        assert end_abandoned(Lake(root), instance) == [], "it is alive"
        before = heartbeats._beats(Lake(root), f"run-{run}")
        while heartbeats._beats(Lake(root), f"run-{run}") == before:
            time.sleep(0.01)
        clock[0] += leases.TTL_S
    heart = running._held[run][1]
    heart._ended.set()  # kill -9: the file stays
    heart._thread.join()
    assert end_abandoned(Lake(root), instance) == [], "it may have beaten since the last look"
    clock[0] += leases.TTL_S
    assert end_abandoned(Lake(root), instance) == [run]
    assert Lake(root).glob("alive/*/*") == []
    running.release(run)


@pytest.mark.parametrize("status", [Status.NOT_STARTED, Status.STARTING, Status.STARTED])
def test_a_run_that_never_came_to_hold_its_lock_is_ended_after_the_start_timeout(
    tmp_path, instance, status, monkeypatch
):
    stuck = instance.add_run(dg.DagsterRun(job_name="j", status=status)).run_id
    assert end_abandoned(Lake(tmp_path), instance) == [], "it may be starting"
    monkeypatch.setattr(running, "timedelta", lambda seconds: timedelta(0))
    assert end_abandoned(Lake(tmp_path), instance) == [stuck]
    assert instance.get_run_by_id(stuck).status == Status.FAILURE


@pytest.mark.parametrize("status", [Status.STARTING, Status.STARTED])
@pytest.mark.parametrize("machine", ["this", "another"])
def test_a_retry_that_is_starting_is_not_taken_for_the_dead_run_whose_tags_it_has(
    tmp_path, instance, status, machine
):
    lake = Lake(tmp_path)
    tags = {MACHINE: lake.machine if machine == "this" else machine}
    instance.add_run(dg.DagsterRun(job_name="j", status=status, tags=tags))
    assert end_abandoned(lake, instance) == []


def test_a_machine_keeps_its_name_and_another_has_another(tmp_path):
    assert Lake(tmp_path / "a").machine == Lake(tmp_path / "a").machine
    assert Lake(tmp_path / "a").machine != Lake(tmp_path / "b").machine


def test_locks_of_finished_runs_are_swept(tmp_path, instance):
    lake = Lake(tmp_path)
    run = started(instance)
    hold(lake, run)
    instance.report_run_failed(instance.get_run_by_id(run))
    hold(lake, started(instance))  # the process goes on with another run
    assert end_abandoned(lake, instance) == []
    assert not (lake.state / "locks" / f"run-{run}.lock").exists()
