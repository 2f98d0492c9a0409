"""Figures and files of a cross-validation."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from stethoscope.classification.evaluate import (
    CrossValidation,
    viewer_figures,
    write_evaluation,
)
from stethoscope.files import read_json
from tests.classification.sets import store_of


@pytest.fixture
def found() -> CrossValidation:
    """Two folds of three clips: two right and one wrong, then one right and two wrong."""
    probabilities = np.full((6, 3), 0.25, dtype=np.float32)
    predicted = ("cat", "cat", "dog", "dog", "rain", "cat")
    for row, label in enumerate(predicted):
        probabilities[row, ("cat", "dog", "rain").index(label)] = 0.5
    return CrossValidation(
        labels=("cat", "dog", "rain"),
        clips=np.array([0, 1, 2, 12, 13, 14]),
        fold=np.array([1, 1, 1, 2, 2, 2]),
        truth=("cat", "cat", "cat", "dog", "dog", "dog"),
        predicted=predicted,
        probabilities=probabilities,
    )


def test_figures_answers_and_confusion_are_written(found: CrossValidation, tmp_path: Path) -> None:
    store = store_of(tmp_path / "store")
    report = write_evaluation(found, store, tmp_path / "results", seconds=1.5)
    assert read_json(tmp_path / "results" / "evaluation.json") == json.loads(json.dumps(report))
    assert report["folds"] == [
        {"fold": 1, "clips": 3, "accuracy": pytest.approx(2 / 3)},
        {"fold": 2, "clips": 3, "accuracy": pytest.approx(1 / 3)},
    ]
    assert viewer_figures(report)["accuracy"] == 0.5
    with (tmp_path / "results" / "answers.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["answer"] for row in rows] == list(found.predicted)
    assert rows[3] == {
        "source": "set",
        "path": store.clips[12].path,
        "recording": store.clips[12].recording,
        "fold": "2",
        "label": "dog",
        "answer": "dog",
        "cat": "0.2500",
        "dog": "0.5000",
        "rain": "0.2500",
    }
    confusion = (tmp_path / "results" / "confusion.csv").read_text()
    assert confusion == "label,cat,dog,rain\ncat,2,1,0\ndog,1,1,1\nrain,0,0,0\n"
