import contextlib
import multiprocessing
import os
import signal
from pathlib import Path

import pytest
import torch

from recfeat_pipeline.defs import workers
from recfeat_pipeline.defs.executing import Training
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.workers import Tally, Workers, default_workers
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.unit.defs import stand_ins

ARMS = load_arms()
FOUR = [ARMS[name] for name in ("floor", "llm", "curated", "random")]


@pytest.fixture(autouse=True)
def _machine(monkeypatch):
    """Three cores, 64 GB, no GPU."""
    monkeypatch.setattr(workers, "cores", lambda: 3)
    monkeypatch.setattr(workers, "memory", lambda: int(64e9))
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)


def test_a_cpu_trains_a_model_per_core():
    assert default_workers(FOUR, 10_000) == 3
    assert default_workers(FOUR[:2], 10_000) == 2
    assert default_workers([*FOUR[:1], ARMS["popularity"], ARMS["ease"]], 10_000) == 1


def test_no_more_are_trained_at_once_than_fit_in_memory(monkeypatch):
    of_32_million = 1.0e9 + 200 * 32e6
    monkeypatch.setattr(workers, "memory", lambda: int(2.5 * of_32_million))
    assert default_workers(FOUR, 32_000_000) == 2
    monkeypatch.setattr(workers, "memory", lambda: int(0.5 * of_32_million))
    assert default_workers(FOUR, 32_000_000) == 1


def test_a_gpu_trains_one_at_a_time(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    assert default_workers(FOUR, 10_000) == 1


def test_progress_counts_the_steps_of_all_trainings():
    first, second, third = (Training("two_tower", "floor", seed, None) for seed in range(3))
    shown = []
    tally = Tally(4)
    tally.show(lambda *told: shown.append(told))
    assert shown == [], "nobody knows yet how many steps there will be"
    tally.steps[first] = 10, 100
    tally.show(lambda *told: shown.append(told))
    assert shown[-1] == (10, 400, "training, 0/4 runs")
    tally.steps[first] = 60, 60  # ended early
    tally.end(first)
    tally.end(second)  # was trained already
    tally.steps[third] = 5, 100
    tally.show(lambda *told: shown.append(told))
    assert shown[-1] == (65, 60 + 0 + 100 + 100, "training, 2/4 runs")


def test_after_a_failure_nothing_is_begun_and_what_was_under_way_is_finished(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_work", stand_ins.obey)
    with (
        Workers(2, Settings(lake=str(tmp_path))) as two,
        pytest.raises(RecfeatError, match=r"made_from\.json") as error,
    ):
        two.run(["slow", "bad", "late"], Reporter())
    assert error.value.__notes__, "what --debug shows came with it"
    found = {path.name for path in Path(tmp_path).iterdir()}
    assert found == {"slow.begun", "slow.ended", "bad.begun"}


class Killer(Reporter):
    """At each sign of life, one of the processes is killed as the kernel would."""

    @contextlib.contextmanager
    def bar(self, title: str):
        def progress(done, total, title="", /):
            for process in multiprocessing.active_children()[:1]:
                os.kill(process.pid, signal.SIGKILL)

        yield progress


def test_a_process_that_is_killed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "_work", stand_ins.train_for_ever)
    trainings = [Training("two_tower", arm, 0, 20) for arm in ("floor", "llm")]
    with (
        Workers(2, Settings(lake=str(tmp_path))) as two,
        pytest.raises(RecfeatError) as error,
    ):
        two.run([str(training) for training in trainings], Killer())
    assert any(str(training) in str(error.value) for training in trainings)
    assert "SIGKILL" in str(error.value)
    assert "--workers" in str(error.value)
    assert multiprocessing.active_children() == []
