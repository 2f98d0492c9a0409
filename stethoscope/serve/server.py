"""Running the service with uvicorn."""

import asyncio
import ctypes
import socket
import sys
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from stethoscope.errors import ParameterError
from stethoscope.serve.app import create_app
from stethoscope.serve.limits import Limits
from stethoscope.serve.logs import configure_logging
from stethoscope.serve.model import LiveModel
from stethoscope.serve.stream import MAX_BLOCK_BYTES

_SHUTDOWN_SECONDS = 20
_MAX_CONNECTIONS = 512
_M_MMAP_THRESHOLD = -3  # of mallopt(3)
_LARGE_BYTES = 1 << 20


def serve(folder: Path, *, host: str, port: int, limits: Limits, api_key: str = "") -> None:
    """Serve a bundle until a signal ends the process; requests that are inside by then are still
    answered.

    Raises
    ------
    ModelError
        If the bundle cannot be used.
    ParameterError
        If the address is taken or does not exist.
    """
    _return_large_buffers()
    model = LiveModel(folder)
    listener = bind(host, port)
    configure_logging()
    shown = f"[{host}]" if ":" in host else host
    print(
        f"{model.name} listens on http://{shown}:{listener.getsockname()[1]} (Ctrl-C ends it)",
        flush=True,
    )
    uvicorn.Server(configure(model, limits, api_key)).run(sockets=[listener])


def configure(model: LiveModel, limits: Limits, api_key: str = "") -> uvicorn.Config:
    """Return the server's configuration: the application behind bounded connections."""
    return uvicorn.Config(
        create_app(model, limits=limits, api_key=api_key),
        http=_patient_protocol(limits.receive_seconds),
        ws="websockets-sansio",
        ws_max_size=MAX_BLOCK_BYTES,
        ws_max_queue=4,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens there."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_MAX_CONNECTIONS)
    except (OSError, OverflowError) as error:
        raise ParameterError(
            f"--host {host} --port {port}: {error}; choose another address"
        ) from error


def _return_large_buffers() -> None:
    """Let the C library give large buffers back to the system as soon as they are free.

    By itself glibc learns from every large buffer to keep the next one, in one heap per thread, and
    memory grows with the largest recordings that happen to come together.
    """
    if sys.platform == "linux" and hasattr(
        libc := ctypes.CDLL(None), "mallopt"
    ):  # musl has none, and keeps none
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def _patient_protocol(seconds: float) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol with an end to its patience for headers, which it would await for
    ever.
    """

    class Patient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._due: asyncio.TimerHandle | None = None
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._due:
                self._due.cancel()
            super().connection_lost(exc)

        def _watch(self) -> None:
            """Start the clock when a header is awaited, stop it when the header is there."""
            awaited = self.conn.their_state is h11.IDLE
            if awaited and self._due is None:
                self._due = self.loop.call_later(seconds, self.transport.close)
            elif not awaited and self._due:
                self._due.cancel()
                self._due = None

    return Patient
