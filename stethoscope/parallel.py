"""Work on several processors at the same time, in threads: numpy computes without Python's lock."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from stethoscope.resources import processors

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4  # results per processor that may wait to be taken


def map_in_order(
    function: Callable[[T], R], items: Iterable[T], *, workers: int | None = None
) -> Generator[R, None, None]:
    """Apply a function to items in several threads, and yield the results in order.

    Items are taken as the results are: memory does not grow with their number. When the generator
    is closed, the threads have ended.

    Parameters
    ----------
    function : callable
    items : iterable
    workers : int, optional
        Threads; one per processor by default.
    """
    workers = workers or processors()
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= _AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
