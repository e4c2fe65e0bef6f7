import ctypes
import os
import resource

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


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library")
def test_freed_memory_is_used_again_while_it_is_kept():
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]

    def pages_got():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(5):
            block = libc.malloc(2**26)
            ctypes.memset(block, 1, 2**26)
            libc.free(block)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    without = pages_got()
    with machine.memory_kept():
        kept = pages_got()
    assert kept < without / 3, "the first of five is new"
    assert pages_got() > 0.9 * without, "afterwards it is as it was"
