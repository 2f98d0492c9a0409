"""From recordings to the feature store."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.detection.options import DETECTOR, LOG_MEL


@component(LOG_MEL, DETECTOR["frames"])
def extract_features(
    recordings: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    **parameters: Any,
) -> None:
    """Compute the log-mel spectrogram of every clip; clips shorter than a window are skipped.

    Args:
        recordings: Archives of recordings.
        clips: Table of the clips.

    Returns:
        features: Feature store, memory-mapped frames with their table and definition.
    """
    from pathlib import Path

    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.detection.options import LOG_MEL
    from stethoscope.features.extract import extract_features

    store = extract_features(
        archives_in(Path(recordings.path)),
        read_clips(clips.path),
        LOG_MEL.of(parameters),
        features.path,
        min_frames=parameters["feature_frames"],
    )
    features.metadata.update(**store.metadata())
