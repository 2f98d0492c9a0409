"""The routes for operating the service: health, metadata and metrics.

Health and metadata follow the Open Inference Protocol.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse

from stethoscope import __version__
from stethoscope.serve import schema
from stethoscope.serve.limits import Limits, RefusalError
from stethoscope.serve.model import LiveModel
from stethoscope.serve.responses import json_response, refusals
from stethoscope.serve.service import Service, service_of

router = APIRouter(tags=["operation"])

Name = Annotated[str, Path(max_length=200, description="Name of the model.")]


@router.get("/v2/health/live", response_model=schema.Health)
async def live() -> Response:
    """Report that the process runs."""
    return json_response({"live": True})


@router.get("/v2/health/ready", response_model=schema.Health)
async def ready() -> Response:
    """Report that the service takes recordings."""
    return json_response({"ready": True})


@router.get("/v2", response_model=schema.Server, responses=refusals(401))
async def server(request: Request) -> Response:
    """Report the server's name and version (Open Inference Protocol)."""
    return json_response(
        {
            "name": "stethoscope",
            "version": __version__,
            "extensions": [],
            "models": [service_of(request).model.name],
        }
    )


@router.get("/v2/models/{name}", response_model=schema.Model, responses=refusals(401, 404, 422))
async def metadata(request: Request, name: Name) -> Response:
    """Report what the model takes and what it knows (Open Inference Protocol).

    `refused_reload` reports whether a newer bundle in the model's folder was refused.
    """
    service = service_of(request)
    _check_name(service, name)
    return json_response(_metadata(service.model, service.limits))


@router.get(
    "/v2/models/{name}/ready", response_model=schema.Health, responses=refusals(401, 404, 422)
)
async def model_ready(request: Request, name: Name) -> Response:
    """Report that the model is ready (Open Inference Protocol)."""
    _check_name(service_of(request), name)
    return json_response({"ready": True})


@router.get("/metrics", response_class=PlainTextResponse, responses=refusals(401))
async def prometheus(request: Request) -> Response:
    """Report the counters, in the text format of Prometheus."""
    service = service_of(request)
    service.metrics.places.set(service.places.taken)
    return Response(
        service.metrics.render(), headers={"content-type": service.metrics.content_type}
    )


def _check_name(service: Service, name: str) -> None:
    if name != service.model.name:
        raise RefusalError(404, "unknown_model", f"the model served here is {service.model.name!r}")


def _metadata(model: LiveModel, limits: Limits) -> dict[str, Any]:
    known = {key: value for key, value in model.description.items() if key != "name"}
    return {
        "name": model.name,
        "versions": [model.opened.strftime("%Y-%m-%dT%H:%M:%SZ")],
        "platform": "stethoscope_litert",
        "inputs": [{"name": "samples", "datatype": "FP32", "shape": [-1]}],
        "outputs": [{"name": "score", "datatype": "FP64", "shape": [1]}],
        "parameters": {
            **known,
            "max_seconds": limits.max_seconds,
            "max_bytes": limits.max_bytes,
            "refused_reload": (
                model.reload.message if model.reload and not model.reload.accepted else None
            ),
        },
    }
