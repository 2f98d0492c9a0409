from pathlib import Path
from types import SimpleNamespace

import pytest

from stethoscope.datasets.download import retries
from stethoscope.datasets.download.fetch import fetch
from stethoscope.errors import DownloadError
from tests.datasets.download.conftest import MD5, Site, make_zip, whole


@pytest.mark.parametrize("faults", [[503, 429, 500], [503, "drop", 502, "drop", 504]])
def test_busy_server_is_tried_again(site: Site, tmp_path: Path, faults: list[str | int]) -> None:
    site.faults = list(faults)
    fetch(site.url, tmp_path, md5=MD5)
    assert whole(tmp_path)
    assert len(site.requests) == len(faults) + 1


def test_pauses_double_and_respect_retry_after(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(retries, "time", SimpleNamespace(sleep=pauses.append))
    monkeypatch.setattr(retries, "FIRST_DELAY", 8.0)
    site.faults = [503, 503, 503, 503, 503]
    fetch(site.url, tmp_path)
    for pause, longest in zip(pauses, (8, 16, 32, 60, 60), strict=True):
        assert longest / 2 <= pause <= longest
    assert retries.TransientError("busy", "17").delay == 17
    assert retries.TransientError("busy", "Wed, 21 Oct 2026 07:28:00 GMT").delay == 0


def test_gives_up_with_one_line_and_can_be_resumed_later(site: Site, tmp_path: Path) -> None:
    site.faults = ["drop"] + [503] * retries.ATTEMPTS
    with pytest.raises(
        DownloadError,
        match=rf"{site.url}: gave up after {retries.ATTEMPTS} attempts \(answers 503",
    ) as caught:
        fetch(site.url, tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "fan.zip").exists()
    site.requests.clear()
    fetch(site.url, tmp_path)
    assert site.ranges()[0] != ""
    assert whole(tmp_path)


def test_transfer_with_progress_is_not_given_up(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    site.content = make_zip(12 << 20)
    site.faults = ["drop", "drop", "drop"]  # 6, 3 and 1.5 MiB arrive
    fetch(site.url, tmp_path)
    assert (tmp_path / "fan.zip").read_bytes() == site.content


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
def test_unreachable_address_gives_one_line(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError) as caught:
        fetch(url, tmp_path)
    assert str(caught.value).startswith(url)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250
