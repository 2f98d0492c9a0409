"""Messages between the service and the processes that judge for it.

A message is a JSON object, followed by the bytes of a recording or by nothing. Replies are never
unpickled: a process that was taken over by a hostile recording can lie, and do no more.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

_LENGTHS = struct.Struct("!IQ")
_MAX_FIELDS = 16 << 20  # bytes of the JSON object
_MAX_SEND = 1 << 20
_MAX_RECEIVE = 64 << 10

Fields = dict[str, Any]
Buffer = bytes | bytearray | memoryview


def send(connection: socket.socket, fields: Fields) -> None:
    """Send an object."""
    connection.sendall(_head(fields, 0))


def receive(connection: socket.socket) -> tuple[Fields, bytes]:
    """Receive an object and the bytes that follow it.

    Raises
    ------
    EOFError
        If the other side has closed the connection.
    """
    n_fields, n_bytes = _LENGTHS.unpack(_receive_exactly(connection, _LENGTHS.size))
    fields = json.loads(_receive_exactly(connection, n_fields))
    return fields, _receive_exactly(connection, n_bytes)


async def exchange(connection: socket.socket, fields: Fields, content: Sequence[Buffer]) -> Fields:
    """Send an object and bytes over a connection that does not block, and receive an object.

    Parameters
    ----------
    connection : socket
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
    views = [memoryview(part).cast("B") for part in content]
    await _send_async(connection, [memoryview(_head(fields, sum(map(len, views)))), *views])
    try:
        reply = json.loads(await _receive_fields(connection))
    except ValueError:
        raise EOFError("the reply is not JSON") from None
    if not isinstance(reply, dict):
        raise EOFError("the reply is no object")
    return reply


async def _send_async(connection: socket.socket, views: Sequence[memoryview]) -> None:
    """Send buffers one after the other, by a single call if the connection takes them."""
    sent = 0
    if sum(map(len, views)) <= _MAX_SEND:
        with contextlib.suppress(BlockingIOError):
            sent = connection.sendmsg(views)
    for view in views:
        first, sent = min(sent, len(view)), max(0, sent - len(view))
        # A large part would be sent in one piece, while nothing else is served.
        for start in range(first, len(view), _MAX_SEND):
            part = view[start : start + _MAX_SEND]
            await asyncio.get_running_loop().sock_sendall(connection, part)


def _head(fields: Fields, n_bytes: int) -> bytes:
    encoded = json.dumps(fields, allow_nan=False).encode()
    return _LENGTHS.pack(len(encoded), n_bytes) + encoded


def _receive_exactly(connection: socket.socket, n_bytes: int) -> bytes:
    content = connection.recv(n_bytes, socket.MSG_WAITALL) if n_bytes else b""
    if len(content) < n_bytes:
        raise EOFError
    return content


async def _receive_fields(connection: socket.socket) -> bytes:
    """Receive the JSON of an object that no bytes follow."""
    content = await _receive_async(connection, b"", _LENGTHS.size)
    n_fields, n_bytes = _LENGTHS.unpack(content[: _LENGTHS.size])
    if n_fields > _MAX_FIELDS or n_bytes:
        raise EOFError("the reply is not one of a worker")
    content = await _receive_async(connection, content, _LENGTHS.size + n_fields)
    if len(content) > _LENGTHS.size + n_fields:
        raise EOFError("the reply is longer than it says")
    return content[_LENGTHS.size :]


async def _receive_async(connection: socket.socket, content: bytes, n_bytes: int) -> bytes:
    """Receive more until there are `n_bytes` in all, or what arrived with them."""
    parts, received = [content], len(content)
    while received < n_bytes:
        part = await asyncio.get_running_loop().sock_recv(connection, _MAX_RECEIVE)
        if not part:
            raise EOFError
        parts.append(part)
        received += len(part)
    return b"".join(parts)
