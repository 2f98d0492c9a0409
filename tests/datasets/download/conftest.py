"""A web server whose faults a test chooses."""

import hashlib
import io
import random
import re
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stethoscope.datasets.download import retries


def make_zip(size: int = 3 << 20) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        # A ZipInfo of its own has no date of today: equal bytes at every run.
        file.writestr(
            zipfile.ZipInfo("fan/train/normal_id_00_00000000.wav"),
            random.Random(size).randbytes(size),
        )
    return buffer.getvalue()


CONTENT = make_zip()
MD5 = hashlib.md5(CONTENT).hexdigest()
SMALL = make_zip(100)


class Site:
    """A web server whose behaviour a test sets: each answer takes the next fault of the list."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.headers: dict[str, str] = {"ETag": '"1"'}
        self.supports_ranges = True
        self.sends_length = True
        self.faults: list[str | int] = []
        self.requests: list[dict[str, str]] = []
        self.release = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *args: object) -> None:
                """Clients that hang up are part of the tests."""

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/files/fan.zip"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(dict(handler.headers))
        fault = self.faults.pop(0) if self.faults else ""
        if isinstance(fault, int):
            handler.send_response(fault)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        tag, date = (self.headers.get(name) for name in ("ETag", "Last-Modified"))
        if (
            handler.headers.get("If-None-Match", "") == tag
            or handler.headers.get("If-Modified-Since", "") == date
        ):
            handler.send_response(304)
            handler.end_headers()
            return
        start, body = 0, self.content
        requested = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        same = handler.headers.get("If-Range") in (
            None,
            self.headers.get("ETag"),
            self.headers.get("Last-Modified"),
        )
        if requested and same and self.supports_ranges:
            start = int(requested[1])
            if start >= len(body):
                handler.send_response(416)
                handler.send_header("Content-Range", f"bytes */{len(body)}")
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            handler.send_response(200)
        body = body[start:]
        if self.sends_length:
            handler.send_header("Content-Length", str(len(body)))
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if fault == "drop":
            body = body[: len(body) // 2]
        if fault == "hang":
            handler.wfile.write(body[: len(body) // 2])
            self.release.wait(20)
            return
        handler.wfile.write(body)

    def ranges(self) -> list[str]:
        return [request.get("Range", "") for request in self.requests]


def whole(folder: Path, name: str = "fan.zip") -> bool:
    """Whether the archive is there as it should be, and nothing else is left."""
    return (folder / name).read_bytes() == CONTENT and [path.name for path in folder.iterdir()] == [
        name
    ]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.release.set()
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_DELAY", 0.001)
