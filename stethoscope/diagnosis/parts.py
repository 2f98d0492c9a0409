"""Which clips a diagnosis is trained on, validated on and tested on."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from stethoscope.classification.folds import Indices, by_class, labelled, validation_mask
from stethoscope.classification.options import TEST_SPLIT, ClassFit
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.splits import hold_out
from stethoscope.diagnosis.clips import has_id
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.model import NORMAL
from stethoscope.errors import ParameterError
from stethoscope.files import read_csv, write_csv

Part = Literal["", "train", "validation", "test", "held-out"]

PARTS = "parts.csv"
"""File of a model folder: the part of every clip of the store, row by row."""


def labels_of(clips: Sequence[Clip], groups: FaultGroups) -> list[str]:
    """Return the class of every clip: ``normal``, the label of its group, or "" for none."""
    names = (NORMAL, *groups.labels)
    return [
        names[clip.fault_group] if clip.fault_group >= 0 else "" for clip in groups.label(clips)
    ]


def divide(
    clips: Sequence[Clip],
    labels: Sequence[str],
    fit: ClassFit,
    *,
    test_split: float,
    holdout_id: str = "",
) -> list[Part]:
    """Return the part of every clip; a recording has one part. Clips without a class have none.

    Parameters
    ----------
    clips : sequence of Clip
    labels : sequence of str
        The class of every clip.
    fit : ClassFit
    test_split : float
        Fraction of every class's recordings that is kept for the test.
    holdout_id : str
        Machine id, ``06`` or ``fan/06``, all of whose recordings have the part ``held-out``, for a
        test of their own; empty for none. The others are divided as without it.

    Raises
    ------
    ParameterError
        If no machine has the id that is to be held out, or the fraction is out of range.
    """
    TEST_SPLIT.check(test_split)
    classed = labelled(labels)
    held_out = _of_machine(clips, classed, holdout_id)
    others = classed[~held_out]
    tested = hold_out(by_class(clips, labels, others), test_split, seed=fit.seed)
    remaining = others[~tested]
    validation = validation_mask(clips, labels, remaining, fit)
    parts: list[Part] = [""] * len(clips)
    for index in map(int, classed[held_out]):
        # The clips that define what is normal for a held-out machine are not tested.
        parts[index] = "" if is_reference(clips[index], holdout_id) else "held-out"
    for index in map(int, others[tested]):
        parts[index] = "test"
    for index, validates in zip(remaining, validation, strict=True):
        parts[index] = "validation" if validates else "train"
    return parts


def is_reference(clip: Clip, holdout_id: str) -> bool:
    """Return whether a clip defines what is normal for the held-out machine.

    These are the normal clips of the set's training part.
    """
    normal = clip.condition == "normal" and clip.split == "train"
    return bool(holdout_id) and has_id(clip, holdout_id) and normal


def read_parts(folder: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """Return class and part of every clip of the store that a diagnosis was trained on."""
    return [(row["label"], row["part"]) for row in read_csv(Path(folder) / PARTS)]


def write_parts(
    folder: Path, clips: Sequence[Clip], labels: Sequence[str], parts: Sequence[Part]
) -> None:
    """Write class and part of every clip into a model folder."""
    rows = (
        (
            *(clip.source, clip.path, clip.augmentation, clip.recording, label, part),
            *(clip.start, clip.end),
        )
        for clip, label, part in zip(clips, labels, parts, strict=True)
    )
    header = ("source", "path", "augmentation", "recording", "label", "part", "start", "end")
    write_csv(folder / PARTS, (header, *rows))


def _of_machine(clips: Sequence[Clip], chosen: Indices, machine_id: str) -> np.ndarray:
    """Return which of the chosen clips are of a machine; none if no machine is given."""
    if not machine_id:
        return np.zeros(len(chosen), dtype=bool)
    found = np.array([has_id(clips[index], machine_id) for index in chosen], dtype=bool)
    if not found.any():
        known = ", ".join(sorted({clips[index].machine for index in chosen}))
        raise ParameterError(f"fault_holdout_id is {machine_id!r}; there are {known}")
    return found
