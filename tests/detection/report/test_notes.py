"""Warnings of the evaluation."""

from dataclasses import replace
from pathlib import Path

import pytest

from stethoscope.detection.report.inputs import DetectionInputs
from stethoscope.detection.report.notes import detector_settings_section, warning_texts
from tests.report.fixtures import Page


@pytest.fixture
def inputs(fan_store: Path, fan_model: Path, fan_results: Path) -> DetectionInputs:
    return DetectionInputs.read(features=fan_store, model=fan_model, results=fan_results)


def test_warnings_with_the_same_text_become_one(inputs: DetectionInputs) -> None:
    warnings = ["fan/00: few clips", "no clip was held out", "fan/02: few clips"]
    texts = warning_texts(replace(inputs, warnings=warnings))
    assert texts == ["fan 00, fan 02: few clips", "no clip was held out"]


def test_machines_of_a_list_are_named_as_elsewhere_in_the_report(inputs: DetectionInputs) -> None:
    warnings = ["fan/00, fan/02 and 3 more: few clips", "two words, a/b: not machines"]
    texts = warning_texts(replace(inputs, warnings=warnings))
    assert texts == ["fan 00, fan 02 and 3 more: few clips", "two words, a/b: not machines"]


def test_no_text_without_warnings(inputs: DetectionInputs) -> None:
    assert warning_texts(replace(inputs, warnings=[], skipped=[])) == []


def test_settings_include_feature_and_thresholds(inputs: DetectionInputs) -> None:
    rows = {
        row.all("th")[0].text: row.all("td")[0].text
        for row in Page(detector_settings_section(inputs).html).root.all("tr")
        if row.all("td")
    }
    assert rows["kind"] == "autoencoder"
    assert rows["feature · n_mels"] == "32"
    assert rows["threshold · false-alarm rate"] == "0.1"
    assert "numpy" in rows
