"""Memory of a process: what the C library keeps, who may read it, and a limit on its growth."""

import contextlib
import ctypes
import gc
import resource
import sys
import sysconfig
from pathlib import Path

from stethoscope.resources import data_bytes, keep_freed_memory, release_libraries

_LARGE_BYTES = 1 << 20
_KEPT_BYTES = 8 << 20
_PR_SET_DUMPABLE = 4  # of prctl(2)


def return_large_buffers() -> None:
    """Make the C library return large buffers to the system as soon as they are free.

    By default, glibc raises its threshold with every large buffer that is freed, and keeps later
    buffers in one heap per thread: memory grows with the largest recordings that arrive together.
    What a clip of ten seconds needs is kept: to take it from the system again for every recording
    costs as much time as the spectra. musl keeps no buffers.
    """
    keep_freed_memory(_LARGE_BYTES, _KEPT_BYTES)


def settle_memory() -> None:
    """Give back what a process needed to start: call it when all is loaded.

    Free memory between what is used is returned; what a fork server has free when it forks would
    not be shared, since its workers write to it. The pages of libraries that were read to load them
    are released. The collector of garbage passes over what there is now: it would write to, and so
    copy, all pages that workers share.
    """
    release_libraries(Path(sysconfig.get_path("platlib")))
    gc.collect()
    gc.freeze()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):  # glibc
        libc.malloc_trim(0)


def forbid_inspection() -> None:
    """Keep other processes of the same user from reading this one's memory and environment.

    Workers are such processes, and the environment holds the key of the service.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def limit_growth(n_bytes: int) -> None:
    """Let this process take `n_bytes` more memory than it has; further requests for memory fail.

    Linux counts private writable memory against this limit. Other systems do not enforce it.
    """
    if sys.platform != "linux":
        return
    most = data_bytes() + n_bytes
    with contextlib.suppress(ValueError):  # a lower limit was set from outside
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
