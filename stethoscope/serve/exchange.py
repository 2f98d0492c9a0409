"""The service's end of a connection to a worker: a recording out, a reply in, one after the other.

The connection is registered with the event loop as long as the worker lives, so that neither a task
nor a registration is made per recording.
"""

import asyncio
import json
import socket
from collections.abc import Sequence

from stethoscope.serve.wire import LENGTHS, Buffer, Fields, head

_MAX_FIELDS = 16 << 20  # bytes of the JSON object
_MAX_SEND = 1 << 20
_MAX_RECEIVE = 64 << 10


class Exchange:
    """A connection over which messages are sent and answered, without blocking.

    Parameters
    ----------
    connection : socket
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sent = False
        self._ended = False
        self._reply: asyncio.Future[Fields] | None = None
        self._received = bytearray()

    async def ask(self, fields: Fields, content: Sequence[Buffer]) -> Fields:
        """Send an object and bytes, and return the object of the reply.

        If this is cancelled, the reply can still come: see :meth:`is_answered_within`.

        Parameters
        ----------
        fields : dict
        content : sequence of buffers
            The bytes in several parts, which are not copied.

        Raises
        ------
        EOFError
            If the other side ends, or sends something else.
        OSError
            If the connection is broken.
        """
        self._watch()
        views = [memoryview(part).cast("B") for part in content]
        self._sent = False
        self._reply = reply = asyncio.get_running_loop().create_future()
        await self._send([memoryview(head(fields, sum(map(len, views)))), *views])
        self._sent = True
        if self._ended:
            raise EOFError("the connection has ended")
        return await asyncio.shield(reply)

    async def is_answered_within(self, seconds: float) -> bool:
        """Return whether the message that was sent last gets its reply in time."""
        if self._reply is None or not self._sent:
            return False
        await asyncio.wait({self._reply}, timeout=seconds)
        return self._reply.done() and not self._reply.exception()

    def is_alive(self) -> bool:
        """Return whether the other side, which has nothing to answer, has not ended."""
        try:
            return not self._ended and bool(self._connection.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Close the connection."""
        self._end()
        self._connection.close()

    def _watch(self) -> None:
        """Let the event loop receive what comes, from the first message on."""
        if self._loop is None and not self._ended:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._connection, self._receive)

    def _end(self) -> None:
        self._ended = True
        if self._loop is not None:
            self._loop.remove_reader(self._connection)
            self._loop = None

    async def _send(self, views: Sequence[memoryview]) -> None:
        """Send buffers one after the other, by a single call if the connection takes them."""
        sent = 0
        if sum(map(len, views)) <= _MAX_SEND:
            try:
                sent = self._connection.sendmsg(views)
            except BlockingIOError:
                sent = 0
        for view in views:
            first, sent = min(sent, len(view)), max(0, sent - len(view))
            # A large part would be sent in one piece, while nothing else is served.
            for start in range(first, len(view), _MAX_SEND):
                part = view[start : start + _MAX_SEND]
                await asyncio.get_running_loop().sock_sendall(self._connection, part)

    def _receive(self) -> None:
        """Take what has arrived, and set the reply when it is complete."""
        try:
            part = self._connection.recv(_MAX_RECEIVE)
            if not part or self._reply is None or self._reply.done():
                raise EOFError("the connection has ended, or brings what nobody asked for")
            self._received += part
            reply = parse(self._received)
        except BlockingIOError:
            return
        except (EOFError, OSError) as error:
            self._end()
            if self._sent and self._reply is not None and not self._reply.done():
                self._reply.set_exception(error)
            return
        if reply is not None:
            self._received = bytearray()
            self._reply.set_result(reply)


def parse(received: bytearray) -> Fields | None:
    """Return the object of a message that no bytes follow; None while it is incomplete.

    Raises
    ------
    EOFError
        If it is no such message, or more follows.
    """
    if len(received) < LENGTHS.size:
        return None
    n_fields, n_bytes = LENGTHS.unpack_from(received)
    if n_fields > _MAX_FIELDS or n_bytes or len(received) > LENGTHS.size + n_fields:
        raise EOFError("the reply is not one of a worker")
    if len(received) < LENGTHS.size + n_fields:
        return None
    try:
        reply = json.loads(received[LENGTHS.size :])
    except (ValueError, RecursionError):
        raise EOFError("the reply is not JSON") from None
    if not isinstance(reply, dict):
        raise EOFError("the reply is no object")
    return reply
