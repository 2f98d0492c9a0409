import csv
from collections import Counter
from pathlib import Path

import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from stethoscope.events.evaluate import viewer_figures
from stethoscope.events.model import EventDetector
from stethoscope.files import read_json


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_both_networks_find_the_events_of_the_test_recordings(beep_parts: Path) -> None:
    evaluation = read_json(beep_parts / "results" / "evaluation.json")
    for network in ("float", "int8"):
        test = evaluation["networks"][network]["test"]
        assert test["windows"]["auc"] > 0.97
        assert test["events"]["f1"] > 0.9
        assert 0 < test["events"]["delay"] < 0.6
    assert abs(evaluation["int8_drop"]) < 0.02


def test_figures_of_windows_equal_those_of_scikit_learn_on_the_table(beep_parts: Path) -> None:
    evaluation = read_json(beep_parts / "results" / "evaluation.json")
    windows = rows(beep_parts / "results" / "windows.csv")
    labels = [int(row["label"]) for row in windows]
    for network in ("float", "int8"):
        figures = evaluation["networks"][network]["test"]["windows"]
        scores = [float(row[network]) for row in windows]
        assert figures["auc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-3)
        assert figures["ap"] == pytest.approx(average_precision_score(labels, scores), abs=1e-3)


def test_table_of_events_has_every_found_and_every_missed_event(
    beep_parts: Path, beep_folder: Path
) -> None:
    table = rows(beep_parts / "results" / "events.csv")
    figures = read_json(beep_parts / "results" / "evaluation.json")["networks"]["float"]["test"]
    outcomes = Counter(row["outcome"] for row in table)
    assert outcomes["hit"] == figures["events"]["hits"]
    assert outcomes["missed"] == figures["events"]["missed"]
    assert outcomes["false"] == figures["events"]["false_events"]
    detector = EventDetector.open(beep_parts / "model")
    for path in {row["path"] for row in table}:
        found = [row for row in table if row["path"] == path and row["outcome"] != "missed"]
        events = detector.find(beep_folder / Path(path).name)
        assert [float(row["start"]) for row in found] == pytest.approx(
            [event.start for event in events], abs=1e-3
        )


def test_viewer_figures_leave_out_what_cannot_be_computed(beep_parts: Path) -> None:
    evaluation = read_json(beep_parts / "results" / "evaluation.json")
    figures = viewer_figures(evaluation)
    assert figures["int8_drop"] == evaluation["int8_drop"]
    assert figures["float_event_f1"] == evaluation["networks"]["float"]["test"]["events"]["f1"]
    evaluation["networks"]["int8"]["test"]["windows"]["auc"] = None
    assert viewer_figures(evaluation).keys() == figures.keys() - {"int8_auc"}
