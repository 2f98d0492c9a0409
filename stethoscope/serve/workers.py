"""The threads that compute verdicts, and the bounded number of requests that wait for them."""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from stethoscope.serve.limits import Limits, RefusalError

P = ParamSpec("P")
T = TypeVar("T")


def processors() -> int:
    """Return how many processors this process may use.

    These are the processors that it is bound to, within the quota of its control group.
    """
    count = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return max(1, min(count, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no control group, or "max" as its quota
        return count


class Workers:
    """A pool of threads with a bounded number of waiting requests; it refuses further ones.

    Parameters
    ----------
    limits : Limits
    threads : int
        Verdicts that are computed at once.
    """

    def __init__(self, limits: Limits, threads: int) -> None:
        self._limits = limits
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="worker")
        self._free = asyncio.Semaphore(threads)
        self.places_taken = 0
        self._bytes_held = 0

    @contextmanager
    def place(self) -> Iterator["Place"]:
        """Take one of the places; release it and the bytes counted there at the end.

        Raises
        ------
        RefusalError
            429 if all places are taken.
        """
        if self.places_taken >= self._limits.places:
            raise RefusalError(
                429,
                "queue_full",
                f"{self._limits.places} requests are being worked on already; "
                "try again in a second",
            )
        place = Place(self)
        self.places_taken += 1
        try:
            yield place
        finally:
            self.places_taken -= 1
            self._bytes_held -= place.bytes_held

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in one of the threads.

        Raises
        ------
        RefusalError
            503 if no thread is free in time.
        """
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            waited = (
                f"no processor got free within {self._limits.wait_seconds:g} s; "
                "try again later or send to another instance"
            )
            raise RefusalError(503, "overloaded", waited) from None
        # The thread is free when its work ends, even if the request was cancelled before.
        work = asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: function(*args, **kwargs)
        )
        work.add_done_callback(lambda _: self._free.release())
        return await asyncio.shield(work)

    def close(self) -> None:
        """End the threads when they have finished their work."""
        self._pool.shutdown(wait=False)

    def _hold(self, n_bytes: int) -> None:
        if self._bytes_held + n_bytes > self._limits.max_bytes_held:
            raise RefusalError(
                429, "memory_full", "too many large requests at once; try again in a second"
            )
        self._bytes_held += n_bytes


class Place:
    """The place of one request, and the bytes that it holds."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.bytes_held = 0

    def hold(self, n_bytes: int) -> None:
        """Count bytes as held until the place is released.

        Raises
        ------
        RefusalError
            429 if all requests together would hold too many.
        """
        self._workers._hold(n_bytes)
        self.bytes_held += n_bytes
