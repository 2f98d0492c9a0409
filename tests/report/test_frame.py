"""Pages in the frame of Kubeflow's viewer.

frontend/src/components/viewers/HTMLViewer.tsx of kubeflow/pipelines sets `srcdoc` of a frame with
``sandbox="allow-scripts"``.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Frame, Page, sync_playwright

from stethoscope.report.html import tag
from stethoscope.report.page import Header, report_page, section
from stethoscope.report.training import write_loss_page
from tests.report.fixtures import Reporter

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")

Show = Callable[[str], Frame]
VIEWER = """<!doctype html><title>viewer</title><h1>Kubeflow</h1>
<iframe sandbox="allow-scripts" style="width: 100%; height: 600px"></iframe>"""


@pytest.fixture
def show() -> Iterator[Show]:
    """Show a page as the viewer does; at the end no script may have failed, and nothing may have
    been requested.
    """
    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        viewer: Page = browser.new_page()
        viewer.on("pageerror", lambda error: troubles.append(str(error)))
        viewer.on("console", lambda message: troubles.append(message.text))
        viewer.route("http://kubeflow.test/", lambda route: route.fulfill(body=VIEWER))
        viewer.goto("http://kubeflow.test/")
        viewer.on(
            "request",
            lambda request: (
                None if request.url.startswith("data:") else troubles.append(request.url)
            ),
        )

        def show(html: str) -> Frame:
            text = json.dumps(html).replace("</", "<\\/")
            viewer.evaluate(f"document.querySelector('iframe').srcdoc = {text}")
            frame = viewer.frames[-1]
            frame.wait_for_selector("body script", state="attached")
            return frame

        yield show
        browser.close()
    assert not troubles


def follow_links(frame: Frame) -> int:
    """Click every link of the contents, and check that its heading is then at the top."""
    headline = frame.inner_text("h1")
    links = frame.query_selector_all("nav a")
    for link in links:
        key = (link.get_attribute("href") or "").removeprefix("#")
        link.click()
        heading = frame.wait_for_selector(f"[id='{key}']")
        place = "e => [e.getBoundingClientRect().top, innerHeight, document.activeElement === e]"
        top, height, active = heading.evaluate(place)
        assert -1 <= top < height
        assert active
        assert frame.inner_text("h1") == headline
    return len(links)


def test_contents_scroll_within_the_report(show: Show) -> None:
    header = Header("Title", ["fan"], headline="Headline", summary="Summary.")
    tall = [section(f"s{n}", f"Section {n}", tag("p", "text", style="height: 900px")) for n in "12"]
    assert follow_links(show(report_page(header, tall))) == 2


@pytest.mark.slow
def test_real_report_works_in_the_frame(show: Show, report: Reporter) -> None:
    path = report(lambda clip: 1.4 if clip.condition == "anomaly" else 0.6)
    frame = show(path.read_text())
    assert follow_links(frame) > 5
    frame.click(".clip .canvas")  # plays from there


def test_loss_page_works_in_the_frame(show: Show, tmp_path: Path) -> None:
    write_loss_page(tmp_path / "loss.html", {"fan": {"loss": [3.0, 2.0], "val_loss": [3.5, 2.5]}})
    frame = show((tmp_path / "loss.html").read_text())
    assert frame.query_selector("svg") is not None
