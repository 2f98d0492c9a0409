import hashlib
import io
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from stethoscope.datasets import catalogue, download
from stethoscope.datasets.download import fetch
from stethoscope.datasets.layouts import index
from stethoscope.errors import DatasetError, DownloadError, ParameterError, StethoscopeError
from stethoscope.files import digest


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
        self.knows_ranges = True
        self.tells_length = True
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
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        same = handler.headers.get("If-Range") in (
            None,
            self.headers.get("ETag"),
            self.headers.get("Last-Modified"),
        )
        if asked and same and self.knows_ranges:
            start = int(asked[1])
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
        if self.tells_length:
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


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.release.set()
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "FIRST_DELAY", 0.001)


def whole(folder: Path, name: str = "fan.zip") -> bool:
    """Whether the archive is there as it should be, and nothing else is left."""
    return (folder / name).read_bytes() == CONTENT and [path.name for path in folder.iterdir()] == [
        name
    ]


@pytest.mark.parametrize("suffix", ["", "?download=1", "?download=1#top"])
def test_downloads_under_the_original_name(site: Site, tmp_path: Path, suffix: str) -> None:
    (one,) = fetch(site.url + suffix, tmp_path / "new", md5=MD5.upper())
    assert whole(tmp_path / "new")
    assert (one.path, one.name, one.md5, one.bytes) == (
        tmp_path / "new" / "fan.zip",
        "fan.zip",
        MD5,
        len(CONTENT),
    )
    assert one.url == site.url + suffix


def test_a_file_of_the_right_md5_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    (tmp_path / "fan.zip").write_bytes(CONTENT)
    fetch(site.url, tmp_path, md5=MD5)
    assert site.requests == []
    fetch(site.url, tmp_path)
    assert len(site.requests) == 1
    assert whole(tmp_path)


def test_goes_on_where_the_connection_broke(site: Site, tmp_path: Path) -> None:
    site.faults = ["drop", "drop", "drop"]
    fetch(site.url, tmp_path)
    assert whole(tmp_path)
    starts = [int(text[6:-1]) for text in site.ranges()[1:]]
    assert starts == sorted(set(starts))
    assert starts[0] > len(CONTENT) // 3
    assert all(request["If-Range"] == '"1"' for request in site.requests[1:])


@pytest.mark.parametrize("faults", [[503, 429, 500], [503, "drop", 502, "drop", 504]])
def test_tries_again_when_the_server_is_busy(
    site: Site, tmp_path: Path, faults: list[str | int]
) -> None:
    site.faults = list(faults)
    fetch(site.url, tmp_path, md5=MD5)
    assert whole(tmp_path)
    assert len(site.requests) == len(faults) + 1


