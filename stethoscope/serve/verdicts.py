"""The routes that answer recordings with verdicts: ``/inference`` and ``/inference/batch``."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from stethoscope.serve import schema
from stethoscope.serve.body import AUDIO_TYPES, Form, incomplete, receive
from stethoscope.serve.limits import MAX_MACHINE_ID, RefusalError
from stethoscope.serve.places import Place, client_of
from stethoscope.serve.responses import json_response, refusals
from stethoscope.serve.service import Service, service_of
from stethoscope.serve.workers import Job
from stethoscope.sound.formats import FORMATS_TEXT

T = TypeVar("T")

logger = logging.getLogger(__name__)
router = APIRouter(tags=["verdicts"])

MachineId = Annotated[
    str,
    Query(
        max_length=MAX_MACHINE_ID,
        description=(
            "Id of the machine, such as `02` or `fan/02`; by default taken from the file's name."
        ),
    ),
]
FileName = Annotated[
    str,
    Query(
        max_length=200,
        description="File name of a recording that is sent as the body itself.",
    ),
]
WithPicture = Annotated[
    bool,
    Query(description="Also answer the spectrogram and where in it the anomaly is."),
]

WindowSeconds = Annotated[
    float | None,
    Query(
        ge=0,
        le=3600,
        description=(
            "Length of the windows in which a long recording is judged, in seconds; 0 judges it "
            "as a whole. By default the length of the training recordings."
        ),
    ),
]
StepSeconds = Annotated[
    float | None,
    Query(
        ge=0.1,
        le=3600,
        description="From window to window, in seconds; by default the length of a window.",
    ),
]

_REFUSALS = refusals(400, 401, 408, 413, 415, 422, 429, 503)
_RECORDING = {"type": "string", "format": "binary"}


def _body(*, several: bool) -> dict[str, Any]:
    """Return the OpenAPI description of a request's body."""
    file = {"type": "array", "items": _RECORDING, "minItems": 1} if several else _RECORDING
    fields = {
        "file": {**file, "description": FORMATS_TEXT},
        "machine_id": {
            "type": "string",
            "maxLength": MAX_MACHINE_ID,
            "description": "As in the query",
        },
    }
    form = {
        "schema": {"type": "object", "required": ["file"], "properties": fields},
        "encoding": {"file": {"contentType": "audio/wav"}},
    }
    raw = {} if several else {media_type: {"schema": _RECORDING} for media_type in AUDIO_TYPES}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": form, **raw}}}


@router.post(
    "/inference",
    response_model=schema.Verdict,
    responses=_REFUSALS,
    openapi_extra=_body(several=False),
)
async def inference(
    request: Request,
    machine_id: MachineId = "",
    name: FileName = "",
    picture: WithPicture = False,
    window: WindowSeconds = None,
    step: StepSeconds = None,
) -> Response:
    """Judge whether a recording is anomalous."""
    del name  # `receive` reads it, and FastAPI describes it by this signature.
    service = service_of(request)
    deadline = _deadline(service)
    with service.places.take(client_of(request.scope)) as place:
        form = await receive(request, place, service.limits)
        upload = form.uploads[0]
        wanted = _machine_id(form, machine_id)
        job = Job([upload.content], upload.name, wanted, picture, window, step)
        answer = _answer(service, place, job, deadline)
        return json_response(await while_connected(request, answer))


class WithoutQuery(Route):
    """The route of recordings that are sent without a query.

    All parameters then have their defaults, and FastAPI, which takes as long to check them as the
    rest of the way to the endpoint takes, is passed by. It describes the other route.
    """

    def __init__(self) -> None:
        super().__init__("/inference", _without_query, methods=["POST"])

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Leave requests that have a query to the other route."""
        if scope.get("query_string") or scope.get("method") != "POST":
            return Match.NONE, {}
        match, found = super().matches(scope)
        return match, {**found, "route": self}


async def _without_query(request: Request) -> Response:
    return await inference(request)


@router.post(
    "/inference/batch",
    response_model=schema.Batch,
    responses=_REFUSALS,
    openapi_extra=_body(several=True),
)
async def batch(
    request: Request,
    machine_id: MachineId = "",
    window: WindowSeconds = None,
    step: StepSeconds = None,
) -> Response:
    """Judge several recordings; if one of them cannot be used, the others are still judged."""
    service = service_of(request)
    deadline = _deadline(service)
    with service.places.take(client_of(request.scope)) as place:
        form = await receive(request, place, service.limits, max_files=service.limits.max_files)
        wanted = _machine_id(form, machine_id)
        jobs = [
            Job([upload.content], upload.name, wanted, window=window, step=step)
            for upload in form.uploads
        ]
        results = _results(service, place, jobs, deadline)
        return json_response({"Results": await while_connected(request, results)})


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do the work for a request whose body has arrived; cancel it if the client leaves.

    Raises
    ------
    RefusalError
        400 if the client has left.
    """
    working = asyncio.current_task()
    assert working  # noqa: S101 - a coroutine runs in a task
    leaving = asyncio.create_task(_disconnected(request))

    def cancel(_: asyncio.Task[None]) -> None:
        working.cancel()

    leaving.add_done_callback(cancel)
    try:
        return await work
    except asyncio.CancelledError:
        if leaving.done() and not working.uncancel():
            raise incomplete() from None
        raise
    finally:
        leaving.remove_done_callback(cancel)
        leaving.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _results(
    service: Service, place: Place, jobs: Sequence[Job], deadline: float
) -> list[dict[str, Any]]:
    """Judge recordings one after the other."""
    results = []
    for job in jobs:
        try:
            result = await _answer(service, place, job, deadline)
        except RefusalError as refusal:
            service.metrics.refusals.labels(refusal.reason).inc()
            result = {"Error": refusal.message, "Reason": refusal.reason}
        results.append({"File": job.name, **result})
    return results


async def _answer(service: Service, place: Place, job: Job, deadline: float) -> dict[str, Any]:
    """Judge a recording, log the verdict, and return it as JSON values."""
    try:
        async with asyncio.timeout_at(deadline):
            served = await service.verdict(place, job)
    except TimeoutError:
        late = (
            f"the request was not answered within {service.limits.request_seconds:g} s; "
            "try again later, or send fewer recordings at once"
        )
        raise RefusalError(503, "overloaded", late) from None
    logger.info("verdict", extra={key: served[key] for key in ("machine", "anomaly", "score")})
    answer: dict[str, Any] = served["json"]
    return answer


def _deadline(service: Service) -> float:
    """Return the time on the event loop's clock when this request, which begins, must be answered.

    A second is left for sending the answer.
    """
    return asyncio.get_running_loop().time() + max(service.limits.request_seconds - 1.0, 0.1)


def _machine_id(form: Form, in_query: str) -> str:
    """Return the machine id of a form, or else that of the query."""
    machine_id = form.fields.get("machine_id", in_query)
    if len(machine_id) > MAX_MACHINE_ID:
        raise RefusalError(
            422,
            "bad_parameter",
            f"machine_id has more than {MAX_MACHINE_ID} characters; "
            "give an id such as 02 or fan/02",
        )
    return machine_id
