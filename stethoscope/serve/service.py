"""What all routes of one service share."""

from starlette.requests import HTTPConnection

from stethoscope.serve.judge import ServedVerdict, judge
from stethoscope.serve.limits import Limits
from stethoscope.serve.metrics import Metrics
from stethoscope.serve.model import LiveModel
from stethoscope.serve.workers import Workers


class Service:
    """The model, the limits, the threads and the counters of a service.

    Parameters
    ----------
    model : LiveModel
    limits : Limits
    threads : int
        Verdicts that are computed at once.
    """

    def __init__(self, model: LiveModel, limits: Limits, threads: int) -> None:
        self.model = model
        self.limits = limits
        self.metrics = Metrics()
        self.workers = Workers(limits, threads)
        self.open_streams = 0

    async def verdict(
        self, content: bytes, *, machine_id: str, name: str, picture: bool = False
    ) -> ServedVerdict:
        """Judge a recording in one of the threads, and count the verdict.

        Parameters
        ----------
        content : bytes
            The recording as it was sent.
        machine_id, name, picture
            As for :func:`stethoscope.serve.judge.judge`.

        Raises
        ------
        RefusalError
            If the recording cannot be judged, or no thread is free in time.
        """
        served = await self.workers.run(
            judge,
            self.model.inference,
            content,
            self.limits,
            machine_id=machine_id,
            name=name,
            picture=picture,
        )
        self.metrics.count_verdict(served)
        return served


def service_of(connection: HTTPConnection) -> Service:
    """Return the service that a request or a WebSocket belongs to."""
    service: Service = connection.app.state.service
    return service
