"""The documentation as a site: strict, complete and without requests to other hosts."""

import functools
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """Where a web server of this computer shows the site."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_every_page_of_docs_is_in_the_site_and_loads_nothing_from_elsewhere(site: Path) -> None:
    for page in (ROOT / "docs").glob("*.md"):
        name = "index" if page.stem == "README" else page.stem
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=\"?https?://", text), page


@pytest.mark.slow
def test_reference_has_every_command_and_the_python_interface(site: Path) -> None:
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert {"run", "predict", "serve", "watch"} <= set(re.findall(r'<h2 id="(\w+)"', commands))
    assert "--settle" in commands
    python = (site / "reference" / "python.html").read_text(encoding="utf-8")
    assert "stethoscope.bundle.inference.Verdict" in python
    assert "fault_distance" in python


@pytest.mark.slow
def test_search_finds_a_page_without_other_hosts(address: str) -> None:
    sync = pytest.importorskip("playwright.sync_api")
    browser_path = "/usr/bin/chromium"
    if not Path(browser_path).exists():
        if os.environ.get("CI"):
            pytest.fail("chromium is missing in CI")
        pytest.skip("no chromium")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/index.html")
        page.get_by_role("textbox", name="Search").fill("hysteresis alarm webhook")
        found = page.locator(".md-search-result__link", has_text="Watch a machine").first
        found.wait_for(state="attached")
        browser.close()
    assert all(url.startswith((address, "data:", "blob:")) for url in asked)
