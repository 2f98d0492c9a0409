"""Headers for private sites."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from stethoscope.datasets.download.addresses import address_kind
from stethoscope.datasets.download.fetch import fetch
from stethoscope.datasets.download.opening import HEADERS, private_headers
from stethoscope.errors import DownloadError, ParameterError
from tests.datasets.download.conftest import Site, whole


def test_headers_of_a_host_are_sent_to_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = site.url.removesuffix("/files/fan.zip")
    monkeypatch.setenv(HEADERS, f"other.org X-Key: no\n\n{host} PRIVATE-TOKEN: a: b\n")
    fetch(site.url, tmp_path)
    assert whole(tmp_path)
    assert site.requests[0]["PRIVATE-TOKEN"] == "a: b"
    assert "X-Key" not in site.requests[0]


def test_headers_are_not_sent_on_to_another_host(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            self.send_response(302)
            self.send_header("Location", site.url)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    first = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=first.serve_forever, args=(0.01,), daemon=True).start()
    host = f"http://127.0.0.1:{first.server_port}"
    monkeypatch.setenv(HEADERS, f"{host} PRIVATE-TOKEN: secret\n{host} Authorization: Basic eA==")
    fetch(f"{host}/fan.zip", tmp_path)
    first.shutdown()
    assert seen[0]["PRIVATE-TOKEN"] == "secret"
    assert not {"PRIVATE-TOKEN", "Authorization"} & set(site.requests[0])


def test_headers_are_sent_over_https_unless_http_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HEADERS, "data.example.org Authorization: Bearer x")
    assert private_headers("https://data.example.org/a.zip") == {"Authorization": "Bearer x"}
    assert private_headers("http://data.example.org/a.zip") == {}
    assert private_headers("https://data.example.org.evil.com/a.zip") == {}


def test_wrong_line_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HEADERS, "data.example.org secret")
    with pytest.raises(ParameterError, match="line 1 is not of the form") as caught:
        private_headers("https://data.example.org/a.zip")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("https://ann:hidden@data.example.org/a.zip", f"password for data.example.org.*{HEADERS}"),
        (
            "https://hidden@data.example.org:80/a.zip",
            "a user or a password for data.example.org:80",
        ),
        ("s3://key:hidden@bucket/a.zip", "for bucket, .* set the variables of the store"),
        ("ftp://ann:hidden@data.example.org/a.zip", "password for data.example.org"),
        ("https://ann:hidden@[data/a.zip", r"^https://\.\.\.@\[data/a.zip: is not a valid address"),
    ],
)
def test_password_in_an_address_is_refused_without_being_shown(address: str, message: str) -> None:
    with pytest.raises(DownloadError, match=message) as caught:
        address_kind(address)
    assert "hidden" not in str(caught.value)
