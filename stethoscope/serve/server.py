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
    """Serve a bundle until a signal ends the process.

    Requests that have begun by then are still answered.

    Parameters
    ----------
    folder : Path
        The bundle.
    host : str
        Address to listen on.
    port : int
        0 for a free one.
    limits : Limits
    api_key : str
        Key that requests must have; empty if they need none.

    Raises
    ------
    ModelError
        If the bundle cannot be used.
    ParameterError
        If the address is in use or does not exist.
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
        http=_protocol_with_header_timeout(limits.receive_seconds),
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
    """Return a socket that listens on an address.

    Raises
    ------
    ParameterError
        If the address is in use or does not exist.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_MAX_CONNECTIONS)
    except (OSError, OverflowError) as error:
        raise ParameterError(
            f"--host {host} --port {port}: {error}; choose another address"
        ) from error


def _return_large_buffers() -> None:
    """Make the C library return large buffers to the system as soon as they are free.

    By default, glibc raises its threshold with every large buffer that is freed, and keeps later
    buffers in one heap per thread: memory grows with the largest recordings that arrive together.
    musl has no `mallopt` and keeps no buffers.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def _protocol_with_header_timeout(seconds: float) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol, which has no time limit for headers, with such a limit."""

    class ProtocolWithHeaderTimeout(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._timeout: asyncio.TimerHandle | None = None
            self._set_timeout()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._set_timeout()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._timeout:
                self._timeout.cancel()
            super().connection_lost(exc)

        def _set_timeout(self) -> None:
            """Start the timer when a header is awaited, stop it when the header is there."""
            awaited = self.conn.their_state is h11.IDLE
            if awaited and self._timeout is None:
                self._timeout = self.loop.call_later(seconds, self.transport.close)
            elif not awaited and self._timeout:
                self._timeout.cancel()
                self._timeout = None

    return ProtocolWithHeaderTimeout
