"""From recordings to the features of the diagnosis."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.classification.options import AUGMENTATIONS
from stethoscope.datasets.options import CLIP_SECONDS
from stethoscope.diagnosis.options import CEPSTRA, FAULTS, HOLDOUT_ID


@component(
    FAULTS["groups"],
    FAULTS["normal_clips"],
    FAULTS["seed"],
    HOLDOUT_ID,
    CEPSTRA,
    AUGMENTATIONS,
    CLIP_SECONDS,
)
def extract_cepstra(
    recordings: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    **parameters: Any,
) -> None:
    """Compute the cepstral coefficients of the anomalous clips and of normal ones to compare.

    Args:
        recordings: Archives of recordings.
        clips: Table of the clips.

    Returns:
        features: Feature store; empty if there is nothing to diagnose.
    """
    from pathlib import Path

    from stethoscope.classification.options import AUGMENTATIONS
    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.options import CLIP_SECONDS
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.diagnosis.extract import extract_cepstra
    from stethoscope.diagnosis.options import CEPSTRA, FAULTS, HOLDOUT_ID

    store = extract_cepstra(
        archives_in(Path(recordings.path)),
        read_clips(clips.path),
        CEPSTRA.of(parameters),
        features.path,
        FAULTS.of(parameters),
        alterations=AUGMENTATIONS.of(parameters),
        holdout_id=HOLDOUT_ID.of(parameters),
        clip_seconds=CLIP_SECONDS.of(parameters),
    )
    features.metadata.update(**store.metadata())
