"""From recordings to the feature store."""

from kfp import dsl

from components import component


@component
def extract_features(
    recordings: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    feature_n_mels: int = 128,
    feature_frames: int = 5,
    feature_n_fft: int = 1024,
    feature_hop_length: int = 512,
    feature_power: float = 2.0,
    feature_channel: int = 0,
    feature_sample_rate: int = 0,
    feature_pad_mode: str = "reflect",
    fingerprint: str = "",
):
    """Compute the log-mel spectrogram of every clip.

    Args:
        recordings: Archives of recordings.
        clips: Table of the clips.
        feature_n_mels: Number of mel bands.
        feature_frames: Frames per window of a network; shorter clips are skipped.
        feature_n_fft: Length of a frame, in samples.
        feature_hop_length: Step from frame to frame, in samples.
        feature_power: Exponent of the magnitude spectrum; 1 magnitude, 2 energy.
        feature_channel: Channel of the recordings, from 0.
        feature_sample_rate: Rate that recordings are brought to, in Hz; 0 takes the first recording's.
        feature_pad_mode: How the ends of a clip are extended, reflect or constant.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        features: Feature store, memory-mapped frames with their table and definition.
    """
    from pathlib import Path

    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.features.extract import extract_features
    from stethoscope.sound.logmel import LogMel

    feature = LogMel(
        sample_rate=feature_sample_rate,
        channel=feature_channel,
        n_fft=feature_n_fft,
        hop_length=feature_hop_length,
        n_mels=feature_n_mels,
        power=feature_power,
        pad_mode=feature_pad_mode,
    )
    archives = archives_in(Path(recordings.path))
    store = extract_features(
        archives, read_clips(clips.path), feature, features.path, min_frames=feature_frames
    )
    features.metadata.update(
        fingerprint=fingerprint,
        clips=len(store.clips),
        skipped=len(store.skipped),
        **store.feature.to_json(),
    )
