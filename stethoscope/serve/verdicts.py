"""The routes that answer recordings with verdicts: ``/inference`` and ``/inference/batch``."""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from stethoscope.serve import schema
from stethoscope.serve.body import AUDIO_TYPES, Form, receive
from stethoscope.serve.limits import MAX_MACHINE_ID, RefusalError
from stethoscope.serve.responses import json_response, refusals
from stethoscope.serve.service import Service, service_of
from stethoscope.sound.formats import FORMATS_TEXT

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
) -> Response:
    """Judge whether a recording is anomalous."""
    del name  # `receive` reads it, and FastAPI describes it by this signature.
    service = service_of(request)
    with service.workers.place() as place:
        form = await receive(request, place, service.limits)
        upload = form.uploads[0]
        answer = await _answer(
            service,
            upload.content,
            machine_id=_machine_id(form, machine_id),
            name=upload.name,
            picture=picture,
        )
        return json_response(answer)


@router.post(
    "/inference/batch",
    response_model=schema.Batch,
    responses=_REFUSALS,
    openapi_extra=_body(several=True),
)
async def batch(request: Request, machine_id: MachineId = "") -> Response:
    """Judge several recordings; if one of them cannot be used, the others are still judged."""
    service = service_of(request)
    with service.workers.place() as place:
        form = await receive(request, place, service.limits, max_files=service.limits.max_files)
        machine_id = _machine_id(form, machine_id)
        results = []
        for upload in form.uploads:
            try:
                result = await _answer(
                    service, upload.content, machine_id=machine_id, name=upload.name
                )
            except RefusalError as refusal:
                service.metrics.refusals.labels(refusal.reason).inc()
                result = {"Error": refusal.message, "Reason": refusal.reason}
            results.append({"File": upload.name, **result})
        return json_response({"Results": results})


async def _answer(
    service: Service, content: bytes, *, machine_id: str, name: str, picture: bool = False
) -> dict[str, Any]:
    """Judge a recording, log the verdict, and return it as JSON values."""
    served = await service.verdict(content, machine_id=machine_id, name=name, picture=picture)
    verdict = served.verdict
    logger.info(
        "verdict",
        extra={"machine": verdict.machine, "anomaly": verdict.anomaly, "score": verdict.score},
    )
    return served.json


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
