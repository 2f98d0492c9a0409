"""Classes, folds and validation."""

from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest

from stethoscope.classification.folds import (
    NEVER_TESTED,
    class_labels,
    fold_of,
    labelled,
    originals,
    validation_mask,
)
from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError, ParameterError
from tests.classification.sets import SMALL


def clips_of(counts: dict[str, int], *, parts: int = 2) -> list[Clip]:
    """Return clips of recordings, `parts` each; recordings lie in folds 1, 2, 3, 1, and so on."""
    return [
        Clip(
            path=f"{label}{number}-{part}.wav",
            recording=f"{label}{number}",
            label=label,
            fold=1 + number % 3,
        )
        for label, count in counts.items()
        for number in range(count)
        for part in range(parts)
    ]


def divided(clips: list[Clip], n_folds: int, seed: int = 0) -> list[int]:
    labels = [clip.label for clip in clips]
    return fold_of(clips, labels, np.arange(len(clips)), n_folds, seed=seed).tolist()


def test_normal_is_the_first_class() -> None:
    assert class_labels(["b", "normal", "a", "b"]) == ["normal", "a", "b"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_drawn_folds_split_no_recording_and_hold_every_class(seed: int) -> None:
    clips = clips_of({"cat": 7, "dog": 3, "rain": 12})
    # A long recording: its clips are as many as those of all others of its class.
    clips += [Clip(path=f"dog0-{part}.wav", recording="dog0", label="dog") for part in range(2, 12)]
    folds = divided(clips, 3, seed)
    by_recording = defaultdict(set)
    for clip, fold in zip(clips, folds, strict=True):
        by_recording[clip.recording].add(fold)
    assert all(len(found) == 1 for found in by_recording.values())
    for fold in (1, 2, 3):
        held = {clip.label for clip, own in zip(clips, folds, strict=True) if own == fold}
        assert held == {"cat", "dog", "rain"}


def test_drawn_folds_hold_about_the_same_fraction_of_every_class() -> None:
    clips = clips_of({"cat": 7, "dog": 9})
    folds = divided(clips, 3)
    counts = Counter((clip.label, fold) for clip, fold in zip(clips, folds, strict=True))
    assert sorted(counts["cat", fold] for fold in (1, 2, 3)) == [4, 4, 6]
    assert [counts["dog", fold] for fold in (1, 2, 3)] == [6, 6, 6]


def test_the_seed_decides_the_drawn_folds() -> None:
    clips = clips_of({"cat": 9, "dog": 9})
    assert divided(clips, 3, seed=1) == divided(clips, 3, seed=1)
    assert divided(clips, 3, seed=1) != divided(clips, 3, seed=2)


def test_without_a_number_the_folds_of_the_set_are_taken() -> None:
    clips = clips_of({"cat": 3, "dog": 3})
    assert divided(clips, 0) == [clip.fold for clip in clips]


@pytest.mark.parametrize(
    ("counts", "n_folds", "message"),
    [
        ({"cat": 2, "dog": 2}, 3, "class 'cat' has 2 recordings, but class_folds is 3"),
        ({"cat": 1, "dog": 1}, 3, "class 'cat' has 1 recording, but class_folds is 3"),
        ({"cat": 1, "dog": 1}, 0, "a single fold"),
    ],
)
def test_too_few_recordings_for_the_folds_are_refused(
    counts: dict[str, int], n_folds: int, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        divided(clips_of(counts), n_folds)


def test_a_class_in_a_single_fold_is_refused() -> None:
    clips = clips_of({"cat": 6, "dog": 6})
    lonely = [replace(clip, fold=2) if clip.label == "dog" else clip for clip in clips]
    with pytest.raises(DatasetError, match="class 'dog' lies in fold 2 alone"):
        divided(lonely, 0)


def test_folds_of_the_set_must_be_complete_and_split_no_recording() -> None:
    clips = clips_of({"cat": 6, "dog": 6})
    with pytest.raises(DatasetError, match="gives no fold for it; set class_folds"):
        divided([replace(clips[0], fold=0), *clips[1:]], 0)
    leaking = [replace(clip, fold=1 + number % 3) for number, clip in enumerate(clips)]
    with pytest.raises(DatasetError, match="recording cat0 lies in folds 1 and 2"):
        divided(leaking, 0)
    with pytest.raises(ParameterError, match="class_folds is -1"):
        divided(clips, -1)


@pytest.mark.parametrize(("n_folds", "fold"), [(0, 0), (1, 0), (1, 3)])
def test_single_division_tests_a_fifth_of_the_recordings_of_every_class(
    n_folds: int, fold: int
) -> None:
    """Sets without folds are divided once, and so are those with folds if class_folds is 1."""
    clips = [replace(clip, fold=fold) for clip in clips_of({"cat": 10, "dog": 20})]
    found = divided(clips, n_folds)
    assert set(found) == {NEVER_TESTED, 1}
    parts: dict[str, set[int]] = {}
    for clip, part in zip(clips, found, strict=True):
        parts.setdefault(clip.recording, set()).add(part)
    assert all(len(own) == 1 for own in parts.values()), "no recording is in both"
    for label, n in (("cat", 2), ("dog", 4)):
        tested = {
            clip.recording
            for clip, part in zip(clips, found, strict=True)
            if part == 1 and clip.label == label
        }
        assert len(tested) == n
    assert found == divided(clips, n_folds)
    assert found != divided(clips, n_folds, seed=1)


def test_validation_takes_recordings_of_every_class() -> None:
    clips = clips_of({"cat": 10, "dog": 5})
    labels = [clip.label for clip in clips]
    fit = replace(SMALL, validation_split=0.2)
    mask = validation_mask(clips, labels, np.arange(len(clips)), fit)
    chosen = {clip.recording for clip, taken in zip(clips, mask, strict=True) if taken}
    assert Counter(name[:3] for name in chosen) == {"cat": 2, "dog": 1}
    assert all((clip.recording in chosen) == taken for clip, taken in zip(clips, mask, strict=True))
    assert not validation_mask(clips, labels, np.arange(len(clips)), SMALL).any()


def test_clips_without_class_and_altered_versions_are_found() -> None:
    clips = clips_of({"cat": 2, "": 1}, parts=1)
    assert labelled([clip.label for clip in clips]).tolist() == [0, 1]
    versions = [clips[0], replace(clips[0], augmentation="noise 0.005"), clips[1]]
    assert originals(versions, np.array([1, 2])).tolist() == [2]
