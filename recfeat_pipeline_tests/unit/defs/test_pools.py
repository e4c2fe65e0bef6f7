"""Pools: the dead hold nobody up, and who waits for the living says so."""

import signal
import threading
import time

import dagster as dg
import pytest

from recfeat_pipeline import waiting
from recfeat_pipeline.defs import pools, running
from recfeat_pipeline.defs.pools import wait_patiently
from recfeat_pipeline.defs.running import MACHINE, free_pools, hold
from recfeat_pipeline.lake import Lake

POOLS = {"concurrency": {"pools": {"granularity": "op", "default_limit": 1}}}


@pytest.fixture(scope="module")
def shared_instance():
    with dg.instance_for_test(overrides=POOLS) as instance:
        yield instance


@pytest.fixture
def instance(shared_instance):
    """With no run, and nobody in the pools."""
    storage = shared_instance.event_log_storage
    storage.__dict__.pop("claim_concurrency_slot", None)
    for run in shared_instance.get_runs():
        storage.free_concurrency_slots_for_run(run.run_id)
        shared_instance.delete_run(run.run_id)
    storage.set_concurrency_slots("llm", 1)
    return shared_instance


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setattr(pools, "LOOK_AGAIN", 0.01)
    monkeypatch.setattr(pools, "SAY_AFTER", 0.0)
    monkeypatch.setattr(waiting, "SAY_AFTER", 0.0)
    yield Lake(tmp_path)
    for run_id in list(running._held):
        running.release(run_id)


def add(instance, status=dg.DagsterRunStatus.STARTED, **tags: str) -> str:
    run = dg.DagsterRun(job_name="some_job", status=status, tags=tags)
    return instance.add_run(run).run_id


def claim(instance, run_id: str):
    return instance.event_log_storage.claim_concurrency_slot("llm", run_id, "step")


def dead(instance, lake) -> str:
    """A run whose process was killed: its lock is there, and free."""
    run_id = add(instance, **{MACHINE: lake.machine})
    (lake.state / "locks" / f"run-{run_id}.lock").touch()
    return run_id


def test_the_slots_and_the_queue_of_the_dead_are_passed_by(instance, lake):
    holder, first, second = (dead(instance, lake) for _ in range(3))
    assert claim(instance, holder).is_claimed
    assert not claim(instance, first).is_claimed
    assert not claim(instance, second).is_claimed
    wait_patiently(instance, lake, print)
    assert claim(instance, add(instance)).is_claimed
    for run_id in (holder, first, second):
        assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.FAILURE


def test_runs_that_are_over_or_unknown_leave_the_pools(instance, lake):
    over = add(instance, dg.DagsterRunStatus.CANCELED)
    claim(instance, over)
    claim(instance, "never-heard-of")
    free_pools(instance)
    assert instance.event_log_storage.get_concurrency_run_ids() == set()
    assert claim(instance, add(instance)).is_claimed


def test_the_living_keep_theirs_and_are_named(instance, lake):
    living = add(instance, **{MACHINE: lake.machine})
    hold(lake, living)
    claim(instance, living)
    said: list[str] = []

    def give_way(sentence: str) -> None:
        said.append(sentence)
        instance.event_log_storage.free_concurrency_slots_for_run(living)

    wait_patiently(instance, lake, give_way)
    assert claim(instance, add(instance)).is_claimed
    assert said[0].startswith(f"Waiting for the pool 'llm', which run {living[:8]} of some_job")
    assert instance.get_run_by_id(living).status == dg.DagsterRunStatus.STARTED


def test_a_slot_that_nobody_passed_on_is_taken(instance, lake):
    """Its holder died after it gave the slot back, and before it named the next."""
    storage = instance.event_log_storage
    holder, next_one = add(instance), add(instance)
    claim(instance, holder)
    claim(instance, next_one)
    storage._free_concurrency_slots(holder)
    with storage.index_connection() as connection:
        from sqlalchemy import text

        connection.execute(text(f"DELETE FROM pending_steps WHERE run_id = '{holder}'"))
    assert not claim(instance, next_one).is_claimed, "Dagster alone waits for ever"
    wait_patiently(instance, lake, print)
    assert claim(instance, next_one).is_claimed


def test_ctrl_c_ends_the_wait_though_dagster_keeps_it_for_later(instance, lake):
    living = add(instance, **{MACHINE: lake.machine})
    hold(lake, living)
    claim(instance, living)
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        main = threading.main_thread().ident
        wait_patiently(instance, lake, lambda _: signal.pthread_kill(main, signal.SIGINT))
        started = time.monotonic()
        with pytest.raises(dg.DagsterExecutionInterruptedError):
            claim(instance, add(instance))
        assert time.monotonic() - started < 10
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_pool_that_somebody_closed_says_so(instance, lake):
    instance.event_log_storage.set_concurrency_slots("llm", 0)
    said: list[str] = []

    def reopen(sentence: str) -> None:
        said.append(sentence)
        instance.event_log_storage.set_concurrency_slots("llm", 1)

    wait_patiently(instance, lake, reopen)
    assert claim(instance, add(instance)).is_claimed
    assert "whose limit somebody has set to 0" in said[0]
