"""The features of a classifier."""

from pathlib import Path

import pytest

from stethoscope.classification.extract import extract_sounds
from stethoscope.classification.options import feature_of
from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError


def sound(label: str, fold: int, number: int = 0) -> Clip:
    return Clip(
        path=f"{label}{fold}{number}.wav",
        recording=f"{label}{fold}{number}",
        label=label,
        fold=fold,
        source="absent",
    )


@pytest.mark.parametrize(
    ("clips", "n_folds", "message"),
    [
        ([sound("dog", 1), sound("dog", 2)], 0, "only one class, 'dog'"),
        ([sound("", 1), sound("", 2)], 0, "no labelled clip"),
        ([sound("dog", 1), sound("cat", 0)], 0, "gives no fold for it; set class_folds"),
        ([sound("dog", 0), sound("cat", 0)], 0, "class 'cat' has 1 recording; record more"),
        (
            [sound("dog", 1), sound("dog", 2), sound("cat", 1), sound("cat", 1, 1)],
            0,
            "class 'cat' lies in fold 1 alone",
        ),
        (
            [sound("dog", 0, n) for n in range(5)] + [sound("cat", 0, n) for n in range(2)],
            3,
            "class 'cat' has 2 recordings",
        ),
    ],
)
def test_sets_that_cannot_be_divided_are_refused_before_anything_is_decoded(
    clips: list[Clip], n_folds: int, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=message):
        extract_sounds(
            [tmp_path / "absent"], clips, feature_of({}), tmp_path / "store", n_folds=n_folds
        )
    assert not (tmp_path / "store").exists()
