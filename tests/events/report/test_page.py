import re
from pathlib import Path

from stethoscope.events.report.page import write_event_report


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
    assert "<h1>Events: Beep</h1>" in page
    assert page.count("<audio") == 2  # the test part has two recordings
    assert page.count("<figcaption>Filter ") == 8
    assert "First window inside an event" in page
    assert page.count("Scores of the windows over time") == 2
    assert "Loss over 6 epochs: training clips" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page), "the page stands alone"
