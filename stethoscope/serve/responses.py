"""Responses that several routes share: JSON, and refusals with their description."""

import json
from typing import Any

from starlette.responses import JSONResponse, Response

from stethoscope.serve import schema
from stethoscope.serve.limits import RefusalError
from stethoscope.serve.logs import REQUEST_ID

_DESCRIPTIONS = {
    400: "The request cannot be read or ended early",
    401: "The key is missing or wrong",
    404: "No model of this name",
    408: "The request did not arrive in time",
    413: "Too many bytes, seconds, samples or files",
    415: "Neither a form nor a recording",
    422: "The recording, the form or a parameter cannot be used",
    429: "Too many requests at once; try again",
    503: "Not ready, or no processor was free in time",
}
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_HEADERS = {
    401: {"www-authenticate": "Bearer"},
    429: {"retry-after": "1"},
    503: {"retry-after": "5"},
}


def json_response(value: dict[str, Any]) -> Response:
    """Return a response with a JSON object. Characters are not escaped; NaN raises ValueError."""
    return Response(_ENCODER.encode(value), media_type="application/json")


def refusal_response(refusal: RefusalError) -> JSONResponse:
    """Return the response to a refused request."""
    body = {"Error": refusal.message, "Reason": refusal.reason, "RequestId": REQUEST_ID.get()}
    return JSONResponse(body, refusal.status, _HEADERS.get(refusal.status))


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of the statuses with which a route refuses requests."""
    return {
        status: {"model": schema.Error, "description": _DESCRIPTIONS[status]} for status in statuses
    }
