"""Running the service with uvicorn."""

import socket

import uvicorn

from stethoscope.errors import ParameterError
from stethoscope.serve.app import create_app
from stethoscope.serve.connections import MAX_CONNECTIONS, BoundedWebSocket, bounded_http
from stethoscope.serve.history import ServedHistory
from stethoscope.serve.limits import Limits
from stethoscope.serve.logs import configure_logging
from stethoscope.serve.memory import forbid_inspection, return_large_buffers, settle_memory
from stethoscope.serve.model import LiveModel
from stethoscope.serve.stream import MAX_BLOCK_BYTES

_SHUTDOWN_SECONDS = 15


def serve(
    model: LiveModel,
    *,
    host: str,
    port: int,
    limits: Limits,
    api_key: str = "",
    metrics_key: str = "",
    trusted_proxy: str = "",
    history: ServedHistory | None = None,
) -> None:
    """Serve a bundle until a signal ends the process.

    Requests that have begun by then are still answered.

    Parameters
    ----------
    model : LiveModel
    host : str
        Address to listen on.
    port : int
        0 for a free one.
    limits : Limits
    api_key : str
        Key that requests must have; empty if they need none.
    metrics_key : str
        Key that opens the metrics only; empty if there is none.
    trusted_proxy : str
        Addresses, or networks, of proxies whose header ``X-Forwarded-For`` names the client.
    history : ServedHistory or None
        History of a watch, whose page is answered at ``/history``.

    Raises
    ------
    ParameterError
        If the address is in use or does not exist.
    """
    return_large_buffers()
    forbid_inspection()
    listener = bind(host, port)
    configure_logging()
    shown = f"[{host}]" if ":" in host else host
    print(
        f"{model.name} listens on http://{shown}:{listener.getsockname()[1]} (Ctrl-C ends it)",
        flush=True,
    )
    config = configure(
        model,
        limits,
        api_key,
        metrics_key=metrics_key,
        trusted_proxy=trusted_proxy,
        history=history,
    )
    settle_memory()
    uvicorn.Server(config).run(sockets=[listener])


def configure(
    model: LiveModel,
    limits: Limits,
    api_key: str = "",
    *,
    metrics_key: str = "",
    trusted_proxy: str = "",
    history: ServedHistory | None = None,
) -> uvicorn.Config:
    """Return the server's configuration: the application behind bounded connections."""
    return uvicorn.Config(
        create_app(model, limits=limits, api_key=api_key, metrics_key=metrics_key, history=history),
        http=bounded_http(limits),
        ws=BoundedWebSocket,
        ws_max_size=MAX_BLOCK_BYTES,
        # The answer to a ping can wait behind samples that are not read yet.
        ws_ping_timeout=limits.silence_seconds,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxy),
        forwarded_allow_ips=trusted_proxy,
        limit_concurrency=MAX_CONNECTIONS,
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
        return socket.create_server((host, port), family=family, backlog=MAX_CONNECTIONS)
    except (OSError, OverflowError) as error:
        raise ParameterError(
            f"--host {host} --port {port}: {error}; choose another address"
        ) from error
