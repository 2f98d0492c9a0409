"""From recordings with time labels to band spectra."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.events.options import BAND_SPECTRUM, EVENT_FIT


@component(BAND_SPECTRUM, EVENT_FIT["window"], EVENT_FIT["network"])
def extract_bands(
    recordings: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    **parameters: Any,
) -> None:
    """Compute the band spectrum of every whole recording; those shorter than a window are skipped.

    Args:
        recordings: Archives of recordings.
        clips: Table of the recordings and their labelled intervals.

    Returns:
        features: Feature store, memory-mapped frames with their table and definition.
    """
    from pathlib import Path

    from stethoscope.datasets.audacity import recordings_of
    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.events.options import event_bands
    from stethoscope.features.extract import extract_features

    store = extract_features(
        archives_in(Path(recordings.path)),
        recordings_of(read_clips(clips.path)),
        event_bands(parameters),
        features.path,
        min_frames=parameters["event_window"],
        padded=True,
    )
    features.metadata.update(**store.metadata())
