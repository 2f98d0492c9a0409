"""What this process may use of the machine: processors and memory."""

import os
from pathlib import Path

_CONTROL_GROUPS = Path("/sys/fs/cgroup")


def processors() -> int:
    """Return how many processors this process may use.

    These are the processors that it is bound to, within the quota of its control group.
    """
    count = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    try:
        quota, period = _read_limit("cpu.max").split()
        return max(1, min(count, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no control group, or "max" as its quota
        return count


def memory_bytes() -> int:
    """Return how much memory this process may use: that of the machine or its control group."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(_read_limit("memory.max")))
    except (OSError, ValueError):  # no control group, or "max" as its limit
        return machine


def _read_limit(name: str) -> str:
    """Return a limit of this process's control group; in a container, its group is the root."""
    own = Path("/proc/self/cgroup").read_text(encoding="utf-8").strip().rpartition("::/")[2]
    return (_CONTROL_GROUPS / own / name).read_text(encoding="ascii")
