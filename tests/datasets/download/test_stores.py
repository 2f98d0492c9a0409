"""Addresses in object stores, against moto's S3 server and a store that wants Google's tokens."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from stethoscope.datasets.download.fetch import fetch
from stethoscope.datasets.download.fingerprint import fingerprint
from stethoscope.datasets.download.stores import parse_store
from stethoscope.errors import DownloadError, ParameterError
from tests.datasets.download.conftest import CONTENT, MD5, Site, whole

KEYS = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    one = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    one.start()
    host, port = one.get_host_and_port()
    yield f"http://{host}:{port}"
    one.stop()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The client of a store with one archive; the environment has its address and credentials."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    requests.post(f"{server}/moto-api/reset", timeout=10)
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="recordings")
    client.put_object(Bucket="recordings", Key="line 3/fan.zip", Body=CONTENT)
    return client


@pytest.mark.parametrize("scheme", ["s3", "minio"])
def test_archive_comes_from_a_bucket(store: Any, tmp_path: Path, scheme: str) -> None:
    [one] = fetch(f"{scheme}://recordings/line 3/fan.zip", tmp_path / "data", md5=MD5)
    assert whole(tmp_path / "data")
    assert (one.name, one.url) == ("fan.zip", f"{scheme}://recordings/line 3/fan.zip")


def test_endpoint_may_be_part_of_the_address(
    store: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    fetch(f"s3://recordings/line 3/fan.zip?endpoint={server}&region=eu-west-1", tmp_path / "data")
    assert whole(tmp_path / "data")


def test_download_from_a_bucket_is_resumed(store: Any, tmp_path: Path) -> None:
    address = "s3://recordings/line 3/fan.zip"
    tag = store.head_object(Bucket="recordings", Key="line 3/fan.zip")["ETag"]
    (tmp_path / "fan.zip.part").write_bytes(CONTENT[:1000])
    note = {"url": address, "validator": tag}
    (tmp_path / "fan.zip.part.json").write_text(json.dumps(note))
    fetch(address, tmp_path)
    assert whole(tmp_path)


def test_parts_of_two_versions_are_never_joined(store: Any, tmp_path: Path) -> None:
    """Object stores answer a request for the rest without regard to If-Range."""
    address = "s3://recordings/line 3/fan.zip"
    (tmp_path / "fan.zip.part").write_bytes(b"x" * 1000)
    (tmp_path / "fan.zip.part.json").write_text(json.dumps({"url": address, "validator": '"old"'}))
    fetch(address, tmp_path)
    assert whole(tmp_path)


def test_fingerprint_follows_the_object(store: Any) -> None:
    address = "s3://recordings/line 3/fan.zip"
    first = fingerprint(address)
    assert fingerprint(address) == first
    store.put_object(Bucket="recordings", Key="line 3/fan.zip", Body=CONTENT + b"x")
    assert fingerprint(address) != first


def test_missing_object_and_refused_credentials_are_named_without_the_signature(
    store: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    with pytest.raises(
        DownloadError, match=r"s3://recordings/other\.zip: answers 404 .*; check the address$"
    ):
        fetch("s3://recordings/other.zip", tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", site.url.removesuffix("/files/fan.zip"))
    site.faults = [403]
    with pytest.raises(DownloadError, match=r"answers 403 .*credentials") as caught:
        fetch("s3://recordings/fan.zip", tmp_path)
    assert "Signature" not in str(caught.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match="gave up") as caught:
        fetch("s3://recordings/fan.zip", tmp_path)
    assert "Signature" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://recordings", "names no archive in a bucket"),
        ("s3://recordings/week/", "names no archive in a bucket"),
        ("s3://recordings/a.zip?zone=1", "unknown option 'zone'; there are endpoint, region"),
        ("gs://recordings/a.zip?endpoint=store", "begin it with https://"),
    ],
)
def test_address_that_cannot_work_is_refused(address: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        parse_store(address)


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """A metadata server, as pods with Google's workload identity have it; and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer: Any = {"access_token": "of-the-pod", "expires_in": 3600, "token_type": "Bearer"}
            if "token" not in self.path:
                answer = {"aliases": [], "email": "pod@x", "scopes": []}
            body = json.dumps(answer).encode() if "?" in self.path else b"project"
            self.send_response(200)
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    one = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP"):
        monkeypatch.setenv(name, f"127.0.0.1:{one.server_port}")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    yield asked
    one.shutdown()


def test_token_of_the_pod_is_sent_to_google_cloud_storage(
    google: list[str], site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", site.url.removesuffix("/files/fan.zip"))
    # In a process of its own: Google's client reads where the metadata server is when it is loaded.
    program = (
        "import sys; from stethoscope.datasets.download.fetch import fetch; fetch(*sys.argv[1:])"
    )
    arguments = ["gs://recordings/line 3/fan.zip", str(tmp_path)]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True)
    assert whole(tmp_path)
    assert site.requests[0]["Authorization"] == "Bearer of-the-pod"
    assert any("token" in one for one in google)
