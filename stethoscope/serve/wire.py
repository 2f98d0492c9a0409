"""Messages between the service and the processes that judge for it.

A message is a JSON object, followed by the bytes of a recording or by nothing. Replies are never
unpickled: a process that was taken over by a hostile recording can lie, and do no more.

Workers load this module; the end of the service, which waits for many of them at once, is in
:mod:`stethoscope.serve.exchange`.
"""

import json
import socket
import struct
from typing import Any

LENGTHS = struct.Struct("!IQ")
"""What a message begins with: the bytes of the JSON object, and of what follows it."""

Fields = dict[str, Any]
Buffer = bytes | bytearray | memoryview


def send(connection: socket.socket, fields: Fields) -> None:
    """Send an object."""
    connection.sendall(head(fields, 0))


def receive(connection: socket.socket) -> tuple[Fields, bytes]:
    """Receive an object and the bytes that follow it.

    Raises
    ------
    EOFError
        If the other side has closed the connection.
    """
    n_fields, n_bytes = LENGTHS.unpack(_receive_exactly(connection, LENGTHS.size))
    fields = json.loads(_receive_exactly(connection, n_fields))
    return fields, _receive_exactly(connection, n_bytes)


def head(fields: Fields, n_bytes: int) -> bytes:
    """Return the beginning of a message: the lengths and the object."""
    encoded = json.dumps(fields, allow_nan=False).encode()
    return LENGTHS.pack(len(encoded), n_bytes) + encoded


def _receive_exactly(connection: socket.socket, n_bytes: int) -> bytes:
    content = connection.recv(n_bytes, socket.MSG_WAITALL) if n_bytes else b""
    if len(content) < n_bytes:
        raise EOFError
    return content
