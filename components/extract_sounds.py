"""From labelled recordings to the features of a classifier."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.classification.options import AUGMENTATIONS, CLASS_FIT, FOLDS, FRAMING, PLANES


@component(CLASS_FIT["network"], FRAMING, PLANES, AUGMENTATIONS, FOLDS, CLASS_FIT["seed"])
def extract_sounds(
    recordings: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    **parameters: Any,
) -> None:
    """Compute the features of every clip and of its altered versions, if folds can be made.

    Args:
        recordings: Archives of recordings.
        clips: Table of the clips with their labels.

    Returns:
        features: Feature store, memory-mapped frames with their table and definition.
    """
    from pathlib import Path

    from stethoscope.classification.extract import extract_sounds
    from stethoscope.classification.options import AUGMENTATIONS, FOLDS, feature_of
    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.prepare import archives_in

    store = extract_sounds(
        archives_in(Path(recordings.path)),
        read_clips(clips.path),
        feature_of(parameters),
        features.path,
        alterations=AUGMENTATIONS.of(parameters),
        n_folds=FOLDS.of(parameters),
        seed=parameters["seed"],
    )
    features.metadata.update(**store.metadata())