def test_waits_as_long_as_the_server_asks(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(download, "time", SimpleNamespace(sleep=pauses.append))
    monkeypatch.setattr(download, "FIRST_DELAY", 8.0)
    site.faults = [503, 503, 503, 503, 503]
    fetch(site.url, tmp_path)
    for pause, longest in zip(pauses, (8, 16, 32, 60, 60), strict=True):
        assert longest / 2 <= pause <= longest
    assert download._PassingError("busy", "17").delay == 17
    assert download._PassingError("busy", "Wed, 21 Oct 2026 07:28:00 GMT").delay == 0


def test_gives_up_with_one_clear_line_and_can_go_on_later(site: Site, tmp_path: Path) -> None:
    site.faults = ["drop"] + [503] * download.ATTEMPTS
    with pytest.raises(
        DownloadError,
        match=rf"{site.url}: gave up after {download.ATTEMPTS} attempts \(answers 503",
    ) as caught:
        fetch(site.url, tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "fan.zip").exists()
    site.requests.clear()
    fetch(site.url, tmp_path)
    assert site.ranges()[0] != ""
    assert whole(tmp_path)


def test_a_transfer_that_gets_on_is_not_given_up(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    site.content = make_zip(12 << 20)
    site.faults = ["drop", "drop", "drop"]  # 6, 3 and 1.5 MiB arrive
    fetch(site.url, tmp_path)
    assert (tmp_path / "fan.zip").read_bytes() == site.content


@pytest.mark.parametrize("md5", ["", MD5])
def test_a_server_that_knows_no_ranges(site: Site, tmp_path: Path, md5: str) -> None:
    site.knows_ranges = False
    site.faults = ["drop", "drop"]
    fetch(site.url, tmp_path, md5=md5)
    assert whole(tmp_path)


def test_a_server_that_tells_no_length(site: Site, tmp_path: Path) -> None:
    site.tells_length = False
    fetch(site.url, tmp_path / "whole")
    assert whole(tmp_path / "whole")
    site.faults = ["drop"]
    with pytest.raises(DatasetError, match="cut-off zip"):
        fetch(site.url, tmp_path / "cut")
    site.faults = ["drop"]
    download.download(site.url, tmp_path / "whole", size=len(CONTENT))
    assert whole(tmp_path / "whole")


def test_without_a_version_only_the_md5_permits_to_go_on(site: Site, tmp_path: Path) -> None:
    site.headers = {}
    site.faults = ["drop"]
    fetch(site.url, tmp_path / "a")
    assert site.ranges() == ["", ""]
    site.faults = ["drop"]
    fetch(site.url, tmp_path / "b", md5=MD5)
    assert site.ranges()[3].startswith("bytes=")
    assert whole(tmp_path / "a")
    assert whole(tmp_path / "b")


@pytest.mark.parametrize("md5", ["", MD5])
@pytest.mark.parametrize(
    "headers",
    [{"ETag": '"1"'}, {"Last-Modified": "Wed, 21 Oct 2025 07:28:00 GMT"}, {"ETag": 'W/"1"'}, {}],
)
def test_versions_of_a_file_are_never_joined(
    site: Site, tmp_path: Path, headers: dict[str, str], md5: str
) -> None:
    site.content, site.headers = make_zip(4 << 20), headers
    site.faults = ["drop"] + [503] * download.ATTEMPTS
    with pytest.raises(DownloadError):
        fetch(site.url, tmp_path, md5=md5)
    site.content, site.headers = (
        CONTENT,
        {name: value.replace("1", "2") for name, value in headers.items()},
    )
    fetch(site.url, tmp_path, md5=md5)
    assert whole(tmp_path)


def test_nothing_is_downloaded_twice(site: Site, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    (first,) = fetch(site.url, tmp_path / "a", cache=cache)
    (second,) = fetch(site.url, tmp_path / "b", cache=cache)
    assert [request.get("If-None-Match") for request in site.requests] == [None, '"1"']
    assert first.md5 == second.md5 == MD5
    assert first.path.samefile(second.path)
    assert whole(tmp_path / "b")
    fetch(site.url, tmp_path / "c", md5=MD5, cache=cache)
    assert len(site.requests) == 2  # its MD5 says enough

    site.content, site.headers = SMALL, {"ETag": '"2"'}
    (changed,) = fetch(site.url, tmp_path / "d", cache=cache)
    assert changed.path.read_bytes() == SMALL
    assert whole(tmp_path / "a")  # what an earlier run was given stays as it was

    next(cache.rglob("fan.zip")).write_bytes(b"damaged")
    (mended,) = fetch(site.url, tmp_path / "e", cache=cache)
    assert mended.path.read_bytes() == SMALL


@pytest.mark.parametrize("headers", [{"Last-Modified": "Thu, 01 Oct 2020 00:00:00 GMT"}, {}])
def test_without_an_entity_tag_the_date_decides_and_without_both_it_comes_again(
    site: Site, tmp_path: Path, headers: dict[str, str]
) -> None:
    site.headers = headers
    for folder in ("a", "b"):
        fetch(site.url, tmp_path / folder, cache=tmp_path / "cache")
    assert [request.get("If-Modified-Since") for request in site.requests] == [
        None,
        headers.get("Last-Modified"),
    ]
    assert whole(tmp_path / "b")


def test_a_server_that_is_gone_leaves_the_copy(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(site.url, tmp_path / "a", cache=tmp_path / "cache")
    site.server.shutdown()
    site.server.server_close()
    fetch(site.url, tmp_path / "b", cache=tmp_path / "cache")
    assert whole(tmp_path / "b")
    assert "the copy downloaded before is used" in capsys.readouterr().err


def test_a_broken_download_goes_on_in_the_cache(site: Site, tmp_path: Path) -> None:
    site.faults = ["drop"] + [503] * download.ATTEMPTS
    with pytest.raises(DownloadError):
        fetch(site.url, tmp_path / "a", cache=tmp_path / "cache")
    site.requests.clear()
    fetch(site.url, tmp_path / "b", cache=tmp_path / "cache")
    assert re.fullmatch(r"bytes=[1-9]\d+-", site.ranges()[0])
    assert whole(tmp_path / "b")


def test_several_at_once_download_once(site: Site, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda name: fetch(site.url, tmp_path / name, md5=MD5, cache=tmp_path / "cache"),
                "abcd",
            )
        )
    assert len(site.requests) == 1
    assert all(whole(tmp_path / name) for name in "abcd")


def test_another_files_beginning_is_thrown_away(site: Site, tmp_path: Path) -> None:
    (tmp_path / "fan.zip.part").write_bytes(b"something else")
    for note in (
        "not JSON",
        "[]",
        json.dumps({"url": "http://elsewhere/fan.zip", "validator": '"1"'}),
    ):
        (tmp_path / "fan.zip.part.json").write_text(note)
        fetch(site.url, tmp_path)
        assert whole(tmp_path)
    assert site.ranges() == ["", "", ""]


def test_a_beginning_that_is_already_all_or_too_much(site: Site, tmp_path: Path) -> None:
    note = json.dumps({"url": site.url, "validator": '"1"'})
    for beginning in (CONTENT, CONTENT + b"more"):
        (tmp_path / "fan.zip.part").write_bytes(beginning)
        (tmp_path / "fan.zip.part.json").write_text(note)
        fetch(site.url, tmp_path)
        assert whole(tmp_path)


def test_a_killed_download_started_again_ends_with_the_right_bytes(
    site: Site, tmp_path: Path
) -> None:
    site.faults = ["hang"]
    code = "import sys; from stethoscope.datasets.download import fetch; fetch(sys.argv[1], sys.argv[2])"
    process = subprocess.Popen([sys.executable, "-c", code, site.url, str(tmp_path)])
    part = tmp_path / "fan.zip.part"
    deadline = time.monotonic() + 30
    while (
        not (part.exists() and part.stat().st_size > len(CONTENT) // 3)
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    arrived = part.stat().st_size
    assert 0 < arrived < len(CONTENT)
    assert not (tmp_path / "fan.zip").exists()
    site.release.set()
    (one,) = fetch(site.url, tmp_path)
    assert site.ranges() == ["", f"bytes={arrived}-"]
    assert one.md5 == MD5
    assert whole(tmp_path)


def test_a_wrong_md5_is_refused_and_nothing_is_left(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"has MD5 {MD5}, not {'0' * 32}"):
        fetch(site.url, tmp_path, md5="0" * 32)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "here.zip").write_bytes(CONTENT)
    with pytest.raises(DownloadError, match=f"has MD5 {MD5}, not {'0' * 32}"):
        fetch(str(tmp_path / "here.zip"), tmp_path / "to", md5="0" * 32)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_wrong_address_is_told_at_once(site: Site, tmp_path: Path, status: int) -> None:
    site.faults = [status]
    with pytest.raises(
        DownloadError,
        match=f"{site.url}: answers {status} .*; check the address and that it is public",
    ):
        fetch(site.url, tmp_path)
    assert len(site.requests) == 1


def test_a_web_page_is_no_archive(site: Site, tmp_path: Path) -> None:
    site.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(DownloadError, match="answers with a web page"):
        fetch(site.url, tmp_path)
    site.content, site.headers = b"<!DOCTYPE html><p>sign in", {}
    with pytest.raises(DatasetError, match="is a web page"):
        fetch(site.url, tmp_path)
    site.content = b"not an archive"
    with pytest.raises(DatasetError, match="not a zip or tar"):
        fetch(site.url, tmp_path)
    assert not (tmp_path / "fan.zip").exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://[",
        "https://exa mple/x.zip",
        "http://127.0.0.1:1/x.zip",
        "http://host.invalid/x.zip",
    ],
)
def test_an_impossible_address_is_one_clear_line(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(url, tmp_path)
    assert str(caught.value).startswith(url)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="-6_dB_fan.zip"', "-6_dB_fan.zip"),
        ("attachment; filename*=UTF-8''L%C3%BCfter.zip", "Lüfter.zip"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="..\\\\..\\\\evil.zip"', "evil.zip"),
        ('attachment; filename=".."', "archive"),
        ("attachment", "content"),
    ],
)
def test_the_server_may_name_the_file_but_not_its_place(
    site: Site, tmp_path: Path, header: str, name: str
) -> None:
    site.headers["Content-Disposition"] = header
    (one,) = fetch(site.url.replace("fan.zip", "content"), tmp_path)
    assert one.name == name
    assert whole(tmp_path, name)


def test_the_name_in_the_address_may_not_leave_the_folder(site: Site, tmp_path: Path) -> None:
    (one,) = fetch(site.url.replace("fan.zip", "..%2F..%2F-6_dB_fan.zip"), tmp_path)
    assert one.path == tmp_path / "-6_dB_fan.zip"


def test_a_full_disk_is_told_before_the_transfer(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = download.DISK_RESERVE + len(CONTENT) - 1
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(
        DownloadError,
        match=r"fan\.zip: needs 0\.00 GB, .* has 0\.07 GB free; free space or choose another folder",
    ):
        fetch(site.url, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_catalogue_name_brings_its_own_checks(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def entry(md5: str, size: int) -> catalogue.Entry:
        return catalogue.Entry(
            name="mine/fan",
            title="",
            page="",
            url=site.url,
            md5=md5,
            bytes=size,
            licence="",
            layout="dcase2020",
        )

    for folder, md5, size, message in (
        ("a", MD5, 0, ""),
        ("b", "0" * 32, 0, "has MD5"),
        ("c", MD5, 5, f"has {len(CONTENT)} bytes, not 5"),
    ):
        known = {"mine/fan": entry(md5, size)}
        monkeypatch.setattr(catalogue, "entries", lambda known=known: known)
        if message:
            with pytest.raises(DownloadError, match=message):
                fetch("mine/fan", tmp_path / folder)
        else:
            assert fetch("mine/fan", tmp_path / folder)[0].url == site.url
    with pytest.raises(
        DownloadError, match=r"mine/fam: .*did you mean mine/fan\?.*no file or folder"
    ):
        fetch("mine/fam", tmp_path)


def test_local_archives_are_linked_else_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "-6_dB_fan.zip"
    source.write_bytes(CONTENT)
    for address in (str(source), source.as_uri()):
        (one,) = fetch(address, tmp_path / "linked")
        assert one.path.samefile(source)
        assert (one.name, one.md5) == ("-6_dB_fan.zip", MD5)

    def refuse(source: Path, target: Path) -> None:
        raise OSError("another file system")

    monkeypatch.setattr(download.os, "link", refuse)
    (one,) = fetch(str(source), tmp_path / "copied")
    assert not one.path.samefile(source)
    assert whole(tmp_path / "copied", "-6_dB_fan.zip")
    assert fetch(str(source), tmp_path)[0].path == source  # it is there already
    assert source.read_bytes() == CONTENT


def test_a_link_keeps_its_own_name(tmp_path: Path) -> None:
    """As stores of large files make them: the name is a link to a hash."""
    (tmp_path / "0a1b2c").write_bytes(CONTENT)
    (tmp_path / "6_dB_fan.zip").symlink_to(tmp_path / "0a1b2c")
    (one,) = fetch(str(tmp_path / "6_dB_fan.zip"), tmp_path / "to")
    assert one.name == "6_dB_fan.zip"
    assert not one.path.is_symlink()


def test_a_folder_travels_as_one_archive(tmp_path: Path, wav: Callable[..., bytes]) -> None:
    folder = tmp_path / "-6_dB_fan"
    for name in (
        "id_00/normal/00000000.wav",
        "id_00/abnormal/00000000.wav",
        "faults.csv",
        "notes.pdf",
        ".hidden/a.wav",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(wav())
    (one,) = fetch(str(folder), tmp_path / "to")
    with zipfile.ZipFile(one.path) as packed:
        assert packed.namelist() == [
            "faults.csv",
            "id_00/abnormal/00000000.wav",
            "id_00/normal/00000000.wav",
        ]
        assert all(info.compress_type == zipfile.ZIP_STORED for info in packed.infolist())
        assert packed.read("id_00/normal/00000000.wav") == wav()
    assert one.name == "-6_dB_fan.zip"
    clips = index([one.path])
    assert {(clip.machine, clip.snr_db) for clip in clips} == {("fan/00", -6.0)}
    (folder / "faults.csv").touch()  # a new date changes no byte
    assert fetch(str(folder), tmp_path / "again")[0].md5 == one.md5
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no recordings"):
        fetch(str(tmp_path / "empty"), tmp_path / "to")


def test_several_archives_with_their_md5s(site: Site, tmp_path: Path) -> None:
    here = tmp_path / "0_dB_fan.zip"
    here.write_bytes(SMALL)
    fetched = fetch(f" {site.url} , {here},", tmp_path / "to", md5=f"{MD5},")
    assert [one.name for one in fetched] == ["fan.zip", "0_dB_fan.zip"]
    with pytest.raises(DownloadError, match=r"a second archive of the name 0_dB_fan\.zip"):
        fetch(f"{here},{here.as_uri()}", tmp_path / "to")
    comma = tmp_path / "a,b.zip"
    comma.write_bytes(SMALL)
    assert [one.name for one in fetch(str(comma), tmp_path / "to")] == ["a,b.zip"]


@pytest.mark.parametrize(
    ("address", "md5", "message"),
    [
        ("", "", "dataset_url is empty"),
        (" , ", "", "dataset_url is empty"),
        ("simulated/fan", "abc", "dataset_md5 is 'abc'"),
        ("simulated/fan", f"{MD5},{MD5}", "dataset_md5 has 2 value"),
        ("s3://bucket/fan.zip", "", "s3 is not supported"),
        ("/no/such/folder", "", "No such file"),
        ("absent.zip", "", r"absent\.zip: No such file"),
        ("file:///no/such.zip", "", "No such file"),
        ("/" + "long" * 100 + ".zip", "", "File name too long"),
        ("file://[x.zip", "", "is no valid address"),
        ("dcase2020/pumpe", "", r"did you mean dcase2020/pump"),
        ("simulated/fan?speed=3", "", "the simulator has no option 'speed'; it has .*snr_db"),
        ("simulated/fan?path=/etc/x", "", "the simulator has no option 'path'"),
        ("simulated/fan?ids=many", "", "ids is 'many'; give a number"),
        ("simulated/teapot", "", "teapot"),
        ("simulated/../../x", "", "x"),
        ("simulated/fan?layout=dcase1999", "", "dcase1999"),
    ],
)
def test_what_cannot_be_is_one_clear_line(
    tmp_path: Path, address: str, md5: str, message: str
) -> None:
    with pytest.raises(StethoscopeError, match=message) as caught:
        fetch(address, tmp_path / "to", md5=md5)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, (DownloadError, DatasetError, ParameterError))
    assert list((tmp_path / "to").glob("*")) == []


def test_simulated_sets_take_options_and_carry_their_ratio_in_the_name(tmp_path: Path) -> None:
    options = "ids=1&train_clips=2&test_anomaly=1&seconds=0.5"
    (one,) = fetch(f"simulated/pump?snr_db=-6&layout=mimii&{options}", tmp_path, seed=3)
    assert one.name == "-6_dB_pump.zip"
    clips = index([one.path])
    assert {(clip.machine_type, clip.snr_db) for clip in clips} == {("pump", -6.0)}
    assert len(clips) == 4
    (again,) = fetch(f"simulated/pump?snr_db=-6&layout=mimii&{options}&seed=3", tmp_path / "again")
    (other,) = fetch(f"simulated/pump?snr_db=-6&layout=mimii&{options}", tmp_path / "other", seed=4)
    assert again.md5 == one.md5 != other.md5
    (plain,) = fetch(f"simulated/fan?test_normal=1&{options}", tmp_path)
    assert plain.name == "0_dB_fan.zip"
    assert digest(plain.path, "md5") == plain.md5


def test_a_real_archive(shared_data: Path, tmp_path: Path) -> None:
    (one,) = fetch((shared_data / "-6_dB_caridle.zip").as_uri(), tmp_path)
    assert one.bytes == 10399881
    assert {clip.snr_db for clip in index([one.path])} == {-6.0}
