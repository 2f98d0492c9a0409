import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import sync_playwright

from stethoscope.watch.history import History
from tests.serve.helpers import serving
from tests.watch.conftest import judged

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def address(
    fan_bundle: Path, fan_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A service with the history of forty recordings, of which the sixth can be played."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "in").mkdir()
    with zipfile.ZipFile(fan_archive) as archive:
        wav = next(name for name in archive.namelist() if name.endswith(".wav"))
        (folder / "in" / "000005.wav").write_bytes(archive.read(wav))
    (folder / "secret.wav").write_bytes(b"secret")
    with History(folder / "pumps.sqlite") as history:
        history.set_property("folder", str(folder / "in"))
        for number in range(40):
            history.add(
                judged(number, anomaly=number in (5, 6)), alarm=True if number == 6 else None
            )
        outside = judged(50, anomaly=True)
        (folder / "in" / outside.key[0]).symlink_to(folder / "secret.wav")
        history.add(outside)
    with serving(fan_bundle, "--history", str(folder / "pumps.sqlite")) as running:
        yield running.url


def test_sounds_are_answered_from_the_folder_only(address: str) -> None:
    with requests.get(f"{address}/history/audio/6", timeout=10) as answer:
        assert answer.content[:4] == b"RIFF"
    for number, status in (("7", 404), ("41", 404), ("9999", 404), ("x", 422)):
        answer = requests.get(f"{address}/history/audio/{number}", timeout=10)
        assert answer.status_code == status
    assert requests.get(f"{address}/history?span=decade", timeout=10).status_code == 404


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")
@pytest.mark.parametrize("width", [1280, 400])
def test_page_in_a_browser_obeys_its_policy_and_plays(address: str, width: int) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800})
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text))
        page.goto(f"{address}/history")
        assert page.locator("h1").inner_text() == "Alarm: fan/00"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        audio = page.locator("audio").nth(2)
        audio.evaluate(
            "one => new Promise((done) => { one.oncanplay = done; one.load(); "
            "one.preload = 'auto'; })"
        )
        assert audio.evaluate("one => one.duration") == pytest.approx(1.0, abs=0.01)
        page.get_by_role("link", name="last day").click()
        assert page.url.endswith("?span=day")
        assert errors == []
        browser.close()


def test_history_is_not_there_unless_it_is_given(service: str) -> None:
    answer = requests.get(f"{service}/history", timeout=10)
    assert answer.status_code == 404
    assert "start with --history FILE" in answer.json()["Error"]


def test_person_types_the_key_into_the_browser(
    fan_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with History(tmp_path / "h.sqlite"):
        pass
    monkeypatch.setenv("STETHOSCOPE_API_KEY", "the key")
    with serving(fan_bundle, "--history", str(tmp_path / "h.sqlite")) as running:
        url = f"{running.url}/history"
        refused = requests.get(url, timeout=10)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic ")
        assert requests.get(url, timeout=10, auth=("any", "wrong")).status_code == 401
        assert requests.get(url, timeout=10, auth=("any", "the key")).status_code == 200
        other = requests.get(f"{running.url}/metrics", timeout=10)
        assert not other.headers.get("www-authenticate", "").startswith("Basic")
