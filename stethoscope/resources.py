"""What this process may use of the machine, and how it holds memory."""

import ctypes
import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_LARGE_BYTES = 32 << 20  # the most that glibc allows
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


def data_bytes() -> int:
    """Return how much private writable memory this process has, which RLIMIT_DATA counts.

    It is known on Linux only; elsewhere the answer is 0.
    """
    if sys.platform != "linux":
        return 0
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(1024 * int(line.split()[1]) for line in status.splitlines() if "VmData" in line)


def keep_freed_memory(array_bytes: int = _LARGE_BYTES, kept_bytes: int = _LARGE_BYTES) -> None:
    """Let the process keep the memory of arrays that it frees, for the next ones.

    By default, threads of glibc return such memory to the system after nearly every array of a
    clip, and get it back page by page, which takes a quarter of the time of simulating a clip.
    musl has no `mallopt`.

    Parameters
    ----------
    array_bytes : int
        Arrays from this size on are returned in any case.
    kept_bytes : int
        Memory that is kept at most at the end of each heap.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, array_bytes)
        libc.mallopt(_M_TRIM_THRESHOLD, kept_bytes)


def release_libraries(folder: Path) -> None:
    """Release the memory of shared libraries below a folder that was read to load them.

    The linker reads tables of a large library, and its initialisation much of its code, once. What
    is used again comes from the system's cache, which the pages were taken from. Pages that this
    process has written to are kept.
    """
    with suppress(OSError):  # there is no /proc
        for start, size in _unwritten(folder.resolve()):
            madvise = ctypes.CDLL(None).madvise
            madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), mmap.MADV_DONTNEED)


def _unwritten(folder: Path) -> Iterator[tuple[int, int]]:
    """Yield start and size of the areas of memory that hold parts of files, as they are there."""
    start = end = 0
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        first, *rest = line.split(maxsplit=5)
        if not first.endswith(":"):  # the head of an area: addresses, access, ..., file
            chosen = "w" not in rest[0] and rest[-1].startswith(f"{folder}{os.sep}")
            start, end = (int(address, 16) for address in first.split("-"))
        elif first == "Anonymous:" and chosen and rest[0] == "0":
            yield start, end - start


def _read_limit(name: str) -> str:
    """Return a limit of this process's control group; in a container, its group is the root."""
    own = Path("/proc/self/cgroup").read_text(encoding="utf-8").strip().rpartition("::/")[2]
    return (_CONTROL_GROUPS / own / name).read_text(encoding="ascii")
