import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from stethoscope.serve import connections
from tests.serve.helpers import noise, post, wait, wav


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def answer(client: socket.socket) -> bytes:
    """Return what the service sends until it closes the connection."""
    received = b""
    try:
        while block := client.recv(65536):
            received += block
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize("length", ["abc", "-1", "1e3", "1, 2"])
def test_bad_content_length_is_a_bad_request(service: str, length: str) -> None:
    with connect(service) as client:
        client.sendall(
            b"POST /inference HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n"
            b"Content-Length: %s\r\n\r\nabc" % length.encode()
        )
        assert answer(client).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("target", ["/", "/inference", "/v2/health/live", "/nowhere"])
def test_request_whose_body_trickles_is_closed(
    start: Callable[..., str], fan_bundle: Path, target: str
) -> None:
    url = start(fan_bundle, request_seconds=1.0, receive_seconds=0.7)
    with connect(url) as client:
        client.sendall(
            f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n"
            "Content-Length: 1000\r\n\r\n".encode()
        )
        began = time.monotonic()
        client.settimeout(0.2)
        while time.monotonic() < began + 20:
            try:
                client.sendall(b"x")
                if client.recv(65536) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("the connection stayed open")


def test_header_that_trickles_is_closed(start: Callable[..., str], fan_bundle: Path) -> None:
    url = start(fan_bundle, receive_seconds=0.5)
    with connect(url) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost")
        assert answer(client) == b""


def test_connection_that_is_used_again_has_time_for_each_request(
    start: Callable[..., str], fan_bundle: Path
) -> None:
    url = start(fan_bundle, request_seconds=3.0)
    with requests.Session() as session:
        end = time.monotonic() + 4.0
        while time.monotonic() < end:
            files = {"file": ("x.wav", wav(noise()))}
            assert session.post(f"{url}/inference", files=files, timeout=20).status_code == 200
            time.sleep(0.2)


def test_one_client_has_a_limited_number_of_connections(
    start: Callable[..., str], fan_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = start(fan_bundle)
    monkeypatch.setattr(connections, "MAX_CONNECTIONS_PER_CLIENT", 3)
    kept = [connect(url) for _ in range(3)]
    with connect(url) as refused:
        assert answer(refused) == b""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection(
        (host, int(port)), timeout=30, source_address=("127.0.0.2", 0)
    ) as other:
        other.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer(other).startswith(b"HTTP/1.1 200")
    for one in kept:
        one.close()

    def answered() -> Any:
        try:
            return post(url, wav(noise())).status_code == 200
        except requests.ConnectionError:
            return False

    wait(answered)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nLong: " + b"x" * 100_000,
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 10_000 + b"\r\n",
        b"POST /inference HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1;" + b"x" * 100_000,
        b"POST /inference HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\nTrailer: " + b"x" * 100_000,
    ],
    ids=["header", "fields", "extension", "trailer"],
)
def test_what_surrounds_a_body_has_a_bounded_size(service: str, sent: bytes) -> None:
    with connect(service) as client:
        client.sendall(sent)
        assert b"HTTP/1.1 4" in answer(client)


def test_field_after_the_body_is_no_header(service: str) -> None:
    with connect(service) as client:
        client.sendall(
            b"POST /inference HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\nX-Request-ID: header\r\n\r\n"
            b"1\r\nx\r\n0\r\nX-Request-ID: trailer\r\nContent-Type: audio/wav\r\n\r\n"
        )
        received = answer(client)
    assert received.startswith(b"HTTP/1.1 415")
    assert b"x-request-id: header" in received


def test_requests_sent_together_are_answered_in_order_up_to_a_number(service: str) -> None:
    request = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /v2/health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with connect(service) as client:
        client.sendall(request % b"/" + request % b"/v2/health/live" + last)
        received = answer(client)
    assert received.count(b"HTTP/1.1 200") == 3
    assert received.index(b"server is up") < received.index(b"live") < received.index(b"ready")
    with connect(service) as client:
        client.sendall(1000 * (request % b"/"))
        assert answer(client).count(b"HTTP/1.1 200") < 20


def test_recording_is_judged_though_another_protocol_was_offered(service: str) -> None:
    """As curl does with --http2."""
    content = wav(noise())
    with connect(service) as client:
        client.sendall(
            b"POST /inference HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n"
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
            b"Content-Length: %d\r\n\r\n" % len(content) + content
        )
        received = answer(client)
    assert received.startswith(b"HTTP/1.1 200")
    assert b'"Anomaly"' in received
