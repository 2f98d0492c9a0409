"""Train the classifier of normal clips and groups of faults."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stethoscope.classification.options import TEST_SPLIT, ClassFit
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.model import NORMAL, References, write_skip_reason
from stethoscope.diagnosis.options import FAULT_FIT
from stethoscope.diagnosis.parts import divide, is_reference, labels_of, write_parts
from stethoscope.diagnosis.relative import RelativeStore, known_faults
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder
from stethoscope.progress import warn

if TYPE_CHECKING:
    from stethoscope.classification.train import ClassTraining

IMPORTED_LATER = ("stethoscope.classification.train",)
"""It loads TensorFlow. A step that is started early imports it at once."""


def fit_diagnosis(
    features: str | os.PathLike[str],
    groups: str | os.PathLike[str],
    fit: ClassFit,
    folder: str | os.PathLike[str],
    *,
    test_split: float = TEST_SPLIT.default,
    holdout_id: str = "",
) -> "ClassTraining | None":
    """Train on a store and its groups, and write the model folder.

    Where there is nothing to diagnose, the folder holds only the reason, and the result is None. It
    then warns about parameters of the training that were changed, and loads no TensorFlow.

    Parameters
    ----------
    features, groups : path
        Folders of the store and of its groups.
    fit, folder, test_split, holdout_id
        As for :func:`train_diagnosis`.

    Raises
    ------
    ParameterError, DatasetError
        As for :func:`train_diagnosis`.
    """
    store, found = FeatureStore.open(features), FaultGroups.read(groups)
    reason = found.reason
    if not reason and not any(clip.condition == NORMAL for clip in store.clips):
        reason = "there is no normal clip to compare faults with"
    if reason:
        with atomic_folder(folder) as temporary:
            write_skip_reason(temporary, reason)
        if ignored := [name for name in FAULT_FIT.changed(fit) if name != "seed"]:
            warn(f"{', '.join(ignored)}: not used, because nothing is diagnosed ({reason})")
        return None
    return train_diagnosis(store, found, fit, folder, test_split=test_split, holdout_id=holdout_id)


def train_diagnosis(
    store: FeatureStore,
    groups: FaultGroups,
    fit: ClassFit,
    folder: str | os.PathLike[str],
    *,
    test_split: float = TEST_SPLIT.default,
    holdout_id: str = "",
) -> "ClassTraining":
    """Fit a classifier of normal and the groups of faults, and write its model folder.

    The folder is written all or nothing. It holds a classifier, the normal frame of each machine,
    what the clips of each group have in common, and ``parts.csv``: which clips are for training,
    for validation and for the tests. A recording, with its altered versions and at all its
    signal-to-noise ratios, has one part.

    Parameters
    ----------
    store : FeatureStore
        The one that was grouped.
    groups : FaultGroups
    fit : ClassFit
    folder : path
    test_split : float
        Fraction of every class's recordings that is kept for the test.
    holdout_id : str
        Machine id, ``06`` or ``fan/06``, all of whose recordings are kept for a test of their own.
        Only its normal frame is computed, from the normal clips of its training part, as the
        detector is trained on them.

    Raises
    ------
    ParameterError
        If no machine has the id that is to be held out, or the fraction is out of range.
    DatasetError
        If there are not at least two classes to train on.
    """
    from stethoscope.classification.train import train_chosen  # loads TensorFlow

    labels = labels_of(store.clips, groups)
    parts = divide(store.clips, labels, fit, test_split=test_split, holdout_id=holdout_id)
    trained_on = [part in ("train", "validation") for part in parts]
    references = References({})
    if groups.description == "deviation":
        compared = [
            trained or is_reference(clip, holdout_id)
            for clip, trained in zip(store.clips, trained_on, strict=True)
        ]
        references = normal_means(store, compared)
    relative = RelativeStore.of(store, references)
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "model"
        training = train_chosen(relative, labels, np.flatnonzero(trained_on), fit, model)
        with atomic_folder(folder) as temporary:
            shutil.copytree(model, temporary, dirs_exist_ok=True)
            references.write(temporary)
            if known := known_faults(relative, labels, np.flatnonzero(trained_on)):
                known.write(temporary)
            write_parts(temporary, store.clips, labels, parts)
    return training


def normal_means(store: FeatureStore, chosen: Sequence[bool]) -> References:
    """Return the mean frame of each machine's normal clips, of the chosen unaltered ones."""
    means: dict[str, list[npt.NDArray[np.float64]]] = {}
    for index, (clip, wanted) in enumerate(zip(store.clips, chosen, strict=True)):
        if wanted and clip.condition == "normal" and not clip.augmentation:
            mean = store.clip_frames(index).mean(axis=0, dtype=np.float64)
            means.setdefault(clip.machine, []).append(mean)
    return References(
        {machine: np.mean(own, axis=0).astype(np.float32) for machine, own in sorted(means.items())}
    )
