"""The parts of recordings that are shown around errors, and the verdict on events."""

from dataclasses import replace
from pathlib import Path

import pytest

from stethoscope.events.report import recordings
from stethoscope.events.report.errors import _excerpts, error_section
from stethoscope.events.report.figures import _verdict
from stethoscope.events.report.inputs import EventInputs
from tests.report.fixtures import Page


@pytest.fixture
def inputs(beep_parts: Path) -> EventInputs:
    """A detector of beeps, tested on two recordings."""
    return EventInputs.read(
        features=beep_parts / "store",
        clips=beep_parts / "clips.csv",
        model=beep_parts / "model",
        results=beep_parts / "results",
    )


def row(path: str, start: float, outcome: str) -> dict[str, str]:
    """Return a row of events.csv of an event of half a second."""
    return {
        "path": path,
        "start": f"{start}",
        "end": f"{start + 0.5}",
        "score": "",
        "outcome": outcome,
    }


def test_errors_close_to_each_other_are_shown_together(inputs: EventInputs) -> None:
    clip = recordings.tested_clips(inputs)[0]
    first, second = row("a", 4.0, "missed"), row("a", 4.2, "false")
    [both] = _excerpts(inputs, clip, [second, first])
    assert both.rows == (first, second)
    assert (both.start, both.end) == pytest.approx((1.0, 7.7), abs=0.2)


def test_each_error_is_named_and_can_be_played(inputs: EventInputs, beep_folder: Path) -> None:
    path = inputs.store.clips[recordings.tested_clips(inputs)[0]].path
    made = replace(inputs, events=[row(path, 3.0, "missed"), row(path, 3.2, "hit")])
    page = Page(error_section(made, [beep_folder]).html).root
    badges = [
        (one.text, one.attributes["class"])
        for one in page.all("span")
        if "badge" in str(one.attributes.get("class"))
    ]
    assert badges == [
        ("missed event at 3.0 s", "badge wrong"),
        ("found event at 3.2 s", "badge right"),
    ]
    assert len(page.all("audio")) == 2


@pytest.mark.parametrize(
    ("recall", "false", "events", "hours", "status"),
    [
        (0.9, 2, 30, 1.0, "ready"),
        (0.7, 0, 30, 1.0, "not ready"),
        (0.9, 2, 10, 1.0, "trial"),
        (0.9, 2, 30, 0.05, "trial"),
        (0.0, 0, 0, 1.0, "trial"),
    ],
)
def test_verdict_on_events(
    recall: float, false: int, events: int, hours: float, status: str
) -> None:
    hits = round(recall * events)
    figures = {
        "hits": hits,
        "false_events": false,
        "recall": recall,
        "precision": hits / max(1, hits + false),
        "hours": hours,
    }
    assert _verdict(figures, events).status == status
