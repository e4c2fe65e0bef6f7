import os

import pytest

from recfeat_pipeline import machine


@pytest.fixture
def group(tmp_path, monkeypatch):
    """A control group's folder, still empty, on a machine with eight cores."""
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("quota", "cores"),
    [(None, 8), ("max 100000", 8), ("250000 100000", 2), ("50000 100000", 1)],
)
def test_cores_are_those_that_the_container_may_use(group, quota, cores):
    if quota:
        (group / "cpu.max").write_text(f"{quota}\n")
    assert machine.cores() == cores


def test_memory_is_what_the_container_may_use(group):
    whole = machine.memory()
    assert whole > 2**27
    (group / "memory.max").write_text("max\n")
    assert machine.memory() == whole
    (group / "memory.max").write_text(f"{2**27}\n")
    assert machine.memory() == 2**27
