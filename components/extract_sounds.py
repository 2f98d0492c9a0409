"""From labelled recordings to what a classifier hears."""

from kfp import dsl

from components import component


@component
def extract_sounds(
    recordings: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    class_network: str = "mel-cnn",
    class_sample_rate: int = 0,
    class_channel: int = 0,
    class_channels: int = 1,
    class_seconds: float = 0.0,
    class_pad: str = "repeat",
    class_cut: bool = False,
    class_augmentations: str = "",
    class_folds: int = 0,
    seed: int = 0,
    fingerprint: str = "",
):
    """Compute the features of every clip and of its altered versions, once it is known that they can be divided into folds.

    Args:
        recordings: Archives of recordings.
        clips: Table of the clips with their labels.
        class_network: mel-cnn (64 mel bands) or mfcc-cnn (40 cepstral coefficients).
        class_sample_rate: Rate that recordings are brought to, in Hz; 0 takes the first recording's.
        class_channel: First channel of the recordings that is heard, from 0.
        class_channels: Neighbouring channels that are heard, 1 mono, 2 stereo; a mono recording is heard alike on both.
        class_seconds: Length that the network hears at once; 0 takes the clips' median length.
        class_pad: How a clip shorter than class_seconds is extended: repeat, with its own end, or silence, before and after it.
        class_cut: Hear only the first class_seconds of a longer clip, instead of all of it in several windows.
        class_augmentations: Altered versions to train on as well, separated by commas, such as "noise 0.005, roll 1600, stretch 0.8-1.25".
        class_folds: Folds drawn by recording; 0 takes the folds that the set gives.
        seed: Seed of everything random.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        features: Feature store, memory-mapped frames with their table and definition.
    """
    from pathlib import Path

    from stethoscope.classification.evaluate import extract_sounds, feature_of
    from stethoscope.datasets.alterations import alterations_of
    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.prepare import archives_in

    feature = feature_of(
        class_network,
        sample_rate=class_sample_rate,
        channel=class_channel,
        channels=class_channels,
        seconds=class_seconds,
        pad=class_pad,
        cut=class_cut,
    )
    store = extract_sounds(
        archives_in(Path(recordings.path)),
        read_clips(clips.path),
        feature,
        features.path,
        alterations=alterations_of(class_augmentations),
        n_folds=class_folds,
        seed=seed,
    )
    features.metadata.update(
        fingerprint=fingerprint,
        clips=len(store.clips),
        skipped=len(store.skipped),
        **store.feature.to_json(),
    )
