"""The route ``/stream``: a client sends samples without end, the service answers each window."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from stethoscope.serve.limits import RefusalError
from stethoscope.serve.logs import REQUEST_ID
from stethoscope.serve.places import Place, client_of
from stethoscope.serve.responses import refusal_response
from stethoscope.serve.service import Service, service_of
from stethoscope.serve.windows import StreamCutter, StreamFormat, StreamWindow
from stethoscope.serve.workers import Job

router = APIRouter()

MAX_BLOCK_BYTES = 1 << 20
"""Largest message of a stream, in bytes."""

_END = "end"


@router.websocket("/stream")
async def stream(socket: WebSocket) -> None:
    """Open a stream, or refuse it before it opens."""
    service = service_of(socket)
    with ExitStack() as stack:
        try:
            form = StreamFormat.from_query(socket.query_params, service.limits)
            _check_origin(socket)
            place = stack.enter_context(_place(service, client_of(socket.scope), form))
        except RefusalError as refusal:
            service.metrics.refusals.labels(refusal.reason).inc()
            await socket.send_denial_response(refusal_response(refusal))
            return
        await socket.accept(headers=[(b"x-request-id", REQUEST_ID.get().encode())])
        await _Session(socket, form, service, place).run()


def _check_origin(socket: WebSocket) -> None:
    origin = socket.headers.get("origin")
    if origin and origin.partition("://")[2] != socket.headers.get("host"):
        raise RefusalError(403, "foreign_page", "pages of other sites may not open streams here")


@contextmanager
def _place(service: Service, client: str, form: StreamFormat) -> Iterator[Place]:
    """Take a place for a stream, and count the streams that are open."""
    with service.places.take_for_stream(client, form.window_bytes) as place:
        service.metrics.streams.set(service.places.streams)
        try:
            yield place
        finally:
            service.metrics.streams.set(service.places.streams - 1)


class _Session:
    """One open stream.

    While a window is judged, no block is received. The data of a client that sends faster than
    windows are judged waits in its socket.
    """

    def __init__(
        self, socket: WebSocket, form: StreamFormat, service: Service, place: Place
    ) -> None:
        self._socket = socket
        self._form = form
        self._service = service
        self._place = place
        self._cutter = StreamCutter(form)
        self._count = 0

    async def run(self) -> None:
        """Serve until the client sends ``end``, disconnects, or sends nothing for too long."""
        silence_seconds = self._service.limits.silence_seconds
        try:
            while True:
                async with asyncio.timeout(silence_seconds):
                    message = await self._socket.receive()
                if not await self._handle(message):
                    return
                # Further messages may be there already; others are served before them.
                await asyncio.sleep(0)
        except TimeoutError:
            await self._socket.close(1008, f"nothing came for {silence_seconds:g} s")
        except WebSocketDisconnect:  # while a verdict was being sent
            return

    async def _handle(self, message: Any) -> bool:
        """Answer one message; return whether the stream goes on."""
        if message["type"] == "websocket.disconnect":
            return False
        if message.get("bytes") is not None:
            await self._answer(self._cutter.add(message["bytes"]))
            return True
        if message.get("text") == _END:
            await self._answer(self._cutter.finish())
            await self._socket.close(1000)
        else:
            await self._socket.close(1003, f"send samples as binary messages, or the text {_END!r}")
        return False

    async def _answer(self, windows: Iterable[StreamWindow]) -> None:
        for window in windows:
            number, self._count = self._count, self._count + 1
            place = {
                "Window": number,
                "Start": round(window.start, 3),
                "End": round(window.end, 3),
            }
            await self._socket.send_json({**place, **await self._verdict(window, number)})

    async def _verdict(self, window: StreamWindow, number: int) -> dict[str, Any]:
        self._place.cost = 0.0  # each window counts as a request of its own
        job = Job(window.wav, f"window {number}", self._form.machine_id)
        try:
            served = await self._service.verdict(self._place, job)
        except RefusalError as refusal:
            self._service.metrics.refusals.labels(refusal.reason).inc()
            return {"Error": refusal.message, "Reason": refusal.reason}
        answer: dict[str, Any] = served["json"]
        return answer
