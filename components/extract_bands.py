"""From recordings with time labels to band spectra."""

from kfp import dsl

from components import component


@component
def extract_bands(
    recordings: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    event_sample_rate: int = 16000,
    event_channel: int = 0,
    event_n_fft: int = 256,
    event_hop_length: int = 128,
    event_n_bands: int = 48,
    event_window: int = 32,
    fingerprint: str = "",
):
    """Compute the band spectrum of every whole recording.

    Args:
        recordings: Archives of recordings.
        clips: Table of the recordings and their labelled intervals.
        event_sample_rate: Rate that recordings are brought to, in Hz; 0 takes the first recording's.
        event_channel: Channel of the recordings, from 0.
        event_n_fft: Length of a frame, in samples; a power of two.
        event_hop_length: Step from frame to frame, in samples.
        event_n_bands: Bins of the spectrum that are kept, from the lowest.
        event_window: Frames per window; shorter recordings are skipped.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        features: Feature store, memory-mapped frames with their table and definition.
    """
    from pathlib import Path

    from stethoscope.datasets.audacity import recordings_of
    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.features.extract import extract_features
    from stethoscope.sound.bands import BandSpectrum

    feature = BandSpectrum(
        sample_rate=event_sample_rate,
        channel=event_channel,
        n_fft=event_n_fft,
        hop_length=event_hop_length,
        n_bands=event_n_bands,
    )
    archives = archives_in(Path(recordings.path))
    store = extract_features(
        archives,
        recordings_of(read_clips(clips.path)),
        feature,
        features.path,
        min_frames=event_window,
    )
    features.metadata.update(
        fingerprint=fingerprint,
        clips=len(store.clips),
        skipped=len(store.skipped),
        **store.feature.to_json(),
    )
