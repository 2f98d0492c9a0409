"""Work on several processors at the same time, in threads: numpy computes without Python's lock."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from stethoscope.resources import processors

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4  # results per processor that may wait to be taken


def map_in_order(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Apply a function to items on all processors, and yield the results in order.

    Items are taken as the results are: memory does not grow with their number.
    """
    workers = processors()
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
