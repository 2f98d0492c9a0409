import re
from pathlib import Path

from stethoscope.events.report.errors import MAX_ERRORS, MAX_HITS
from stethoscope.events.report.page import write_event_report
from tests.report.fixtures import Element, read_page


def division(page: Element) -> list[Element]:
    """Return the rows of training, validation and test."""
    [table] = [
        one
        for one in page.all("table")
        if one.attributes.get("aria-label") == "Division of the recordings"
    ]
    return table.all("tbody")[0].all("tr")


def test_report_has_recordings_filters_and_curves(
    beep_parts: Path, beep_folder: Path, tmp_path: Path
) -> None:
    write_event_report(
        tmp_path / "report.html",
        archives=[beep_folder],
        features=beep_parts / "store",
        clips=beep_parts / "clips.csv",
        model=beep_parts / "model",
        results=beep_parts / "results",
    )
    page = (tmp_path / "report.html").read_text()
    assert "<title>Events: Beep</title>" in page
    tree = read_page(tmp_path / "report.html")
    strips = [one for one in tree.all("div") if one.attributes.get("class") == "strips"]
    assert len(strips[0].all("article")) == 2  # the test part has two recordings
    assert 0 < page.count("<audio") <= MAX_ERRORS + MAX_HITS
    assert page.count("<figcaption>Filter ") == 8
    assert "First window inside an event" in page
    assert [row.all("td")[0].text for row in division(tree)] == ["5", "1", "2"]
    assert "Loss over 6 epochs: training clips" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page), "the page stands alone"
