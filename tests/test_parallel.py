import threading
from collections.abc import Iterator

import pytest

from stethoscope.parallel import map_in_order


def test_results_come_in_the_order_of_the_items() -> None:
    """The first item waits for the second, which another thread computes meanwhile."""
    second = threading.Event()

    def function(item: int) -> int:
        if item == 0:
            assert second.wait(60)
        elif item == 1:
            second.set()
        return item * item

    assert list(map_in_order(function, range(50), workers=2)) == [n * n for n in range(50)]


def test_items_are_not_taken_far_ahead_of_the_results() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(1, 1001):
            taken = number
            yield number

    results = map_in_order(lambda item: item, items(), workers=2)
    assert next(results) == 1
    assert taken <= 8
    results.close()


def test_an_error_reaches_the_caller_and_ends_the_work() -> None:
    done: list[int] = []

    def function(item: int) -> int:
        if item == 3:
            raise ValueError("three")
        done.append(item)
        return item

    with pytest.raises(ValueError, match="three"):
        list(map_in_order(function, range(10_000), workers=2))
    assert len(done) < 100


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_there_are_no_more_threads_than_workers_and_the_calling_one_is_among_them(
    workers: int,
) -> None:
    """Each of the first items waits until as many threads as there are workers have begun one."""
    together, found = threading.Barrier(workers), set()

    def function(item: int) -> None:
        found.add(threading.current_thread())
        if item < workers:
            together.wait(60)

    list(map_in_order(function, range(100), workers=workers))
    assert len(found) == workers
    assert threading.current_thread() in found
