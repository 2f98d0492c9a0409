"""The features that a classifier of labelled sounds is trained on."""

import os
from collections.abc import Sequence
from pathlib import Path

from stethoscope.classification.folds import class_labels, fold_of, labelled
from stethoscope.datasets.alterations import altered
from stethoscope.datasets.clips import Clip
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.feature import Feature


def extract_sounds(
    archives: Sequence[Path],
    clips: Sequence[Clip],
    feature: Feature,
    folder: str | os.PathLike[str],
    *,
    alterations: Sequence[str] = (),
    n_folds: int = 0,
    seed: int = 0,
) -> FeatureStore:
    """Compute the features of labelled clips and of their altered versions.

    Before any recording is decoded, it is checked that the clips can be divided into folds.

    Parameters
    ----------
    archives, clips, feature, folder
        As of :func:`stethoscope.features.extract.extract_features`.
    alterations : sequence of str
        As of :func:`stethoscope.datasets.alterations.altered`.
    n_folds, seed : int
        As of :func:`stethoscope.classification.folds.fold_of`.

    Raises
    ------
    DatasetError
        If there are not two classes, the set cannot be divided, or no recording can be used.
    ParameterError
        If there is no such alteration.
    """
    labels = [clip.label for clip in clips]
    chosen = labelled(labels)
    class_labels([labels[index] for index in chosen])
    fold_of(clips, labels, chosen, n_folds, seed=seed)
    versions = altered([clips[index] for index in chosen], alterations)
    return extract_features(archives, versions, feature, folder, padded=True)
