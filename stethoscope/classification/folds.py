"""The classes of a set, and its division into folds, training and validation."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from stethoscope.classification.options import FOLDS, TEST_SPLIT, ClassFit
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.splits import hold_out
from stethoscope.errors import DatasetError

Indices = npt.NDArray[np.intp]


def class_labels(labels: Sequence[str]) -> list[str]:
    """Return the classes, "normal" first, the others in alphabetical order.

    Raises
    ------
    DatasetError
        If there are not at least two.
    """
    classes = sorted(set(labels), key=lambda label: (label != "normal", label))
    if len(classes) < 2:
        found = f"only one class, {classes[0]!r}" if classes else "no labelled clip"
        raise DatasetError(f"there is {found}; give recordings of at least two classes")
    return classes


NEVER_TESTED = 0
"""The fold of clips that are only trained on, in a single division."""


def fold_of(
    clips: Sequence[Clip],
    labels: Sequence[str],
    chosen: Indices,
    n_folds: int,
    *,
    seed: int,
    test_split: float = TEST_SPLIT.default,
) -> npt.NDArray[np.int64]:
    """Return the fold of every chosen clip.

    No recording lies in two folds, and every class lies in at least two.

    Parameters
    ----------
    clips : sequence of Clip
    labels : sequence of str
        The class of every clip.
    chosen : np.ndarray of int [shape=(n_chosen,)]
        Indices of the clips that are divided.
    n_folds : int
        From 2 on, folds drawn by recording, each with about the same fraction of every class. 1
        gives a single division: a fold 1, and clips that are :data:`NEVER_TESTED`. 0 takes the
        folds of the set; if it gives none, a single division is made.
    seed : int
        Of the random folds.
    test_split : float
        Fraction of every class's recordings that are in fold 1 of a single division.

    Returns
    -------
    np.ndarray of int [shape=(n_chosen,)]

    Raises
    ------
    DatasetError
        If the set gives no folds, one fold or a recording in two, or a class has too few
        recordings.
    ParameterError
        If `n_folds` is negative, or `test_split` is out of range.
    """
    FOLDS.check(n_folds)
    TEST_SPLIT.check(test_split)
    if n_folds == 1 or not (n_folds or any(clips[index].fold for index in chosen)):
        return _single_division(clips, labels, chosen, test_split, seed)
    if n_folds:
        found = _drawn_folds(by_class(clips, labels, chosen), n_folds, seed)
    else:
        found = _given_folds(clips, chosen)
    for label in sorted({labels[index] for index in chosen}):
        where = {fold for index, fold in zip(chosen, found, strict=True) if labels[index] == label}
        if len(where) < 2:
            raise DatasetError(
                f"class {label!r} lies in fold {where.pop()} alone, so the network that is tested "
                "on it is not trained on it; add recordings of it in another fold, or set "
                "class_folds to draw folds"
            )
    return found


def _single_division(
    clips: Sequence[Clip], labels: Sequence[str], chosen: Indices, share: float, seed: int
) -> npt.NDArray[np.int64]:
    """Return 1 for clips that are tested, and `NEVER_TESTED` for those that are trained on."""
    divided = by_class(clips, labels, chosen)
    recordings: defaultdict[str, set[str]] = defaultdict(set)
    for clip in divided:
        recordings[clip.machine_type].add(clip.recording)
    for label, names in sorted(recordings.items()):
        if len(names) < 2:
            raise DatasetError(
                f"class {label!r} has 1 recording; record more, for training and for the test"
            )
    tested = hold_out(divided, share, seed=seed)
    return np.where(tested, 1, NEVER_TESTED)


def _given_folds(clips: Sequence[Clip], chosen: Indices) -> npt.NDArray[np.int64]:
    """Return the folds of the set."""
    folds: dict[str, int] = {}
    for clip in (clips[index] for index in chosen):
        if not clip.fold:
            raise DatasetError(
                f"{clip.path}: the set gives no fold for it; "
                "set class_folds, such as 5, to draw them"
            )
        if folds.setdefault(clip.recording, clip.fold) != clip.fold:
            both = f"{folds[clip.recording]} and {clip.fold}"
            raise DatasetError(
                f"recording {clip.recording} lies in folds {both}; "
                "correct the table, or set class_folds to draw them"
            )
    if len(set(folds.values())) < 2:
        raise DatasetError("the set gives a single fold; set class_folds, such as 5, to draw them")
    return np.array([clips[index].fold for index in chosen])


def _drawn_folds(clips: Sequence[Clip], n_folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Return random folds, from 1, of clips that have their class in place of the machine."""
    from sklearn.model_selection import StratifiedGroupKFold

    recordings: defaultdict[str, set[str]] = defaultdict(set)
    for clip in clips:
        recordings[clip.machine_type].add(clip.recording)
    for label, names in sorted(recordings.items()):
        if len(names) < n_folds:
            count = "1 recording" if len(names) == 1 else f"{len(names)} recordings"
            raise DatasetError(
                f"class {label!r} has {count}, but class_folds is {n_folds}; "
                "record more, or draw fewer folds"
            )
    folds = np.zeros(len(clips), dtype=np.int64)
    divided = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed).split(
        np.zeros(len(clips)),
        [clip.machine_type for clip in clips],
        groups=[clip.recording for clip in clips],
    )
    for number, (_, tested) in enumerate(divided, start=1):
        folds[tested] = number
    return folds


def by_class(clips: Sequence[Clip], labels: Sequence[str], chosen: Indices) -> list[Clip]:
    """Return the chosen clips with the class of their recording in place of the machine.

    Functions that divide clips by machine then divide them by class.
    """
    of_recording: dict[str, str] = {}
    for index in chosen:
        of_recording.setdefault(clips[index].recording, labels[index])
    return [
        replace(clips[index], machine_type=of_recording[clips[index].recording], machine_id="")
        for index in chosen
    ]


def labelled(labels: Sequence[str]) -> Indices:
    """Return the indices of the clips that have a class."""
    return np.array([index for index, label in enumerate(labels) if label], dtype=np.intp)


def validation_mask(
    clips: Sequence[Clip], labels: Sequence[str], chosen: Indices, fit: ClassFit
) -> npt.NDArray[np.bool_]:
    """Return which of the chosen clips are for validation [shape=(n_chosen,)], not for training.

    No recording is for both.
    """
    if not fit.validation_split:
        return np.zeros(len(chosen), dtype=bool)
    return hold_out(by_class(clips, labels, chosen), fit.validation_split, seed=fit.seed)


def originals(clips: Sequence[Clip], chosen: Indices) -> Indices:
    """Return the indices of those of the chosen clips that are not altered versions."""
    return np.array([index for index in chosen if not clips[index].augmentation], dtype=np.intp)
