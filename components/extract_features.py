"""From recordings to the feature store."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.detection.options import DETECTOR, LOG_MEL


@component(LOG_MEL, DETECTOR["name"], DETECTOR["members"], DETECTOR["frames"])
def extract_features(
    recordings: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    **parameters: Any,
) -> None:
    """Compute what the detector needs of every clip; clips shorter than a window are skipped.

    That is the log-mel spectrogram, for some detectors with the samples.

    Args:
        recordings: Archives of recordings.
        clips: Table of the clips.

    Returns:
        features: Feature store, memory-mapped frames with their table and definition.
    """
    from pathlib import Path

    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.detection.options import feature_of
    from stethoscope.features.extract import extract_features

    store = extract_features(
        archives_in(Path(recordings.path)),
        read_clips(clips.path),
        feature_of(parameters),
        features.path,
        min_frames=parameters["feature_frames"],
    )
    features.metadata.update(**store.metadata())
