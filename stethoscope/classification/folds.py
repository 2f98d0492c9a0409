"""Which classes there are, and which fold every clip belongs to."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from stethoscope.classification.options import FOLDS
from stethoscope.datasets.clips import Clip
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


def fold_of(
    clips: Sequence[Clip], labels: Sequence[str], chosen: Indices, n_folds: int, *, seed: int
) -> npt.NDArray[np.int64]:
    """Return the fold of every chosen clip; no recording lies in two, and every class lies in two
    at least.

    Parameters
    ----------
    clips : sequence of Clip
    labels : sequence of str
        The class of every clip.
    chosen : np.ndarray of int [shape=(n_chosen,)]
        Indices of the clips that are divided.
    n_folds : int
        Folds drawn by recording, class by class; 0 takes the folds that the set gives.
    seed : int
        Of the drawing.

    Returns
    -------
    np.ndarray of int [shape=(n_chosen,)]

    Raises
    ------
    DatasetError
        If the set gives no folds, one fold or a recording in two, or a class has too few
        recordings.
    ParameterError
        If `n_folds` is 1 or negative.
    """
    FOLDS.check(n_folds)
    folds = (
        _drawn_folds(by_class(clips, labels, chosen), n_folds, seed)
        if n_folds
        else _given_folds(clips, chosen)
    )
    found = np.array([folds[clips[index].recording] for index in chosen])
    for label in sorted({labels[index] for index in chosen}):
        where = {fold for index, fold in zip(chosen, found, strict=True) if labels[index] == label}
        if len(where) < 2:
            raise DatasetError(
                f"class {label!r} lies in fold {where.pop()} alone: whoever is asked about it has never heard it; add recordings of it "
                "in another fold, or set class_folds to draw folds"
            )
    return found


def _given_folds(clips: Sequence[Clip], chosen: Indices) -> dict[str, int]:
    folds: dict[str, int] = {}
    for clip in (clips[index] for index in chosen):
        if not clip.fold:
            raise DatasetError(
                f"{clip.path}: the set gives no fold for it; set class_folds, such as 5, to draw them"
            )
        if folds.setdefault(clip.recording, clip.fold) != clip.fold:
            both = f"{folds[clip.recording]} and {clip.fold}"
            raise DatasetError(
                f"recording {clip.recording} lies in folds {both}; correct the table, or set class_folds to draw them"
            )
    if len(set(folds.values())) < 2:
        raise DatasetError("the set gives a single fold; set class_folds, such as 5, to draw them")
    return folds


def by_class(clips: Sequence[Clip], labels: Sequence[str], chosen: Indices) -> list[Clip]:
    """Return the chosen clips with the class of their recording in place of the machine, by which
    splits are made.
    """
    of_recording: dict[str, str] = {}
    for index in chosen:
        of_recording.setdefault(clips[index].recording, labels[index])
    return [
        replace(clips[index], machine_type=of_recording[clips[index].recording], machine_id="")
        for index in chosen
    ]


def _drawn_folds(clips: Sequence[Clip], n_folds: int, seed: int) -> dict[str, int]:
    recordings: defaultdict[str, set[str]] = defaultdict(set)
    for clip in clips:
        recordings[clip.machine_type].add(clip.recording)
    rng = np.random.default_rng(seed)
    folds: dict[str, int] = {}
    taken = Counter[int]()
    for label in sorted(recordings):
        names = sorted(recordings[label])
        if len(names) < n_folds:
            raise DatasetError(
                f"class {label!r} has {len(names)} recording{'s' if len(names) > 1 else ''}, but class_folds is {n_folds}; "
                "record more, or draw fewer folds"
            )
        for position, name in enumerate(rng.permutation(names)):
            # What does not divide evenly goes where there is least.
            fold = (
                1 + position % n_folds
                if position < len(names) // n_folds * n_folds
                else min(range(1, n_folds + 1), key=lambda f: taken[f])
            )
            folds[str(name)] = fold
            taken[fold] += 1
    return folds
