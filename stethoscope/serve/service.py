"""What all routes of one service share."""

import logging
from typing import Any

from starlette.requests import HTTPConnection

from stethoscope.serve.limits import Limits, RefusalError
from stethoscope.serve.metrics import Metrics
from stethoscope.serve.model import LiveModel
from stethoscope.serve.places import Place, Places
from stethoscope.serve.workers import Job, Workers

logger = logging.getLogger(__name__)


class Service:
    """The model, the limits, the workers and the counters of a service.

    Parameters
    ----------
    model : LiveModel
    limits : Limits
    processors : int
        Processors that the service may use.
    """

    def __init__(self, model: LiveModel, limits: Limits, processors: int) -> None:
        self.model = model
        self.limits = limits
        self.metrics = Metrics()
        self.places = Places(limits)
        self.workers = Workers(model, limits, processors)

    async def verdict(self, place: Place, job: Job) -> dict[str, Any]:
        """Judge a recording in a worker process, and count the verdict.

        Parameters
        ----------
        place : Place
            The request or stream that it belongs to.
        job : Job

        Returns
        -------
        dict
            What :meth:`stethoscope.serve.judge.ServedVerdict.to_json` returns.

        Raises
        ------
        RefusalError
            If the recording cannot be judged, or no worker is free in time.
        """
        reply = await self.workers.judge(place, job)
        if "refusal" in reply:
            raise RefusalError(*reply["refusal"])
        if "failure" in reply:
            logger.error("judging failed", extra={"traceback": reply["failure"]})
            raise RuntimeError("judging failed")
        served: dict[str, Any] = reply["served"]
        self.metrics.count_verdict(served)
        return served

    def close(self) -> None:
        """End all processes."""
        self.workers.close()
        self.model.close()


def service_of(connection: HTTPConnection) -> Service:
    """Return the service that a request or a WebSocket belongs to."""
    service: Service = connection.app.state.service
    return service
