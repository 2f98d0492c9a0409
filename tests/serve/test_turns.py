import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from stethoscope.serve.limits import Limits
from stethoscope.serve.places import Place, Places
from stethoscope.serve.turns import Turns

PLACES = Places(Limits())


def place(client: str) -> Place:
    return Place(PLACES, client, 0)


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


class Session:
    """Recordings that wait for turns; the order in which they get them is recorded."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.order: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []

    async def ask(self, name: str, at: Place, cost: float = 1.0, large: bool = False) -> None:
        self.ends[name] = asyncio.Event()

        async def take() -> None:
            async with self.turns.take(at, large=large, seconds=60) as turn:
                self.order.append(name)
                await self.ends[name].wait()
                turn.cost = cost

        self.tasks.append(asyncio.create_task(take()))
        await settle()

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await settle()

    async def end_all(self) -> None:
        done = 0
        while done < len(self.order):
            await self.end(self.order[done])
            done += 1
        await asyncio.gather(*self.tasks)


def test_client_with_much_work_waits_for_itself_and_not_others() -> None:
    async def run() -> None:
        session = Session(Turns(1, 1))
        greedy, good = [place("greedy") for _ in range(20)], place("good")
        for number, request in enumerate(greedy):
            await session.ask(f"greedy {number}", request, cost=1e6)
        await session.ask("good 0", good)
        await session.ask("good 1", good)
        await session.end("greedy 0")
        await session.end_all()
        assert session.order[:3] == ["greedy 0", "good 0", "good 1"]

    asyncio.run(run())


def test_clients_share_by_cost_not_by_number() -> None:
    async def run() -> None:
        session = Session(Turns(1, 1))
        for number in range(40):
            await session.ask(f"small {number}", place("small"), cost=160_000)
            await session.ask(f"big {number}", place("big"), cost=640_000)
        for _ in range(40):
            await session.end(session.order[-1])
        given = Counter(name.split()[0] for name in session.order)
        assert given["small"] / given["big"] == pytest.approx(4, rel=0.2)
        await session.end_all()

    asyncio.run(run())


def test_among_requests_of_one_client_the_one_that_cost_least_is_next() -> None:
    async def run() -> None:
        session = Session(Turns(1, 1))
        batch, single = place("x"), place("x")
        await session.ask("batch 0", batch)
        await session.end("batch 0")
        await session.ask("busy", place("x"))
        await session.ask("batch 1", batch)
        await session.ask("single", single)
        await session.end_all()
        assert session.order == ["batch 0", "busy", "single", "batch 1"]

    asyncio.run(run())


def test_client_that_was_away_has_saved_no_turns() -> None:
    async def run() -> None:
        session = Session(Turns(1, 1))
        await session.ask("early", place("away"))
        await session.end("early")
        for number in range(50):
            await session.ask(f"other {number}", place("other"), cost=1e6)
            await session.end(f"other {number}")
        session.order.clear()
        await session.ask("busy", place("third"))
        for number in range(5):
            await session.ask(f"away {number}", place("away"), cost=1e6)
            await session.ask(f"other again {number}", place("other"), cost=1e6)
        await session.end_all()
        first = [name.split()[0] for name in session.order[1:5]]
        assert sorted(first) == ["away", "away", "other", "other"]

    asyncio.run(run())


def test_large_recordings_leave_a_turn_to_small_ones() -> None:
    async def run() -> None:
        session = Session(Turns(2, 1))
        await session.ask("large 0", place("a"), large=True)
        await session.ask("large 1", place("b"), large=True)
        await session.ask("small", place("c"))
        assert session.order == ["large 0", "small"]
        await session.end_all()
        assert session.order == ["large 0", "small", "large 1"]

    asyncio.run(run())


@pytest.mark.parametrize("leave", [lambda task: task.cancel(), lambda _: None])
def test_request_that_gives_up_takes_no_turn(leave: Callable[[asyncio.Task[None]], None]) -> None:
    async def wait_for_turn(turns: Turns) -> None:
        async with turns.take(place("x"), large=True, seconds=0.01):
            pass

    async def run() -> None:
        turns = Turns(1, 1)
        async with turns.take(place("y"), large=True, seconds=1):
            task = asyncio.create_task(wait_for_turn(turns))
            await settle()
            leave(task)
            with pytest.raises((TimeoutError, asyncio.CancelledError)):
                await task
        async with turns.take(place("z"), large=True, seconds=1):
            pass

    asyncio.run(run())


def test_turn_that_ends_while_a_request_gives_up_is_for_the_next_one() -> None:
    async def run() -> None:
        session = Session(Turns(1, 1))
        for name in ("first", "gives up", "next"):
            await session.ask(name, place("x"))
        session.order.clear()
        session.ends["first"].set()
        session.tasks.pop(1).cancel()  # its task runs after the one whose turn ends
        await settle()
        assert session.order == ["next"]
        await session.end_all()

    asyncio.run(run())
