"""The outermost layer of the application, which every request passes.

It gives requests an id, checks the key, sets security headers, and writes one line of log.
"""

import asyncio
import base64
import hmac
import json
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.websockets import WebSocket

from stethoscope.serve.limits import RefusalError
from stethoscope.serve.logs import REQUEST_ID
from stethoscope.serve.metrics import Metrics
from stethoscope.serve.responses import refusal_response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

logger = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/", "/docs", "/openapi.json", "/v2/health/live", "/v2/health/ready"})
"""Paths that need no key, besides those below /page/; they reveal nothing about the model."""

_SECURITY_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "media-src blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_HEADERS = [(name.encode(), value.encode()) for name, value in _SECURITY_HEADERS.items()]
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 64 << 20
_PROBES = frozenset({"/v2/health/live", "/v2/health/ready", "/metrics"})


class Guard:
    """The outermost ASGI layer.

    Parameters
    ----------
    app : ASGI application
    metrics : Metrics
    api_key : str
        Requests must have it as ``Authorization: Bearer <key>``; empty if they need none.
    metrics_key : str
        Another key, which opens ``/metrics`` only: who watches a service need not be able to use
        it. Empty if there is none.
    """

    def __init__(
        self, app: App, metrics: Metrics, api_key: str = "", metrics_key: str = ""
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._api_key = api_key.encode()
        self._metrics_key = metrics_key.encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        REQUEST_ID.set(_request_id(headers))
        if scope["type"] == "http":
            await self._http(scope, receive, send, headers)
        else:
            await self._websocket(scope, receive, send, headers)

    async def _http(self, scope: Message, receive: Receive, send: Send, headers: Headers) -> None:
        exchange = _Exchange(
            receive, send, has_body="content-length" in headers or "transfer-encoding" in headers
        )
        began = time.perf_counter()
        try:
            if self._is_allowed(scope, headers):
                await self._app(scope, exchange.receive, exchange.send)
            else:
                refusal = refusal_response(_UNAUTHORIZED)
                if scope["path"].startswith("/history"):  # a page without a script that has the key
                    refusal.headers["www-authenticate"] = 'Basic realm="stethoscope: name any, key"'
                await refusal(scope, exchange.receive, exchange.send)
        except Exception:
            logger.exception("failed")  # the application has answered the request
        seconds = time.perf_counter() - began
        self._count(scope, exchange, seconds)
        if scope["path"] not in _PROBES or exchange.status >= 400:
            _log(scope, exchange, seconds)

    def _count(self, scope: Message, exchange: "_Exchange", seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unknown")
        method = scope["method"] if route != "unknown" else ""
        self._metrics.requests.labels(method, route, str(exchange.status)).inc()
        self._metrics.latency.labels(route).observe(seconds)
        if exchange.status >= 400:
            self._metrics.refusals.labels(exchange.reason).inc()

    async def _websocket(
        self, scope: Message, receive: Receive, send: Send, headers: Headers
    ) -> None:
        logger.info("stream opens", extra={"client": _client(scope)})
        if self._is_allowed(scope, headers):
            await self._app(scope, receive, send)
        else:
            await WebSocket(scope, receive, send).send_denial_response(
                refusal_response(_UNAUTHORIZED)
            )
        logger.info("stream closed")

    def _is_allowed(self, scope: Message, headers: Headers) -> bool:
        if not self._api_key or scope["path"] in OPEN_PATHS or scope["path"].startswith("/page/"):
            return True
        kind, _, key = headers.get("authorization", "").partition(" ")
        keys = [self._api_key]
        if scope["path"] == "/metrics" and self._metrics_key:
            keys.append(self._metrics_key)
        given = key.strip().encode()
        if kind.lower() == "basic":  # how a browser sends what a person types in
            given = _password(given)
        elif kind.lower() != "bearer":
            return False
        return any(hmac.compare_digest(given, one) for one in keys)


class _Exchange:
    """One request and its answer; counts what passes."""

    def __init__(self, receive: Receive, send: Send, *, has_body: bool) -> None:
        self._receive = receive
        self._send = send
        self._complete = not has_body
        self.received = 0
        self.status = 0
        self.reason = ""

    async def receive(self) -> Message:
        message = await self._receive()
        self.received += len(message.get("body", b""))
        self._complete = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message.get("headers", ()))
            names = {name for name, _ in given}
            given += [header for header in _HEADERS if header[0] not in names]
            given.append((b"x-request-id", REQUEST_ID.get().encode("ascii")))
            if self.status >= 400 and not self._complete:
                given.append((b"connection", b"close"))
            message = {**message, "headers": given}
        elif self.status >= 400:
            self.reason = self.reason or _reason(message.get("body", b""))
            if not self._complete and not message.get("more_body", False):
                # If a connection is closed while data is unread, it is reset, and the client might
                # never see the answer.
                await self._send({**message, "more_body": True})
                await self._linger()
                message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _linger(self) -> None:
        """Receive and discard the rest of the request, for a limited time."""
        enough = self.received + _LINGER_BYTES
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                while not self._complete and self.received < enough:
                    await self.receive()
        except TimeoutError:
            pass


def _log(scope: Message, exchange: _Exchange, seconds: float) -> None:
    logger.info(
        "request",
        extra={
            "method": scope["method"],
            "path": scope["path"][:200],
            "status": exchange.status,
            "reason": exchange.reason,
            "milliseconds": round(1000 * seconds, 1),
            "bytes": exchange.received,
            "client": _client(scope),
        },
    )


def _client(scope: Message) -> str:
    return str((scope.get("client") or ("",))[0])


_UNAUTHORIZED = RefusalError(
    401, "unauthorized", "this service asks for a key; send it as `Authorization: Bearer <key>`"
)


def _password(credentials: bytes) -> bytes:
    """Return the password in the credentials of Basic authentication (RFC 7617)."""
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[2]
    except ValueError:
        return b""


def _request_id(headers: Headers) -> str:
    """Return the id that the client or a proxy gave, if it is well-formed, or a new one."""
    given = headers.get("x-request-id", "")
    return given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else uuid.uuid4().hex


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["Reason"])
    except (ValueError, KeyError, TypeError):
        return ""
