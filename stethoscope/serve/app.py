"""The service's addresses."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from stethoscope import __version__
from stethoscope.serve.body import AUDIO_TYPES, Form, receive
from stethoscope.serve.guard import App, Guard, refusal_response
from stethoscope.serve.judge import Answer, judge
from stethoscope.serve.limits import Limits, Refusal
from stethoscope.serve.logs import REQUEST_ID
from stethoscope.serve.metrics import Metrics
from stethoscope.serve.model import LiveModel
from stethoscope.serve.schema import Batch, Error, Health, Model, Server, Verdict
from stethoscope.serve.stream import StreamFormat, listen
from stethoscope.serve.workers import Workers, processors

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 2.0
_MAX_MACHINE_ID = 100
_PAGE = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "docs.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

MachineId = Annotated[
    str,
    Query(
        max_length=_MAX_MACHINE_ID,
        description="Id of the machine, such as `02` or `fan/02`; by default taken from the file's name.",
    ),
]

Name = Annotated[str, Path(max_length=200, description="Name of the model.")]


def create_app(
    model: LiveModel, *, limits: Limits | None = None, api_key: str = "", threads: int = 0
) -> App:
    """Build the ASGI application.

    Parameters
    ----------
    model : LiveModel
    limits : Limits or None
        None for the defaults.
    api_key : str
        What requests must carry; empty for none.
    threads : int
        Verdicts computed at once; 0 for one per processor.
    """
    limits = limits or Limits()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.workers = Workers(limits, threads or processors())
        follower = asyncio.create_task(_follow(model, metrics))
        yield
        follower.cancel()
        app.state.workers.close()

    app = FastAPI(
        title="stethoscope",
        version=__version__,
        description="A recording of a machine in, a verdict out.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    _add_inference(app, model, metrics, limits)
    _add_health(app, model, limits)
    _add_stream(app, model, metrics, limits)
    _add_pages(app)
    _add_metrics(app, metrics)
    _add_errors(app)
    return Guard(app, metrics, api_key)


async def _follow(model: LiveModel, metrics: Metrics) -> None:
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            reload = await asyncio.to_thread(model.follow)
        except OSError:  # the folder is being replaced
            continue
        if reload:
            metrics.reloads.labels("taken" if reload.taken else "refused").inc()


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Error, "description": _REASONS[status]} for status in statuses}


_REASONS = {
    400: "The request cannot be read or ended early",
    401: "The key is missing or wrong",
    404: "No model of this name",
    408: "The request did not arrive in time",
    413: "Too many bytes, seconds, samples or files",
    415: "Neither a form nor a recording",
    422: "The recording, the form or a parameter cannot be used",
    429: "Too many requests at once; try again",
    503: "Not ready, or no processor got free in time",
}
_INFERENCE_REFUSALS = _refusals(400, 401, 408, 413, 415, 422, 429, 503)
_RECORDING = {"type": "string", "format": "binary"}


def _body(*, several: bool) -> dict[str, Any]:
    file = {"type": "array", "items": _RECORDING, "minItems": 1} if several else _RECORDING
    form = {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {**file, "description": "WAV, FLAC or OGG"},
                "machine_id": {
                    "type": "string",
                    "maxLength": _MAX_MACHINE_ID,
                    "description": "As in the query",
                },
            },
        },
        "encoding": {"file": {"contentType": "audio/wav"}},
    }
    raw = {} if several else {media_type: {"schema": _RECORDING} for media_type in AUDIO_TYPES}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": form, **raw}}}


def _add_inference(app: FastAPI, model: LiveModel, metrics: Metrics, limits: Limits) -> None:
    async def answer(
        content: bytes, *, machine_id: str, name: str, picture: bool = False
    ) -> dict[str, Any]:
        workers: Workers = app.state.workers
        given: Answer = await workers.run(
            judge,
            model.inference,
            content,
            limits,
            machine_id=machine_id,
            name=name,
            picture=picture,
        )
        metrics.count_verdict(given)
        logger.info(
            "verdict",
            extra={
                "machine": given.verdict.machine,
                "anomaly": given.verdict.anomaly,
                "score": given.verdict.score,
            },
        )
        return given.json

    @app.post(
        "/inference",
        response_model=Verdict,
        responses=_INFERENCE_REFUSALS,
        openapi_extra=_body(several=False),
        tags=["verdicts"],
    )
    async def inference(
        request: Request,
        machine_id: MachineId = "",
        name: Annotated[
            str,
            Query(
                max_length=200,
                description="File name of a recording that is sent as the body itself.",
            ),
        ] = "",
        picture: Annotated[
            bool, Query(description="Also answer the spectrogram and where in it the anomaly is.")
        ] = False,
    ) -> Response:
        """Say whether a recording is anomalous."""
        del name  # read where the body is received
        with app.state.workers.place() as place:
            form = await receive(request, place, limits)
            upload = form.uploads[0]
            machine_id = _named_machine(form, machine_id)
            return _json(
                await answer(
                    upload.content, machine_id=machine_id, name=upload.name, picture=picture
                )
            )

    @app.post(
        "/inference/batch",
        response_model=Batch,
        responses=_INFERENCE_REFUSALS,
        openapi_extra=_body(several=True),
        tags=["verdicts"],
    )
    async def batch(request: Request, machine_id: MachineId = "") -> Response:
        """Say of several recordings whether they are anomalous; one that cannot be used does not
        spoil the others.
        """

        async def one(name: str, content: bytes, machine_id: str) -> dict[str, Any]:
            try:
                return {"File": name, **await answer(content, machine_id=machine_id, name=name)}
            except Refusal as refusal:
                metrics.refusals.labels(refusal.reason).inc()
                return {"File": name, "Error": refusal.message, "Reason": refusal.reason}

        with app.state.workers.place() as place:
            form = await receive(request, place, limits, max_files=limits.max_files)
            machine_id = _named_machine(form, machine_id)
            return _json(
                {
                    "Results": [
                        await one(upload.name, upload.content, machine_id)
                        for upload in form.uploads
                    ]
                }
            )


def _named_machine(form: Form, in_query: str) -> str:
    named = form.fields.get("machine_id", in_query)
    if len(named) > _MAX_MACHINE_ID:
        raise Refusal(
            422,
            "bad_parameter",
            f"machine_id has more than {_MAX_MACHINE_ID} characters; give an id such as 02 or fan/02",
        )
    return named


def _add_stream(app: FastAPI, model: LiveModel, metrics: Metrics, limits: Limits) -> None:
    open_streams = 0

    @app.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        nonlocal open_streams
        try:
            form = StreamFormat.from_query(socket.query_params, limits)
            if form.window * form.rate * form.channels > limits.max_samples:
                raise Refusal(
                    422,
                    "bad_parameter",
                    "a window of this rate and these channels holds too many samples; shorten it",
                )
            origin = socket.headers.get("origin")
            if origin and origin.partition("://")[2] != socket.headers.get("host"):
                raise Refusal(403, "foreign_page", "pages of other sites may not open streams here")
            if open_streams >= limits.max_streams:
                raise Refusal(
                    503,
                    "too_many_streams",
                    f"{limits.max_streams} streams are open already; try again later",
                )
        except Refusal as refusal:
            metrics.refusals.labels(refusal.reason).inc()
            await socket.send_denial_response(refusal_response(refusal))
            return
        open_streams += 1
        metrics.streams.set(open_streams)
        try:
            await socket.accept(headers=[(b"x-request-id", REQUEST_ID.get().encode())])
            await listen(
                socket, form, model=model, workers=app.state.workers, metrics=metrics, limits=limits
            )
        finally:
            open_streams -= 1
            metrics.streams.set(open_streams)


def _add_health(app: FastAPI, model: LiveModel, limits: Limits) -> None:
    @app.get("/v2/health/live", response_model=Health, tags=["operation"])
    async def live() -> Response:
        """Tell that the process runs."""
        return _json({"live": True})

    @app.get("/v2/health/ready", response_model=Health, tags=["operation"])
    async def ready() -> Response:
        """Tell that recordings are answered."""
        return _json({"ready": True})

    @app.get("/v2", response_model=Server, responses=_refusals(401), tags=["operation"])
    async def server() -> Response:
        """Tell what serves (Open Inference Protocol)."""
        return _json(
            {
                "name": "stethoscope",
                "version": __version__,
                "extensions": [],
                "models": [model.name],
            }
        )

    def check(name: str) -> None:
        if name != model.name:
            raise Refusal(404, "unknown_model", f"the model served here is {model.name!r}")

    @app.get(
        "/v2/models/{name}",
        response_model=Model,
        responses=_refusals(401, 404, 422),
        tags=["operation"],
    )
    async def metadata(name: Name) -> Response:
        """Tell what the model takes, what it knows, and whether the bundle in its folder was
        refused (Open Inference Protocol).
        """
        check(name)
        bundle = model.inference.bundle
        detector = bundle.detector if "detector" in bundle.models else None
        feature = detector.feature if detector else bundle.events.feature
        least = (
            (detector.min_frames - 1) * feature.hop_length / feature.sample_rate
            if detector
            else bundle.events.window_seconds
        )
        refused = model.reload is not None and not model.reload.taken
        return _json(
            {
                "name": bundle.name,
                "versions": [model.opened.strftime("%Y-%m-%dT%H:%M:%SZ")],
                "platform": "stethoscope_litert",
                "inputs": [{"name": "samples", "datatype": "FP32", "shape": [-1]}],
                "outputs": [{"name": "score", "datatype": "FP64", "shape": [1]}],
                "parameters": {
                    "roles": list(bundle.models),
                    "detector": detector.kind if detector else None,
                    "machines": bundle.manifest["machines"],
                    "labels": bundle.manifest["labels"],
                    "sample_rate": feature.sample_rate,
                    "min_seconds": least,
                    "max_seconds": limits.max_seconds,
                    "max_bytes": limits.max_bytes,
                    "refused_reload": model.reload.message if refused and model.reload else None,
                },
            }
        )

    @app.get(
        "/v2/models/{name}/ready",
        response_model=Health,
        responses=_refusals(401, 404, 422),
        tags=["operation"],
    )
    async def model_ready(name: Name) -> Response:
        """Tell that the model answers (Open Inference Protocol)."""
        check(name)
        return _json({"ready": True})


def _add_pages(app: FastAPI) -> None:
    folder = files("stethoscope.serve") / "page"
    index, docs = ((folder / name).read_bytes() for name in ("index.html", "docs.html"))
    assets = {name: (folder / name).read_bytes() for name in _PAGE}

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def root(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return Response(index, media_type="text/html", headers={"vary": "accept"})
        return PlainTextResponse("server is up", headers={"vary": "accept"})

    @app.get("/docs", include_in_schema=False)
    async def documentation() -> Response:
        return Response(docs, media_type="text/html")

    @app.get("/page/{name}", include_in_schema=False)
    async def asset(name: str) -> Response:
        if name not in assets:
            raise HTTPException(404)
        return Response(assets[name], media_type=_PAGE[name], headers={"cache-control": "no-cache"})


def _add_metrics(app: FastAPI, metrics: Metrics) -> None:
    @app.get(
        "/metrics", response_class=PlainTextResponse, responses=_refusals(401), tags=["operation"]
    )
    async def prometheus() -> Response:
        """Tell what was counted, for Prometheus."""
        metrics.places.set(app.state.workers.inside)
        return Response(metrics.render(), headers={"content-type": metrics.content_type})


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> Response:
        return refusal_response(refusal)

    @app.exception_handler(HTTPException)
    async def unknown(_: Request, error: HTTPException) -> Response:
        reason = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
        response = refusal_response(
            Refusal(error.status_code, reason, f"{error.detail}; see /docs for what is served")
        )
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> Response:
        return refusal_response(
            Refusal(500, "internal", "the service failed; tell its operator the request id")
        )

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return refusal_response(
            Refusal(422, "bad_parameter", f"{first['loc'][-1]}: {first['msg']}")
        )


def _json(value: dict[str, Any]) -> Response:
    return Response(
        json.dumps(value, ensure_ascii=False, allow_nan=False), media_type="application/json"
    )
