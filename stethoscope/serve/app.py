"""The application: all routes of the service, behind a guard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from stethoscope import __version__
from stethoscope.resources import processors
from stethoscope.serve import operation, pages, stream, verdicts
from stethoscope.serve.guard import App, Guard
from stethoscope.serve.history import ServedHistory
from stethoscope.serve.history import router as history_router
from stethoscope.serve.limits import Limits, RefusalError
from stethoscope.serve.model import LiveModel
from stethoscope.serve.responses import refusal_response
from stethoscope.serve.service import Service
from stethoscope.serve.systemd import notify, watch_forever

RELOAD_SECONDS = 2.0
"""Time between two looks at the bundle's folder, in seconds."""


def create_app(
    model: LiveModel,
    *,
    limits: Limits | None = None,
    api_key: str = "",
    metrics_key: str = "",
    history: ServedHistory | None = None,
) -> App:
    """Build the ASGI application.

    Parameters
    ----------
    model : LiveModel
    limits : Limits or None
        None for the defaults.
    api_key : str
        Key that requests must have; empty if they need none.
    metrics_key : str
        Key that opens the metrics only; empty if there is none.
    history : ServedHistory or None
        Its page is answered at ``/history``.
    """
    service = Service(model, limits or Limits(), processors())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.workers.start()
        tasks = [
            asyncio.create_task(_reload_forever(service)),
            asyncio.create_task(watch_forever()),
        ]
        notify("READY=1")
        yield
        notify("STOPPING=1")
        for task in tasks:
            task.cancel()
        service.close()

    app = FastAPI(
        title="stethoscope",
        version=__version__,
        description="A recording of a machine in, a verdict out.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    app.state.history = history
    app.router.routes.append(verdicts.WithoutQuery())
    for router in (verdicts.router, operation.router, stream.router, pages.router, history_router):
        app.include_router(router)
    _add_error_handlers(app)
    return Guard(app, service.metrics, api_key, metrics_key)


async def _reload_forever(service: Service) -> None:
    """Replace the model whenever its folder has changed."""
    while True:
        await asyncio.sleep(RELOAD_SECONDS)
        try:
            reload = await asyncio.to_thread(service.model.reload_if_changed)
        except OSError:  # the folder is being replaced
            continue
        if reload:
            service.metrics.reloads.labels("taken" if reload.accepted else "refused").inc()


def _add_error_handlers(app: FastAPI) -> None:
    """Answer every error with a refusal, in JSON."""

    @app.exception_handler(RefusalError)
    async def refused(_: Request, refusal: RefusalError) -> Response:
        return refusal_response(refusal)

    @app.exception_handler(HTTPException)
    async def unknown(_: Request, error: HTTPException) -> Response:
        reason = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
        message = f"{error.detail}; see /docs for what is served"
        response = refusal_response(RefusalError(error.status_code, reason, message))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> Response:
        message = "the service failed; tell its operator the request id"
        return refusal_response(RefusalError(500, "internal", message))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        message = f"{first['loc'][-1]}: {first['msg']}"
        return refusal_response(RefusalError(422, "bad_parameter", message))
