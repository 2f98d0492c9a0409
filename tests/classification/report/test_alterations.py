"""Texts on altered training clips."""

from stethoscope.classification.report.alterations import _methods


def test_only_the_alterations_in_use_are_described() -> None:
    assert _methods({"shift": 1.0, "mask": 0, "mixup": 0}) == (
        "shifted circularly in time by any amount"
    )
    assert _methods({"shift": 0.25, "mask": 0.1, "mixup": 0.2}).replace("\u00a0", " ") == (
        "shifted circularly in time by up to 25 % of their length; "
        "masked in two frequency bands and two time intervals of up to 10 % each; "
        "mixed in pairs (mixup, beta distribution with parameter 0.2)"
    )
    assert _methods({"shift": 0, "mask": 0, "mixup": 0}) == ""
