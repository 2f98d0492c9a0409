"""Confusion matrices."""

import re

from stethoscope.report.confusion import class_table, confusion_table, frequent_confusions


def test_cells_are_shaded_by_their_share_of_the_row() -> None:
    table = confusion_table(["cat", "dog_bark"], [[3, 1], [0, 5]])
    assert re.findall(r"--share:([\d.]+)", table) == ["0.750", "0.250", "1.000"]
    assert "cat → dog bark: 1 of 4 clips" in table


def test_most_frequent_confusions_come_first() -> None:
    labels, confusion = ["normal", "fault_3", "dog"], [[3, 4, 1], [2, 5, 0], [0, 0, 1]]
    assert frequent_confusions(labels, confusion) == (
        "Most frequent confusions: normal → fault 3: 4 clips; fault 3 → normal: 2 clips; "
        "normal → dog: 1 clip."
    )
    assert frequent_confusions(["cat", "dog"], [[3, 0], [0, 5]]) == "No clip is confused."


def test_table_of_classes_has_intervals_and_reasons() -> None:
    one = {"label": "dog_bark", "clips": 1200, "f1": 0.0}
    missing = {"value": None, "low": None, "high": None, "reason": "never predicted"}
    recall = {"value": 0.5, "low": 0.25, "high": 0.75, "reason": ""}
    table = class_table([{**one, "precision": missing, "recall": recall}])
    for text in ("dog bark", "1,200", "never predicted", "50\u00a0%", "25 to 75\u00a0%"):
        assert text in table
