"""The sections on faults: their charts, each of which can be left out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stethoscope.classification.metrics import classify_figures
from stethoscope.datasets.layouts import index
from stethoscope.detection.report.inputs import DetectionInputs
from stethoscope.diagnosis.groups import FaultGroups, GroupedClip
from stethoscope.diagnosis.options import PLOTS
from stethoscope.diagnosis.report.inputs import DiagnosedClip, FaultInputs
from stethoscope.diagnosis.report.sections import fault_sections
from stethoscope.monitoring.report import write_report
from stethoscope.report.page import Section
from tests.report.fixtures import Page

LABELS = ("normal", "fault 1: <b>bold</b>", "fault 2")
MARKS = {
    "variance": "Explained variance",
    "scatter": "Clips by machine",
    "elbow": "Number of groups",
    "map": "Clips by group",
    "map3d": "Clips on three components",
    "distances": "Distances to the centroids",
    "table": "Distances of the clips to each centroid",
    "clips": "Typical clips of each group",
    "confusion": "Confusion matrix",
    "curves": "Training curves",
    "probabilities": "Probabilities of the predictions",
}


def text_of(sections: Sequence[Section | None]) -> str:
    """Return the text of sections."""
    return Page("".join(one.html for one in sections if one)).root.text


@pytest.fixture
def faults(fan_archive: Path) -> FaultInputs:
    """Two groups of the anomalous clips of simulated fans, made up."""
    clips = [clip for clip in index([fan_archive]) if clip.condition == "anomaly"]
    rng = np.random.default_rng(0)
    grouped = []
    for number, clip in enumerate(clips):
        group = 1 + number % 2
        x, y, z = rng.normal(size=3) + np.array([4 * group, 0, 0])
        grouped.append(
            GroupedClip(
                clip.source,
                clip.path,
                0.0,
                clip.machine,
                None,
                group,
                (abs(x - 4), abs(x - 8)),
                (float(x), float(y), float(z)),
            )
        )
    groups = FaultGroups(
        names=("<b>bold</b>", ""),
        clips=tuple(grouped),
        centroids=((4.0, 0.0), (8.0, 0.0)),
        explained_variance=(0.5, 0.3, 0.1),
        inertia={1: 9.0, 2: 3.0, 3: 2.0},
        silhouette={2: 0.7, 3: 0.5},
    )
    truth, answered = [LABELS[0], LABELS[1], LABELS[2]], [LABELS[0], LABELS[2], LABELS[2]]
    answers = [
        DiagnosedClip("a.wav", "fan/00", true, answer, (0.2, 0.3, 0.5))
        for true, answer in zip(truth, answered, strict=True)
    ]
    evaluation = {
        "labels": list(LABELS),
        "test_clips": 3,
        "figures": classify_figures(truth, answered, LABELS).to_json(),
        "fault_found": {"value": 0.5, "low": 0.1, "high": 0.9, "reason": ""},
        "known_unknown": {"value": 0.25, "low": 0.1, "high": 0.6, "reason": ""},
        "left_out_unknown": {"value": 0.75, "low": 0.5, "high": 0.9, "reason": ""},
        "warnings": ["fault 2: fewer than 3 clips"],
    }
    curves = {
        "loss": [1.0, 0.5],
        "val_loss": [1.1, 0.6],
        "accuracy": [0.5, 0.9],
        "val_accuracy": [0.4, 0.8],
    }
    training = {
        "curves": curves,
        "best_epoch": 2,
        "clips": 20,
        "held_out": 5,
        "accuracy_before": 0.3,
        "seconds": 1.0,
    }
    return FaultInputs("", frozenset(PLOTS), groups, evaluation, training, answers)


@pytest.fixture
def inputs(fan_store: Path, fan_model: Path, fan_results: Path) -> DetectionInputs:
    return DetectionInputs.read(features=fan_store, model=fan_model, results=fan_results)


def test_report_with_faults_has_every_chart(
    faults: FaultInputs,
    fan_archive: Path,
    fan_store: Path,
    fan_model: Path,
    fan_results: Path,
    tmp_path: Path,
) -> None:
    path = tmp_path / "report.html"
    write_report(
        path,
        archives=[fan_archive],
        features=fan_store,
        model=fan_model,
        results=fan_results,
        faults=faults,
    )
    page = Page(path.read_text(encoding="utf-8")).root
    for mark in MARKS.values():
        assert mark in page.text, mark
    assert "<b>bold</b>" in page.text, "a name is text, not markup"
    typical = next(
        one for one in page.all("section") if one.attributes.get("aria-labelledby") == "typical"
    )
    sounds = [one.attributes["src"] or "" for one in typical.all("audio")]
    assert len(sounds) == 6 + 2  # and a normal clip beside each group
    assert all(sound.startswith("data:audio/flac;base64,") for sound in sounds)
    assert "fault 2: fewer than 3 clips" in page.text
    addresses = [
        value
        for one in page.all()
        for name, value in one.attributes.items()
        if name in ("src", "href") and value
    ]
    assert all(value.startswith(("data:", "#")) for value in addresses), "the page needs no network"


def test_a_machine_that_was_held_out_is_reported_beside_the_random_test(
    faults: FaultInputs, inputs: DetectionInputs, fan_archive: Path
) -> None:
    figures = classify_figures(LABELS, LABELS, LABELS).to_json()
    held_out = {"machine": "fan/06", "clips": 3, "figures": figures, "fault_found": None}
    evaluation = {**faults.evaluation, "held_out_machine": held_out}
    sections = fault_sections(inputs, replace(faults, evaluation=evaluation), [fan_archive])
    text = text_of(sections).replace("\xa0", " ")
    assert "A machine that was not trained on: fan/06" in text
    assert "of 3 clips of this machine; the balanced accuracy is 100 %" in text
    assert MARKS["confusion"] in text


@pytest.mark.parametrize("plot", PLOTS)
def test_each_plot_can_be_left_out(
    plot: str, faults: FaultInputs, inputs: DetectionInputs, fan_archive: Path
) -> None:
    def shown(plots: frozenset[str]) -> str:
        return text_of(fault_sections(inputs, replace(faults, plots=plots), [fan_archive]))

    without = shown(frozenset(PLOTS) - {plot})
    assert {name for name, mark in MARKS.items() if mark in without} == set(PLOTS) - {plot}
    assert MARKS[plot] in shown(frozenset({plot}))


def test_report_gives_the_reason_if_there_is_nothing_to_diagnose(
    faults: FaultInputs, inputs: DetectionInputs
) -> None:
    sections = fault_sections(inputs, replace(faults, reason="no clip is anomalous"), [])
    assert len(sections) == 1
    assert "There is nothing to diagnose: no clip is anomalous." in text_of(sections)


def test_many_machines_and_one_component_have_no_maps(
    faults: FaultInputs, inputs: DetectionInputs
) -> None:
    clips = tuple(
        replace(clip, machine=f"fan/{number:02d}", position=clip.position[:1])
        for number, clip in enumerate(faults.groups.clips)
    )
    many = replace(
        faults.groups,
        clips=clips,
        centroids=((4.0,), (8.0,)),
        explained_variance=(1.0,),
        silhouette={},
    )
    text = text_of(fault_sections(inputs, replace(faults, groups=many), []))
    assert MARKS["map"] not in text
    assert MARKS["variance"] in text
