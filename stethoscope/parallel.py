"""Work on several processors at the same time, in threads: numpy computes without Python's lock."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from stethoscope.resources import processors

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4  # results per processor that may wait to be taken


def map_in_order(
    function: Callable[[T], R], items: Iterable[T], *, workers: int | None = None
) -> Generator[R, None, None]:
    """Apply a function to items in several threads, and yield the results in order.

    The calling thread is one of them: while it waits for a result, it computes others. With one
    more thread than processors, the threads would only wait for each other and for Python's lock.
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
    if workers == 1:
        yield from map(function, items)
        return
    waiting: deque[_Task[T, R]] = deque()
    with ThreadPoolExecutor(workers - 1) as pool:
        try:
            for item in items:
                waiting.append(_Task(item, pool.submit(function, item)))
                if len(waiting) >= _AHEAD * workers:
                    yield _next(function, waiting)
            while waiting:
                yield _next(function, waiting)
        finally:
            for task in waiting:
                task.future.cancel()


@dataclass(slots=True)
class _Task(Generic[T, R]):
    item: T
    future: Future[R]


def _next(function: Callable[[T], R], waiting: deque[_Task[T, R]]) -> R:
    """Take the first result; until it is there, compute others in this thread."""
    while not waiting[0].future.done() and _compute_one(function, waiting):
        pass
    return waiting.popleft().future.result()


def _compute_one(function: Callable[[T], R], waiting: Iterable[_Task[T, R]]) -> bool:
    """Compute the first result that no thread has begun; return False if there is none."""
    for task in waiting:
        if task.future.cancel():
            task.future = Future()
            try:
                task.future.set_result(function(task.item))
            except Exception as error:  # raised where the result is taken
                task.future.set_exception(error)
            return True
    return False
