"""Learn to tell faults apart: a convolutional network on normal clips and the groups of anomalous
ones.
"""

import csv
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from stethoscope.classification.folds import by_class
from stethoscope.classification.options import TEST_SPLIT, ClassFit
from stethoscope.classification.train import ClassTraining, train_chosen, watching
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.splits import hold_out
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.model import NORMAL, References
from stethoscope.errors import ParameterError
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_csv
from stethoscope.sound.logmel import Frames

Part = Literal["", "train", "validation", "test"]

PARTS = "parts.csv"
"""File of a model folder: which part every clip of the store has, row by row."""


@dataclass(frozen=True)
class RelativeStore(FeatureStore):
    """A feature store whose clips are heard as they deviate from what is normal for their machine."""

    references: References

    def clip_frames(self, index: int) -> Frames:
        """Return the deviation of one clip [shape=(n_frames, n_values), dtype=float32]."""
        return self.references.relative(super().clip_frames(index), self.clips[index].machine)


def train_diagnosis(
    store: FeatureStore,
    groups: FaultGroups,
    fit: ClassFit,
    folder: str | os.PathLike[str],
    *,
    test_split: float = 0.2,
    holdout_id: str = "",
) -> ClassTraining:
    """Fit a classifier of normal and the groups of faults, and write its model folder, all or
    nothing.

    The folder holds a classifier, what is normal for each machine, and ``parts.csv``: which clips
    trained, which watched the training, and which are kept for the test. A recording, with its
    altered versions and at all its signal-to-noise ratios, has one part.

    Parameters
    ----------
    store : FeatureStore
        The one that was grouped.
    groups : FaultGroups
    fit : ClassFit
    folder : path
    test_split : float
        Share of every class's recordings that is kept for the test.
    holdout_id : str
        Machine id, ``06`` or ``fan/06``, all of whose recordings are kept for the test, and no
        others. Only what is normal for it is learned, from the normal clips of its training part,
        as the detector learns it.

    Raises
    ------
    ParameterError
        If no machine has the id that is to be held out, or the share cannot work.
    DatasetError
        If there are not at least two classes to learn.
    """
    labels = labels_of(store.clips, groups)
    parts = divide(store.clips, labels, fit, test_split=test_split, holdout_id=holdout_id)
    references = References({})
    if groups.description == "deviation":
        known = [
            part in ("train", "validation") or _is_reference(clip, holdout_id)
            for clip, part in zip(store.clips, parts, strict=True)
        ]
        references = normal_means(store, known)
    heard = RelativeStore(
        **{one.name: getattr(store, one.name) for one in fields(FeatureStore)},
        references=references,
    )
    chosen = np.flatnonzero([part in ("train", "validation") for part in parts])
    with tempfile.TemporaryDirectory() as scratch:
        trained = train_chosen(heard, labels, chosen, fit, Path(scratch) / "model")
        with atomic_folder(folder) as temporary:
            shutil.copytree(Path(scratch) / "model", temporary, dirs_exist_ok=True)
            references.write(temporary)
            _write_parts(temporary / PARTS, store.clips, labels, parts)
    return trained


def labels_of(clips: Sequence[Clip], groups: FaultGroups) -> list[str]:
    """Return the class of every clip, ``normal`` or the label of its group; empty where it has
    none.
    """
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
    """Return the part of every clip; no recording has two.

    Parameters and errors are those of :func:`train_diagnosis`; clips without a class have no part.
    """
    TEST_SPLIT.check(test_split)
    classed = np.flatnonzero(np.array(labels, dtype=object) != "")
    if holdout_id:
        tested = np.array(
            [_has_id(clips[int(index)], holdout_id) for index in classed], dtype=np.bool_
        )
        if not tested.any():
            known = ", ".join(sorted({clips[int(index)].machine for index in classed}))
            raise ParameterError(f"fault_holdout_id is {holdout_id!r}; there are {known}")
    else:
        tested = hold_out(by_class(clips, labels, classed), test_split, seed=fit.seed)
    taught = classed[~tested]
    watches = watching(clips, labels, taught, fit)
    parts: list[Part] = [""] * len(clips)
    for index in map(int, classed[tested]):
        # What tells how a machine that is held out sounds when it is well is not asked about.
        parts[index] = "" if _is_reference(clips[index], holdout_id) else "test"
    for index, watched in zip(taught, watches, strict=True):
        parts[index] = "validation" if watched else "train"
    return parts


def normal_means(store: FeatureStore, chosen: Sequence[bool]) -> References:
    """Return the mean frame of each machine's normal clips, of the chosen ones that came unaltered."""
    sums: dict[str, tuple[npt.NDArray[np.float64], int]] = {}
    for index, (clip, wanted) in enumerate(zip(store.clips, chosen, strict=True)):
        if wanted and clip.condition == "normal" and not clip.augmentation:
            total, count = sums.get(clip.machine, (np.zeros(store.feature.size), 0))
            sums[clip.machine] = (
                total + store.clip_frames(index).mean(axis=0, dtype=np.float64),
                count + 1,
            )
    return References(
        {
            machine: (total / count).astype(np.float32)
            for machine, (total, count) in sorted(sums.items())
        }
    )


def read_parts(folder: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """Return class and part of every clip of the store that a diagnosis was trained on."""
    with (Path(folder) / PARTS).open(newline="", encoding="utf-8") as file:
        return [(row["label"], row["part"]) for row in csv.DictReader(file)]


def _write_parts(
    path: Path, clips: Sequence[Clip], labels: Sequence[str], parts: Sequence[Part]
) -> None:
    rows = (
        (clip.source, clip.path, clip.augmentation, clip.recording, label, part)
        for clip, label, part in zip(clips, labels, parts, strict=True)
    )
    write_csv(path, (("source", "path", "augmentation", "recording", "label", "part"), *rows))


def _has_id(clip: Clip, machine_id: str) -> bool:
    return machine_id in (clip.machine_id, clip.machine)


def _is_reference(clip: Clip, holdout_id: str) -> bool:
    return (
        bool(holdout_id)
        and _has_id(clip, holdout_id)
        and clip.condition == "normal"
        and clip.split == "train"
    )
