import json

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
)

from stethoscope.classification.metrics import classify_figures

LABELS = ("cat", "dog", "rain")


def test_figures_equal_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(LABELS, 60, p=[0.6, 0.3, 0.1]).tolist()
    predicted = [
        one if keep else str(other)
        for one, keep, other in zip(
            truth, rng.random(60) < 0.6, rng.choice(LABELS, 60), strict=True
        )
    ]
    figures = classify_figures(truth, predicted, LABELS)
    assert figures.accuracy.value == pytest.approx(accuracy_score(truth, predicted))
    assert figures.balanced_accuracy == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert figures.macro_f1 == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert figures.confusion == tuple(
        map(tuple, confusion_matrix(truth, predicted, labels=LABELS).tolist())
    )
    precisions, recalls = (
        score(truth, predicted, labels=LABELS, average=None)
        for score in (precision_score, recall_score)
    )
    for one, precision, recall in zip(figures.classes, precisions, recalls, strict=True):
        assert one.precision.value == pytest.approx(precision)
        assert one.recall.value == pytest.approx(recall)
        assert one.recall.low is not None
        assert one.recall.high is not None
        assert 0 <= one.recall.low < recall < one.recall.high <= 1
    json.dumps(figures.to_json(), allow_nan=False)


def test_what_cannot_be_computed_says_why() -> None:
    figures = classify_figures(["cat", "cat"], ["cat", "dog"], LABELS)
    cat, dog, rain = figures.classes
    assert (cat.recall.value, cat.precision.value) == (0.5, 1.0)
    assert (dog.recall.value, dog.recall.reason) == (None, "no clip belongs to it")
    assert rain.precision.reason == "no clip was classified as it"
    assert figures.balanced_accuracy == 0.5
    # The third class neither occurs nor is predicted: (2/3 + 0) / 2.
    assert figures.macro_f1 == pytest.approx(1 / 3)
