"""A service that runs while it is fuzzed, and requests to it as plain bytes."""

import atexit
import contextlib
import socket
from contextlib import ExitStack
from functools import cache
from urllib.parse import urlsplit

import requests

from tests.fuzz.test_bundles import bundle
from tests.serve.helpers import RunningService, serving

ANSWER_SECONDS = 30


@cache
def service() -> RunningService:
    """Return a service of a bundle with a detector and a model of events."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(serving(bundle()))


def address() -> tuple[str, int]:
    """Return the host and the port of the service."""
    parts = urlsplit(service().url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def exchange(content: bytes) -> bytes:
    """Send bytes, and return what is answered until the service closes the connection."""
    with socket.create_connection(address(), timeout=ANSWER_SECONDS) as connection:
        with contextlib.suppress(ConnectionError):  # refused before everything was sent
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while block := connection.recv(65536):
                answer += block
    return answer


def check_alive() -> None:
    """Check that the service still answers."""
    assert service().process.poll() is None, "the service has ended"
    answer = requests.get(f"{service().url}/v2/health/live", timeout=ANSWER_SECONDS)
    assert answer.json() == {"live": True}
