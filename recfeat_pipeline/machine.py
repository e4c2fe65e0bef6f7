"""What this process may use of its machine; a container's limits count."""

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


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


def _limit(name: str) -> str:
    """A file of the control group; empty where there is none, "max …" where it sets no limit."""
    path = CGROUP / name
    return path.read_text(encoding="ascii").strip() if path.exists() else ""
