"""From recordings to the feature store."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.datasets.options import CLIP_SECONDS
from stethoscope.detection.options import DETECTOR, LOG_MEL


@component(LOG_MEL, DETECTOR["name"], DETECTOR["members"], DETECTOR["frames"], CLIP_SECONDS)
def extract_features(
    recordings: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    **parameters: Any,
) -> None:
    """Compute what the detector needs of every clip; long recordings are cut into clips.

    That is the log-mel spectrogram, for some detectors with the samples.

    Args:
        recordings: Archives of recordings.
        clips: Table of the clips.

    Returns:
        features: Feature store, memory-mapped frames with their table and definition.
    """
    from pathlib import Path

    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.options import CLIP_SECONDS
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.datasets.splits import Cutting
    from stethoscope.detection.options import feature_of
    from stethoscope.features.extract import extract_features
    from stethoscope.kubeflow.warnings import keep_warnings

    table = read_clips(clips.path)
    store = extract_features(
        archives_in(Path(recordings.path)),
        table,
        feature_of(parameters),
        features.path,
        min_frames=parameters["feature_frames"],
        cutting=Cutting.of(table, CLIP_SECONDS.of(parameters)),
    )
    keep_warnings(features)
    features.metadata.update(**store.metadata())
