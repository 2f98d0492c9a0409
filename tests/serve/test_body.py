import gc
import socket
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stethoscope.serve.body import _FormReader
from tests.serve.helpers import Start, metric

FORM = "multipart/form-data; boundary=B"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "reason"),
    [
        (b"text", "text/plain", 415, "unsupported_media_type"),
        (b"{}", "application/json", 415, "unsupported_media_type"),
        (b"file=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"x", "multipart/form-data", 422, "malformed_form"),
        (b"garbage", FORM, 422, "malformed_form"),
        (
            b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
            FORM,
            422,
            "malformed_form",
        ),
        (
            b'--B\r\nContent-Disposition: form-data; name="sound"\r\n\r\nabc\r\n--B--\r\n',
            FORM,
            422,
            "no_file",
        ),
        (
            b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
            + bytes(5000)
            + b"\r\n--B--\r\n",
            FORM,
            422,
            "malformed_form",
        ),
        (
            b"--B\r\nX: " + bytes(b"y" * 9000) + b"\r\n\r\n\r\n--B--\r\n",
            FORM,
            422,
            "malformed_form",
        ),
        (
            b'--B\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n' * 2 + b"--B--\r\n",
            FORM,
            413,
            "too_many_files",
        ),
        (b"x", "multipart/form-data; boundary=" + "b" * 5000, 422, "malformed_form"),
    ],
)
def test_malformed_body_is_refused_with_a_reason(
    service: str, body: bytes, content_type: str, status: int, reason: str
) -> None:
    answer = requests.post(
        f"{service}/inference", data=body, headers={"content-type": content_type}, timeout=20
    )
    assert (answer.status_code, answer.json()["Reason"]) == (status, reason)


def test_body_without_a_length_is_cut_off_at_the_limit(start: Start, fan_bundle: Path) -> None:
    url = start(fan_bundle, max_bytes=100_000)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 1 << 30:
            sent += 10_000
            yield bytes(10_000)

    try:
        answer = requests.post(
            f"{url}/inference", data=endless(), headers={"content-type": "audio/wav"}, timeout=20
        )
        assert answer.status_code == 413
    except (
        requests.ConnectionError
    ):  # the service closed the connection while the client was sending
        pass
    assert sent < 1 << 30
    assert requests.get(url, timeout=5).ok


def test_slow_senders_are_disconnected(start: Start, fan_bundle: Path) -> None:
    url = start(fan_bundle, receive_seconds=0.3)
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as slow:
        slow.sendall(
            b"POST /inference HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n"
            b"Content-Length: 1000\r\n\r\nRIFF"
        )
        answer = slow.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408")
    with socket.create_connection((host, int(port)), timeout=5) as slow:
        slow.sendall(b"POST /inference HTTP/1.1\r\nHost:")
        assert slow.recv(4096) == b""
    assert metric(url, "stethoscope_refusals_total", reason="too_slow") == 1
    assert metric(url, "stethoscope_places_taken") == 0


def test_recording_is_freed_without_the_collector_of_cycles() -> None:
    """Sixteen recordings would wait for it otherwise."""
    gc.disable()
    try:
        reader = _FormReader(b"B", 1)
        reader.write(b'--B\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n--B--\r\n')
        reader.close()
        assert reader.finish().uploads[0].content == b"a"
        left = weakref.ref(reader)
        del reader
        assert left() is None
    finally:
        gc.enable()
