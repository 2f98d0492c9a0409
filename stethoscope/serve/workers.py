"""The pool of worker processes, which judge recordings in turns."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stethoscope.resources import memory_bytes
from stethoscope.serve import wire
from stethoscope.serve.limits import LARGE_SAMPLES, Limits, RefusalError
from stethoscope.serve.model import LiveModel
from stethoscope.serve.places import Place
from stethoscope.serve.processes import Worker
from stethoscope.serve.turns import Turn, Turns

logger = logging.getLogger(__name__)

_GRACE_SECONDS = 0.25  # most verdicts are there sooner than another worker would be
_LEAST_COST = 16_000.0  # samples; a recording that is refused also costs
_SERVICE_BYTES = 384 << 20  # what the service needs besides workers with large recordings
_LARGE_BYTES = 384 << 20  # what a worker needs for a large recording


@dataclass(frozen=True, slots=True)
class Job:
    """A recording to be judged.

    Attributes
    ----------
    content : sequence of buffers
        The recording, in several parts.
    name, machine_id, picture, window, step
        As for :func:`stethoscope.serve.judge.judge`.
    """

    content: Sequence[wire.Buffer]
    name: str
    machine_id: str
    picture: bool = False
    window: float | None = None
    step: float | None = None


class Workers:
    """A pool of worker processes.

    Parameters
    ----------
    model : LiveModel
        What forks the workers.
    limits : Limits
    processors : int
        Processors that the service may use. There are at least two workers. One of them never
        judges a large recording, and no more do than the memory is enough for.
    """

    def __init__(self, model: LiveModel, limits: Limits, processors: int) -> None:
        count = max(2, processors)
        self._model = model
        self._limits = limits
        fitting = (memory_bytes() - _SERVICE_BYTES) // _LARGE_BYTES
        self._turns = Turns(count, large=min(count - 1, max(1, fitting)))
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()

    async def judge(self, place: Place, job: Job) -> dict[str, Any]:
        """Judge a recording when its turn comes.

        If the request is cancelled, the work on it ends.

        Parameters
        ----------
        place : Place
            The request that it belongs to.
        job : Job

        Returns
        -------
        dict
            What :func:`stethoscope.serve.worker.work` replies.

        Raises
        ------
        RefusalError
            413 if the request has cost too much already; 422 if the recording takes too long;
            503 if no worker gets free in time, or the worker ends.
        """
        reply = await self._in_turn(place, job, large=False)
        return await self._in_turn(place, job, large=True) if reply["large"] else reply

    async def start(self) -> None:
        """Fork a worker, so that the first recording need not wait for it."""
        self._idle.append(await self._fork())

    def close(self) -> None:
        """End all workers at once."""
        for worker in list(self._all):
            self._end(worker)

    async def _in_turn(self, place: Place, job: Job, *, large: bool) -> dict[str, Any]:
        most = int(min(self._limits.max_samples, self._limits.max_request_samples - place.cost))
        if most <= 0:
            raise _too_expensive(job.name, self._limits)
        fields = {
            "name": job.name,
            "machine_id": job.machine_id,
            "window": job.window,
            "step": job.step,
            "picture": job.picture,
            "max_seconds": self._limits.max_seconds,
            "max_samples": most,
            "work_seconds": self._limits.work_seconds + 1,
            "large": large,
        }
        try:
            async with self._turns.take(
                place, large=large, seconds=self._limits.wait_seconds
            ) as turn:
                reply = await self._work(turn, fields, job.content)
        except TimeoutError:
            waited = (
                f"no worker got free within {self._limits.wait_seconds:g} s; "
                "try again later or send to another instance"
            )
            raise RefusalError(503, "overloaded", waited) from None
        if most < reply["samples"] <= self._limits.max_samples:
            raise _too_expensive(job.name, self._limits)
        return reply

    async def _work(
        self, turn: Turn, fields: wire.Fields, content: Sequence[wire.Buffer]
    ) -> dict[str, Any]:
        """Give a recording to a worker, and end the worker if it is not to be used again."""
        turn.cost = float(LARGE_SAMPLES)  # unless the reply says otherwise
        worker = await self._idle_worker()
        reusable = False
        try:
            async with asyncio.timeout(self._limits.work_seconds):
                reply = await worker.judge(fields, content)
            # A large recording leaves memory behind that is not returned to the system.
            reusable = not fields["large"]
        except TimeoutError:
            raise _too_slow(fields["name"], self._limits) from None
        except (EOFError, OSError) as error:
            logger.error("worker ended", extra={"pid": worker.pid, "error": repr(error)})
            raise _worker_ended(fields["name"]) from None
        except asyncio.CancelledError:
            reusable = not fields["large"] and await worker.is_idle_within(_GRACE_SECONDS)
            raise
        finally:
            self._put_back(worker, reusable=reusable)
        turn.cost = _LEAST_COST
        if not reply["large"]:
            turn.cost += min(reply["samples"], fields["max_samples"])
        return reply

    async def _idle_worker(self) -> Worker:
        """Return a worker of the model that is served now."""
        while self._idle:
            worker = self._idle.pop()
            if worker.server is self._model.server and worker.is_alive():
                return worker
            self._end(worker)
        try:
            return await self._fork()
        except OSError as error:
            logger.error("fork server ended", extra={"error": repr(error)})
            await asyncio.to_thread(self._model.restart)
            return await self._fork()

    async def _fork(self) -> Worker:
        worker = await asyncio.to_thread(self._model.server.fork)
        self._all.add(worker)
        return worker

    def _put_back(self, worker: Worker, *, reusable: bool) -> None:
        if reusable and worker.server is self._model.server:
            self._idle.append(worker)
        else:
            self._end(worker)

    def _end(self, worker: Worker) -> None:
        self._all.discard(worker)
        worker.end()


def _too_expensive(name: str, limits: Limits) -> RefusalError:
    return RefusalError(
        413,
        "too_expensive",
        f"{name or 'recording'}: with it, the recordings of the request would have more than "
        f"{limits.max_request_samples:,} samples; send it in another request",
    )


def _too_slow(name: str, limits: Limits) -> RefusalError:
    return RefusalError(
        422,
        "too_slow_to_judge",
        f"{name or 'recording'}: was not judged within {limits.work_seconds} s; "
        "cut it into shorter clips",
    )


def _worker_ended(name: str) -> RefusalError:
    return RefusalError(
        503,
        "worker_ended",
        f"{name or 'recording'}: the process that judged it has ended; try again, "
        "and if that happens again, convert the recording to WAV",
    )
