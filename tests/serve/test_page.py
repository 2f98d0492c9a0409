import base64
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose microphone hears noise: the usual fake one is silent between its beeps."""
    heard = tmp_path_factory.mktemp("microphone") / "noise.wav"
    noise = 0.1 * np.random.default_rng(0).standard_normal(10 * 48_000)
    soundfile.write(heard, noise, 48_000, subtype="PCM_16")
    with sync_playwright() as playwright:
        flags = [
            "--no-sandbox",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={heard}",
        ]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, service: str) -> Iterator[Callable[..., Page]]:
    """Open the page.

    At the end of the test no script may have failed, and no other site may have been requested.
    """
    pages: list[Page] = []
    troubles: list[str] = []

    def opened(url: str = service, path: str = "/", **options: Any) -> Page:
        page = browser.new_page(**options)
        pages.append(page)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda message: (
                troubles.append(message.text) if "Content Security" in message.text else None
            ),
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((url, "blob:", "data:"))
                else troubles.append(request.url)
            ),
        )
        page.goto(url + path)
        return page

    yield opened
    for page in pages:
        page.close()
    assert troubles == []


def drop(page: Page, file: Path) -> None:
    page.evaluate(
        """([content, name]) => {
            const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], name, { type: "audio/wav" }));
            const options = { dataTransfer: data, bubbles: true, cancelable: true };
            document.getElementById("drop").dispatchEvent(new DragEvent("drop", options));
        }""",
        [base64.b64encode(file.read_bytes()).decode(), file.name],
    )


@pytest.fixture
def contrast(
    recordings: list[Path], predicted: Callable[..., Any], tmp_path: Path
) -> tuple[Path, Path]:
    """A clip that is judged normal, and one that is judged anomalous: a whistle in noise."""
    whistle = tmp_path / "whistle_id_00_.wav"
    noise = 0.01 * np.random.default_rng(0).standard_normal(16_000)
    soundfile.write(whistle, noise + 0.3 * np.sin(np.arange(16_000)), 16_000, subtype="FLOAT")
    answers = dict(zip([*recordings, whistle], predicted(*recordings, whistle), strict=True))
    assert answers[whistle]["Anomaly"]
    return next(file for file, answer in answers.items() if not answer["Anomaly"]), whistle


def violations(page: Page) -> list[str]:
    results = Axe().run(page)["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html']}"
        for one in results
        if one["impact"] in ("serious", "critical", "moderate")
    ]


def test_dropped_clips_get_verdicts(
    opened: Callable[..., Page], contrast: tuple[Path, Path]
) -> None:
    page = opened()
    normal, anomalous = contrast
    expect(page.locator("#result")).to_be_hidden()
    drop(page, normal)
    expect(page.locator("#message")).to_have_text("Component OK")
    expect(page.locator("#result")).to_have_class("card result normal")
    drop(page, anomalous)
    expect(page.locator("#message")).to_have_text("Anomaly")
    expect(page.locator("#result")).to_have_class("card result anomaly")
    expect(page.locator("#score")).to_contain_text("above the threshold")
    expect(page.locator("#probabilities > div")).to_have_count(2)
    expect(page.locator("#history li")).to_have_count(2)
    assert page.eval_on_selector("#player", "player => player.src").startswith("blob:")
    page.locator("#history button").last.click()
    expect(page.locator("#message")).to_have_text("Component OK")


def test_deviation_is_painted_over_the_spectrogram(
    opened: Callable[..., Page], contrast: tuple[Path, Path]
) -> None:
    page = opened()
    drop(page, contrast[1])
    expect(page.locator("#message")).to_have_text("Anomaly")
    pixels = """canvas => [
        ...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
    ]"""
    with_heat = page.eval_on_selector("#picture", pixels)
    page.get_by_label("Show what made the score").uncheck()
    without = page.eval_on_selector("#picture", pixels)
    reddest = [
        max(values[at] - values[at + 2] for at in range(0, len(values), 4))
        for values in (with_heat, without)
    ]
    assert reddest[0] > 60
    assert reddest[1] <= 0


def test_page_of_a_model_of_events_lists_their_times(
    opened: Callable[..., Page], start: Callable[..., str], beep_parts: Path, beep_folder: Path
) -> None:
    page = opened(start(beep_parts / "bundle"))
    expect(page.locator("#purpose")).to_have_text("Finds events: Beep")
    expect(page.get_by_label("Machine id")).to_be_hidden()
    drop(page, beep_folder / "audio_00.wav")
    count = len((beep_folder / "labels_00.txt").read_text().splitlines())
    expect(page.locator("#message")).to_have_text(f"{count} events: Beep")
    expect(page.locator("#about")).to_have_text("audio_00.wav")
    expect(page.locator("#events li")).to_have_count(count)
    expect(page.locator("#probabilities .likeliest")).to_contain_text("Event")
    assert violations(page) == []


def test_unreadable_file_is_reported_and_listed_in_the_history(
    opened: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened()
    text = tmp_path / "notes.wav"
    text.write_text("no sound")
    page.set_input_files("#files", text)
    expect(page.get_by_role("status")).to_contain_text("not a readable recording")
    expect(page.locator("#history")).to_contain_text("No verdict")


def test_recording_from_the_microphone_is_judged(opened: Callable[..., Page]) -> None:
    page = opened()
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#about")).to_contain_text("recording", timeout=10_000)
    expect(page.get_by_role("button", name="Record", exact=True)).to_be_enabled()


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_accessible_and_fits_the_screen(
    opened: Callable[..., Page], contrast: tuple[Path, Path], width: int, scheme: str
) -> None:
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 800})
    assert violations(page) == []
    for file in contrast:
        drop(page, file)
        expect(page.locator("#about")).to_contain_text(file.name)
        assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_long_recording_is_shown_window_by_window(
    opened: Callable[..., Page], contrast: tuple[Path, Path], tmp_path: Path
) -> None:
    """Six normal windows, four anomalous ones, and a silent one that cannot be judged."""
    normal, anomalous = (soundfile.read(file)[0] for file in contrast)
    rate = soundfile.info(contrast[0]).samplerate
    length = len(normal)
    parts = [normal] * 6 + [np.resize(anomalous, length)] * 4 + [np.zeros(length)]
    long = tmp_path / "long_id_00_.wav"
    soundfile.write(long, np.concatenate(parts), rate)
    page = opened(viewport={"width": 400, "height": 800})
    page.set_input_files("#files", long)
    expect(page.locator("#about")).to_contain_text(long.name)
    kinds = page.eval_on_selector_all("#windows i", "bars => bars.map(bar => bar.className)")
    assert kinds == [""] * 6 + ["anomaly"] * 4 + ["none"]
    expect(page.locator("#timeline-words")).to_contain_text("4 of 10 windows")
    expect(page.locator("#timeline-words")).to_contain_text("1 cannot be judged (silent)")
    expect(page.locator("#message")).to_contain_text("Component OK, but anomalous from")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.get_by_role("button", name="Play 0:0").click()
    page.wait_for_function("document.getElementById('player').currentTime >= 5.9")
    drop(page, contrast[0])
    expect(page.locator("#about")).to_contain_text(contrast[0].name)
    expect(page.locator("#timeline-part")).to_be_hidden()


def test_all_controls_are_reached_by_keyboard(
    opened: Callable[..., Page], contrast: tuple[Path, Path]
) -> None:
    page = opened()
    drop(page, contrast[0])
    expect(page.locator("#history button")).to_have_count(1)
    reached = {}  # in order; the player has several stops
    for _ in range(16):
        page.keyboard.press("Tab")
        reached[page.evaluate("document.activeElement.id || document.activeElement.tagName")] = True
    stops = ["choose", "record", "machine", "heat", "player", "BUTTON", "A"]
    assert [name for name in reached if name in stops] == stops


def test_page_asks_for_the_key_of_the_service(
    opened: Callable[..., Page], start: Callable[..., str], fan_bundle: Path, recordings: list[Path]
) -> None:
    page = opened(start(fan_bundle, api_key="s3cret"))
    page.get_by_label("Key of this service").fill("s3cret")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("The key is accepted.")
    drop(page, recordings[0])
    expect(page.locator("#about")).to_contain_text(recordings[0].name)


def test_documentation_lists_the_routes(opened: Callable[..., Page]) -> None:
    page = opened(path="/docs")
    expect(page.locator("#operations h2")).to_contain_text(
        ["POST /inference", "POST /inference/batch"]
    )
    assert violations(page) == []


def test_warnings_and_refusals_are_shown(
    opened: Callable[..., Page], recordings: list[Path], tmp_path: Path
) -> None:
    samples, rate = soundfile.read(recordings[0], dtype="float32")
    soundfile.write(tmp_path / "faint.wav", samples / 16, rate, subtype="FLOAT")
    soundfile.write(tmp_path / "silent.wav", np.zeros(rate), rate)
    page = opened()
    drop(page, tmp_path / "faint.wav")
    expect(page.locator("#warnings")).to_contain_text("Unlike the training recordings: its level")
    drop(page, recordings[0])
    expect(page.locator("#about")).to_contain_text(recordings[0].name)
    expect(page.locator("#warnings")).to_be_hidden()
    drop(page, tmp_path / "silent.wav")
    expect(page.get_by_role("status")).to_contain_text("is digital silence")
