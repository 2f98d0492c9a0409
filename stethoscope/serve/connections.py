"""Connections that end: uvicorn's protocols, with limits that they do not have themselves."""

import asyncio
from collections import Counter
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from stethoscope.serve.limits import Limits
from stethoscope.serve.places import client_of

MAX_CONNECTIONS = 512
"""Connections open at once."""

MAX_CONNECTIONS_PER_CLIENT = 384
"""Connections that one client may have open; the others are for other clients and for probes."""

_MOST_UNUSED_BYTES = 16 << 10  # of a header, or between the parts of a body
_MOST_WAITING = 8  # requests on one connection, besides that which is answered
_LEAST_FRAME_BYTES = 32
_MOST_FRAMES = 2000  # of any size, one after the other
_READ_BYTES = 16 << 10


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol for HTTP/1.1 with limits.

    A header, and then a request with its answer, must be complete in time. A header, and what
    surrounds the parts of a body, have a bounded size. A client has a bounded number of
    connections, and of requests that it sends over one of them without waiting for an answer.
    """

    limits: Limits
    open_connections: Counter[str]

    def connection_made(self, transport: Any) -> None:
        """Close the connection if the client has too many."""
        super().connection_made(transport)
        self._client = client_of({"client": self.client})
        self._waits_for_header = False
        self._timeout: asyncio.TimerHandle | None = None
        self._unused_bytes = 0
        self._in_header = True
        self.open_connections[self._client] += 1
        if self.open_connections[self._client] > MAX_CONNECTIONS_PER_CLIENT:
            transport.abort()
            return
        self._set_timeout()

    def data_received(self, data: bytes) -> None:
        """Watch the time from now on, and the bytes that complete nothing."""
        self._unused_bytes += len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        if self._unused_bytes > _MOST_UNUSED_BYTES and not self.transport.is_closing():
            self.send_400_response("The header is too large.")
        self._set_timeout()

    def on_message_begin(self) -> None:
        """Begin a header, unless too many requests wait for their answers."""
        if len(self.pipeline) >= _MOST_WAITING:
            raise httptools.HttpParserError("too many requests at once")
        self._in_header = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a line of the header; those that follow a body do not belong to it."""
        if self._in_header:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request."""
        self._in_header = False
        self._unused_bytes = 0
        n_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if n_bytes > _MOST_UNUSED_BYTES:
            raise httptools.HttpParserError("the header is too large")
        if not self._offers_other_protocol():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._unused_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._unused_bytes = 0
        if not self._offers_other_protocol():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._stop_timeout()
        super().on_response_complete()
        self._set_timeout()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the other protocol."""
        self._leave()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no more."""
        self._leave()
        super().connection_lost(exc)

    def _offers_other_protocol(self) -> bool:
        """Return whether the request offers a protocol that is not spoken here."""
        return bool(self.parser.should_upgrade()) and not self._should_upgrade()

    def _upgrade(self, rest: bytes) -> None:
        """Change to WebSocket, or read the request as if it had offered no other protocol.

        Clients that can HTTP/2 offer it, and send the body without waiting. The parser takes the
        body for the beginning of the other protocol.
        """
        if self._should_upgrade():
            self.handle_websocket_upgrade()
            return
        method = self.parser.get_method()
        if method == b"CONNECT":  # which always means another protocol
            self.send_400_response("This is no proxy.")
            return
        lines = [b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def _leave(self) -> None:
        """Stop the timer, and count the connection no more."""
        self._stop_timeout()
        self._client, client = "", self._client
        if client:
            self.open_connections[client] -= 1
            if not self.open_connections[client]:
                del self.open_connections[client]

    def _stop_timeout(self) -> None:
        if self._timeout:
            self._timeout.cancel()
            self._timeout = None

    def _set_timeout(self) -> None:
        """Start another timer when a header, or the rest of a request, is waited for."""
        waits_for_header = self.cycle is None or self.cycle.response_complete
        if not self._client or (self._timeout and waits_for_header is self._waits_for_header):
            return
        self._stop_timeout()
        self._waits_for_header = waits_for_header
        seconds = self.limits.receive_seconds if waits_for_header else self.limits.request_seconds
        self._timeout = self.loop.call_later(seconds, self.transport.abort)


def bounded_http(limits: Limits) -> type[BoundedHttp]:
    """Return the protocol for a service with these limits."""
    return type("BoundedHttp", (BoundedHttp,), {"limits": limits, "open_connections": Counter()})


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol for WebSockets, which ends connections that send too many small frames.

    Each frame costs the service more than its bytes do. Little is read at once, so that other
    connections are served between.
    """

    def connection_made(self, transport: Any) -> None:
        """Read less at once than asyncio does."""
        super().connection_made(transport)
        self._allowed_frames = float(_MOST_FRAMES)
        if hasattr(transport, "max_size"):
            transport.max_size = _READ_BYTES

    def data_received(self, data: bytes) -> None:
        """Allow more frames for the bytes that arrive."""
        more = len(data) / _LEAST_FRAME_BYTES
        self._allowed_frames = min(self._allowed_frames + more, float(_MOST_FRAMES))
        super().data_received(data)

    def handle_events(self) -> None:
        """Count the frames, and end the connection if they are too small on average."""
        self._allowed_frames -= len(self.conn.events)
        if self._allowed_frames < 0:
            self.conn.fail(1008, f"send at least {_LEAST_FRAME_BYTES} bytes per message")
            self.handle_parser_exception()
            return
        super().handle_events()
