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
    class_augmentations: str = "",
    fingerprint: str = "",
):
    """Compute the features of every clip and of its altered versions.

    Args:
        recordings: Archives of recordings.
        clips: Table of the clips with their labels.
        class_network: mel-cnn (64 mel bands) or mfcc-cnn (40 cepstral coefficients).
        class_sample_rate: Rate that recordings are brought to, in Hz; 0 takes the first recording's.
        class_channel: Channel of the recordings, from 0.
        class_augmentations: Altered versions to train on as well, separated by commas, such as "noise 0.005, roll 1600, shift 0.4".
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        features: Feature store, memory-mapped frames with their table and definition.
    """
    from pathlib import Path

    from stethoscope.augmentation import altered
    from stethoscope.class_evaluation import feature_of
    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.features.extract import extract_features

    feature = feature_of(class_network, sample_rate=class_sample_rate, channel=class_channel)
    table = altered(read_clips(clips.path), [one.strip() for one in class_augmentations.split(",") if one.strip()])
    store = extract_features(archives_in(Path(recordings.path)), table, feature, features.path)
    features.metadata.update(fingerprint=fingerprint, clips=len(store.clips), skipped=len(store.skipped), **store.feature.to_json())
