"""The sections on faults: what they show, that each plot can be left out, and the geometry of their
maps.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.classification.metrics import classify_figures
from stethoscope.datasets.layouts import index
from stethoscope.detection.report.inputs import Inputs
from stethoscope.diagnosis.groups import PLOTS, FaultGroups, GroupedClip
from stethoscope.diagnosis.report import fault_sections, nearest_region
from stethoscope.diagnosis.report_inputs import Answer, FaultInputs
from stethoscope.monitoring.report import write_report
from stethoscope.report.cloud import Point, cloud
from tests.report.fixtures import Page

LABELS = ("normal", "fault 1: <b>bold</b>", "fault 2")
MARKS = {
    "variance": "Explained variance",
    "scatter": "Before grouping, by machine",
    "elbow": "How many groups",
    "map": "Groups of faults",
    "map3d": "Three components",
    "distances": "How far clips lie from their centroid",
    "table": "Distances of clips to every centroid",
    "clips": "Listen to the groups",
    "confusion": "What is taken for what",
    "curves": "Learning: loss",
    "probabilities": "How sure it was",
}


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
        Answer("a.wav", "fan/00", true, answer, (0.2, 0.3, 0.5))
        for true, answer in zip(truth, answered, strict=True)
    ]
    evaluation = {
        "labels": list(LABELS),
        "test_clips": 3,
        "figures": classify_figures(truth, answered, LABELS).to_json(),
        "fault_found": {"value": 0.5, "low": 0.1, "high": 0.9, "reason": ""},
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
def inputs(fan_store: Path, fan_model: Path, fan_results: Path) -> Inputs:
    return Inputs.read(features=fan_store, model=fan_model, results=fan_results)


def test_the_report_shows_the_faults(
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
    assert len(sounds) == 6
    assert all(sound.startswith("data:audio/flac;base64,") for sound in sounds)
    assert "fault 2: fewer than 3 clips" in page.text
    addresses = [
        value
        for one in page.all()
        for name, value in one.attributes.items()
        if name in ("src", "href") and value
    ]
    assert all(value.startswith(("data:", "#")) for value in addresses), "the page needs no network"


@pytest.mark.parametrize("plot", PLOTS)
def test_each_plot_can_be_left_out(
    plot: str, faults: FaultInputs, inputs: Inputs, fan_archive: Path
) -> None:
    def shown(plots: frozenset[str]) -> str:
        html = "".join(
            one.html for one in fault_sections(inputs, replace(faults, plots=plots), [fan_archive])
        )
        return Page(html).root.text

    without = shown(frozenset(PLOTS) - {plot})
    assert {name for name, mark in MARKS.items() if mark in without} == set(PLOTS) - {plot}
    assert MARKS[plot] in shown(frozenset({plot}))


def test_nothing_to_diagnose_is_said(faults: FaultInputs, inputs: Inputs) -> None:
    [only] = fault_sections(inputs, replace(faults, reason="no clip is anomalous"), [])
    assert "There is nothing to diagnose: no clip is anomalous." in Page(only.html).root.text


def test_a_set_of_many_machines_and_one_component_is_drawn(
    faults: FaultInputs, inputs: Inputs
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
    text = "".join(one.html for one in fault_sections(inputs, replace(faults, groups=many), []))
    assert MARKS["map"] not in Page(text).root.text
    assert MARKS["variance"] in Page(text).root.text


PLACES = st.tuples(st.floats(-9, 9), st.floats(-9, 9))


@given(st.lists(PLACES, min_size=1, max_size=6, unique=True), PLACES)
def test_regions_hold_what_lies_nearest(
    centroids: list[tuple[float, float]], point: tuple[float, float]
) -> None:
    """A point lies in the region of the nearest centroid, and in no other, up to points on the
    border.
    """
    corners = [(-10.0, -10.0), (10.0, -10.0), (10.0, 10.0), (-10.0, 10.0)]
    distances = [float(np.hypot(point[0] - x, point[1] - y)) for x, y in centroids]
    order = np.argsort(distances)
    if len(order) > 1 and distances[order[1]] - distances[order[0]] < 1e-6:
        return
    inside = [
        i for i in range(len(centroids)) if _lies_in(point, nearest_region(centroids, i, corners))
    ]
    assert inside == [order[0]]


def _lies_in(point: tuple[float, float], polygon: list[tuple[float, float]]) -> bool:
    """Return whether a convex polygon, corners counter-clockwise, holds a point."""
    if len(polygon) < 3:
        return False
    corners = np.array(polygon)
    edges = np.roll(corners, -1, axis=0) - corners
    to_point = np.array(point) - corners
    return bool((edges[:, 0] * to_point[:, 1] - edges[:, 1] * to_point[:, 0] >= -1e-9).all())


def test_the_first_view_of_space_is_the_one_that_the_script_draws() -> None:
    """A point to the right lies to the right, one above lies above, and none leaves the drawing."""
    rng = np.random.default_rng(0)
    points = [Point(tuple(rng.normal(size=3)), "s0", str(number)) for number in range(50)]  # type: ignore[arg-type]
    page = Page(
        cloud(
            [*points, Point((50, 0, 0), "s1", "right"), Point((-50, 0, 0), "s1", "left")],
            ("x", "y", "z"),
            "cloud",
        )
    )
    drawn = {
        one.text: one.attributes for one in page.root.all("path") if "data-at" in one.attributes
    }

    def seen(title: str) -> tuple[float, float]:
        x, y = (drawn[title]["d"] or "").removeprefix("M").removesuffix("h0").split()
        return float(x), float(y)

    assert seen("right")[0] > 0.7 > -0.7 > seen("left")[0]
    assert all(abs(value) <= 1.0 for title in drawn for value in seen(title))
    script = (Path(__file__).parents[2] / "stethoscope" / "report" / "page.js").read_text(
        encoding="utf-8"
    )
    assert "const start = [-0.6, 0.4];" in script
