"""Cross-validation: train without each fold in turn, and classify the clips of the fold."""

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stethoscope.classification.evaluate import CrossValidation, write_evaluation
from stethoscope.classification.folds import (
    NEVER_TESTED,
    class_labels,
    fold_of,
    labelled,
    originals,
)
from stethoscope.classification.model import Classifier
from stethoscope.classification.options import TEST_SPLIT, ClassFit
from stethoscope.classification.train import train_chosen
from stethoscope.features.store import FeatureStore


def evaluate_classes(
    features: str | os.PathLike[str],
    fit: ClassFit,
    folder: str | os.PathLike[str],
    *,
    n_folds: int = 0,
    test_split: float = TEST_SPLIT.default,
) -> dict[str, Any]:
    """Test a classifier of a store's labels, and write what it reaches.

    Parameters
    ----------
    features : path
        Feature store of labelled clips.
    fit : ClassFit
    folder : path
        Written all or nothing, by :func:`~stethoscope.classification.evaluate.write_evaluation`.
    n_folds, test_split
        As of :func:`~stethoscope.classification.folds.fold_of`.

    Returns
    -------
    dict
        The content of ``evaluation.json``.

    Raises
    ------
    DatasetError
        If the set cannot be divided.
    """
    store = FeatureStore.open(features)
    started = time.monotonic()
    labels = [clip.label for clip in store.clips]
    found = cross_validate(store, labels, fit, n_folds=n_folds, test_split=test_split)
    seconds = round(time.monotonic() - started, 1)
    return write_evaluation(found, store, folder, seconds=seconds)


def cross_validate(
    store: FeatureStore,
    labels: Sequence[str],
    fit: ClassFit,
    *,
    n_folds: int = 0,
    test_split: float = TEST_SPLIT.default,
) -> CrossValidation:
    """Train without each fold in turn, and classify its clips by the exported network.

    A single division has one fold that is tested.

    Altered clips are for training only.

    Parameters
    ----------
    store : FeatureStore
    labels : sequence of str
        The class of every clip of the store; clips of class "" are left out.
    fit : ClassFit
    n_folds, test_split
        As of :func:`~stethoscope.classification.folds.fold_of`.

    Raises
    ------
    DatasetError
        If there are not two classes or folds, a recording lies in two folds, or a class has too few
        recordings.
    ParameterError
        If `n_folds` is negative, or `test_split` is out of range.
    """
    clips = labelled(labels)
    classes = class_labels([labels[index] for index in clips])
    folds = fold_of(store.clips, labels, clips, n_folds, seed=fit.seed, test_split=test_split)
    tested, probabilities = [], []
    for fold in np.setdiff1d(folds, [NEVER_TESTED]):
        with tempfile.TemporaryDirectory() as folder:
            train_chosen(store, labels, clips[folds != fold], fit, Path(folder) / "model")
            classifier = Classifier.open(Path(folder) / "model")
        for index in originals(store.clips, clips[folds == fold]):
            tested.append(index)
            probabilities.append(classifier.probabilities(store.clip_frames(index)))
    answers = np.array(probabilities)
    return CrossValidation(
        labels=tuple(classes),
        clips=np.array(tested, dtype=np.intp),
        fold=folds[np.searchsorted(clips, tested)],
        truth=tuple(labels[index] for index in tested),
        predicted=tuple(classes[best] for best in answers.argmax(axis=1)),
        probabilities=answers,
    )
