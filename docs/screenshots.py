"""Make the pictures of README and docs from a run of now: ``make screenshots``.

It also replaces the output that README shows, so that figures and picture are those of one run.
``--run DIR`` takes the folder of a finished run with default settings. Needs Chromium.
"""

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
README = ROOT / "README.md"
_WIDTH = 1100
_OVERVIEW = 820
"""Height of the picture of the report's beginning."""


def closing_lines(run: Path) -> str:
    """Return what a run prints at its end, with the folder as the reader would see it."""
    from stethoscope.files import read_json
    from stethoscope.runs.pipelines import pipeline_named

    summary = read_json(run / "summary.json")
    lines = "\n".join(pipeline_named("main").results.closing_lines(summary, run))
    return lines.replace(str(run), "runs/main-...")


def update_readme(text: str, lines: str) -> str:
    """Return the README with the output of a run in the block that shows it."""
    return re.sub(
        r"(ends with the results and with the next steps:\n\n```\n).*?(\n```)",
        lambda found: found[1] + lines.strip() + found[2],
        text,
        flags=re.DOTALL,
    )


def _page(browser: Any, run: Path) -> Any:
    page = browser.new_page(viewport={"width": _WIDTH, "height": _OVERVIEW})
    page.goto((run / "report.html").resolve().as_uri())
    return page


def take_pictures(run: Path) -> None:
    """Write the pictures of a run's report."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = _page(browser, run)
        page.screenshot(path=IMAGES / "report.png")
        page.locator(
            "section", has=page.locator("h2", has_text="Groups of faults")
        ).first.screenshot(path=IMAGES / "faults.png")
        browser.close()


def main() -> None:
    """Run the default pipeline, unless a run is given, and renew pictures and output."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--run", type=Path, metavar="DIR")
    given = parser.parse_args().run
    with tempfile.TemporaryDirectory() as scratch:
        run = given or Path(scratch) / "run"
        if given is None:
            from stethoscope.runs.run import run as run_pipeline

            run_pipeline("main", {}, run)
        take_pictures(run)
        README.write_text(
            update_readme(README.read_text(encoding="utf-8"), closing_lines(run)), encoding="utf-8"
        )


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
