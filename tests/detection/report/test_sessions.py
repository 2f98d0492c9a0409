"""The section about recording sessions."""

from dataclasses import replace
from pathlib import Path

import pytest

from stethoscope.detection.gamma import Gamma
from stethoscope.detection.report.inputs import DetectionInputs
from stethoscope.detection.report.sessions import SIMULATED, left_out_alarms, session_section
from stethoscope.detection.thresholds import fit_thresholds
from tests.report.fixtures import Element, Page

ROOT = Path(__file__).parents[3]


@pytest.fixture
def inputs(fan_store: Path, fan_model: Path, fan_results: Path) -> DetectionInputs:
    return DetectionInputs.read(features=fan_store, model=fan_model, results=fan_results)


def page(inputs: DetectionInputs, sessions: dict[str, dict[str, list[float]]]) -> Element:
    known = {machine: len(names) for machine, names in sessions.items()}
    changed = replace(
        inputs,
        thresholds=replace(inputs.thresholds, sessions=known),
        normal_scores=replace(inputs.normal_scores, sessions=sessions),
    )
    return Page(session_section(changed).html).root


def cells(page: Element, machine: str) -> list[str]:
    (row,) = [row for row in page.all("tr") if row.all("th")[0].text == machine]
    return [cell.text for cell in row.all("td")]


def test_fraction_of_a_left_out_session_is_judged_by_the_others() -> None:
    sessions = {"a": [1.0, 2.0, 3.0], "b": [1.5, 2.5, 2.0], "c": [9.0, 1.0]}
    thresholds = fit_thresholds({"fan/00": [0.0]}, {}, false_alarm_rate=0.2)
    limits = [
        Gamma.fit(others).quantile(0.8)
        for others in ([1.5, 2.5, 2, 9, 1], [1, 2, 3, 9, 1], [1, 2, 3, 1.5, 2.5, 2])
    ]
    assert limits[2] < 9
    shares = [
        sum(score > limit for score in scores) / len(scores)
        for scores, limit in zip(sessions.values(), limits, strict=True)
    ]
    assert left_out_alarms(sessions, thresholds) == pytest.approx(sum(shares) / 3)
    assert left_out_alarms({"a": [1.0], "b": [2.0]}, thresholds) is None
    assert left_out_alarms(sessions | {"b": [], "c": []}, thresholds) is None


def test_section_counts_the_sessions_of_each_machine(inputs: DetectionInputs) -> None:
    scores = [1.0, 2.0, 3.0, 4.0]
    shown = page(inputs, {"fan/00": {"a": scores, "b": scores, "c": scores}})
    assert cells(shown, "fan 00")[0] == "3"
    assert "%" in cells(shown, "fan 00")[2]
    assert cells(shown, "fan 02")[0] == "not known"
    assert "The names of 1 machine do not tell the sessions" in shown.text


def test_a_single_session_is_said_to_be_too_few(inputs: DetectionInputs) -> None:
    one, two = {"a": [1.0]}, {"a": [1.0], "b": [2.0]}
    assert "only one session of some machines" in page(inputs, {"fan/00": one, "fan/02": two}).text
    both = page(inputs, {"fan/00": two, "fan/02": two}).text
    assert "only one session" not in both
    assert "makes the thresholds more reliable" in both


def test_figures_of_simulated_machines_are_those_of_the_documentation() -> None:
    text = (ROOT / "docs/decisions.md").read_text()
    for sessions, (alarms, found) in SIMULATED.items():
        rows = [line.split("|") for line in text.splitlines() if line.startswith(f"| {sessions} |")]
        assert [f"{alarms:.2f}", f"{found:.2f}"] in [
            [row[2].split("±")[0].strip(), row[3].strip()] for row in rows
        ]
