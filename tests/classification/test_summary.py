from pathlib import Path
from typing import Any

from stethoscope.classification.summary import closing_lines


def one(label: str, precision: float | None) -> dict[str, Any]:
    return {
        "label": label,
        "clips": 12,
        "precision": {"value": precision},
        "recall": {"value": 0.25},
        "f1": 0.5,
    }


def test_every_class_has_a_row_and_the_figures_follow() -> None:
    evaluation = {
        "classes": [one("clicks", 0.75), one("noise", None)],
        "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6},
        "balanced_accuracy": 0.5,
        "macro_f1": 0.45,
        "folds": [{}, {}],
        "clips": 24,
        "skipped": [],
    }
    lines = closing_lines({"evaluation": evaluation}, Path("out"))
    assert lines[0].split() == ["class", "clips", "precision", "recall", "F1"]
    assert lines[1].split() == ["clicks", "12", "0.750", "0.250", "0.500"]
    assert lines[2].split() == ["noise", "12", "n/a", "0.250", "0.500"]
    assert lines[3].startswith("accuracy 0.500 (0.400 to 0.600), balanced 0.500, macro F1 0.450, ")
    assert "over 2 folds" in lines[3]
    assert lines[4:] == [
        "Report: out/report.html",
        "Classify recordings: stethoscope classify out/model FILE.wav",
    ]
