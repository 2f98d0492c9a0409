"""Whose recording is judged next: every client gets the same share of the workers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from stethoscope.serve.places import Place

_USUAL_COST = 160_000.0  # ten seconds at 16 kHz; charged until the cost is known
_REMEMBERED = 1000


@dataclass(slots=True)
class Turn:
    """The right to use a worker.

    Attributes
    ----------
    cost : float
        Samples that were judged; to be set before the turn ends.
    """

    cost: float = _USUAL_COST


@dataclass(slots=True)
class _Waiting:
    place: Place
    large: bool
    number: int
    called: asyncio.Future[None] = field(default_factory=asyncio.Future)


class Turns:
    """Gives turns to clients in the order of start-time fair queueing.

    Each client has a time: the cost of its turns so far, but at least the time at which the turn
    began that was given last. The client with the lowest time is next, and among its recordings
    those of the request that has cost least. So a client that sends much waits for itself.

    Parameters
    ----------
    turns : int
        Turns at once.
    large : int
        Turns at once for large recordings.

    References
    ----------
    Goyal, Vin, Cheng: Start-time fair queueing, IEEE/ACM Transactions on Networking 5 (1997).
    """

    def __init__(self, turns: int, large: int) -> None:
        self._free = turns
        self._free_large = large
        self._now = 0.0
        self._times: dict[str, float] = {}
        self._waiting: list[_Waiting] = []
        self._count = 0

    @asynccontextmanager
    async def take(self, place: Place, *, large: bool, seconds: float) -> AsyncIterator[Turn]:
        """Wait for a turn; it ends with the block, and its cost is then charged to the client.

        Raises
        ------
        TimeoutError
            If none comes in time.
        """
        await self._wait(place, large, seconds)
        turn = Turn()
        try:
            yield turn
        finally:
            place.cost += turn.cost
            self._times[place.client] = (
                self._times.get(place.client, self._now) + turn.cost - _USUAL_COST
            )
            self._free += 1
            self._free_large += large
            self._call()

    async def _wait(self, place: Place, large: bool, seconds: float) -> None:
        if self._free and not self._waiting and (self._free_large or not large):
            self._begin(place, large=large)
            return
        self._count += 1
        waiting = _Waiting(place, large, self._count)
        self._waiting.append(waiting)
        self._call()
        try:
            async with asyncio.timeout(seconds):
                await waiting.called
        except BaseException:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            elif waiting.called.done() and not waiting.called.cancelled():
                self._release_unused(waiting)
            raise

    def _release_unused(self, waiting: _Waiting) -> None:
        """Take back a turn that came at the moment when its request gave up."""
        self._times[waiting.place.client] -= _USUAL_COST
        self._free += 1
        self._free_large += waiting.large
        self._call()

    def _call(self) -> None:
        """Give the free turns to those that are next."""
        while self._free:
            possible = [
                one
                for one in self._waiting
                # One that has just given up is still there until its task runs.
                if not one.called.done() and (self._free_large or not one.large)
            ]
            if not possible:
                return
            chosen = min(possible, key=self._order)
            self._waiting.remove(chosen)
            self._begin(chosen.place, large=chosen.large)
            chosen.called.set_result(None)

    def _begin(self, place: Place, *, large: bool) -> None:
        """Begin a turn, and charge the usual cost for it."""
        began = self._time(place.client)
        self._now = max(self._now, began)
        self._times[place.client] = began + _USUAL_COST
        self._free -= 1
        self._free_large -= large
        self._forget()

    def _order(self, waiting: _Waiting) -> tuple[float, float, int]:
        return self._time(waiting.place.client), waiting.place.cost, waiting.number

    def _time(self, client: str) -> float:
        return max(self._now, self._times.get(client, 0.0))

    def _forget(self) -> None:
        """Forget clients whose time has passed: they begin at the present like new ones."""
        if len(self._times) > _REMEMBERED:
            self._times = {one: time for one, time in self._times.items() if time > self._now}
