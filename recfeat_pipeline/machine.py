"""What this process may use of its machine; a container's limits count."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MALLOPT = {"M_TRIM_THRESHOLD": -1, "M_MMAP_MAX": -4}  # <malloc.h>


def cores() -> int:
    """CPU cores."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    n = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota, _, period = _limit("cpu.max").partition(" ")  # "150000 100000" is one core and a half
    return min(n, max(int(quota) // int(period), 1)) if quota.isdigit() else n


def memory() -> int:
    """Bytes."""
    n = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _limit("memory.max")
    return min(n, int(limit)) if limit.isdigit() else n


@contextmanager
def memory_kept() -> Iterator[None]:
    """Memory that is freed inside is used again instead of being given back to the system.

    A loop that frees and asks for the same tens of megabytes at each turn otherwise gets fresh
    pages each time, which the system clears first: a tenth of a training step and more. Afterwards
    all of it is given back. Of glibc; elsewhere nothing is done.
    """
    libc = ctypes.CDLL(None)
    if not (hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")):
        yield
        return
    libc.mallopt(MALLOPT["M_MMAP_MAX"], 0)
    libc.mallopt(MALLOPT["M_TRIM_THRESHOLD"], 2**31 - 1)
    try:
        yield
    finally:
        libc.mallopt(MALLOPT["M_MMAP_MAX"], 65_536)  # as it is by default
        libc.mallopt(MALLOPT["M_TRIM_THRESHOLD"], 128 * 1024)
        libc.malloc_trim(0)


def _limit(name: str) -> str:
    """A file of the control group; empty where there is none, "max …" where it sets no limit."""
    path = CGROUP / name
    return path.read_text(encoding="ascii").strip() if path.exists() else ""
