"""From recordings to what a diagnosis hears."""

from kfp import dsl

from components import component


@component
def extract_cepstra(
    recordings: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    fault_groups: int = -1,
    fault_normal_clips: int = -1,
    fault_holdout_id: str = "",
    fault_sample_rate: int = 0,
    fault_n_mfcc: int = 40,
    fault_n_fft: int = 2048,
    fault_hop_length: int = 512,
    class_augmentations: str = "",
    feature_channel: int = 0,
    seed: int = 0,
    fingerprint: str = "",
):
    """Compute the cepstral coefficients of the anomalous clips, and of normal ones to compare them with.

    Args:
        recordings: Archives of recordings.
        clips: Table of the clips.
        fault_groups: Groups of faults that the anomalous recordings are divided into: -1 has the number chosen, 0 diagnoses nothing.
        fault_normal_clips: Normal clips per machine id and signal-to-noise ratio that anomalous ones are compared with: -1 as many as these, at least 30; 0 all.
        fault_holdout_id: Machine id that the classifier of faults does not hear, and is tested on; empty tests on a share of all recordings.
        fault_sample_rate: Rate that recordings are brought to for the diagnosis, in Hz; 0 takes the first recording's.
        fault_n_mfcc: Cepstral coefficients.
        fault_n_fft: Length of a frame of the diagnosis, in samples.
        fault_hop_length: Step from frame to frame of the diagnosis, in samples.
        class_augmentations: Altered versions to train the classifier of faults on as well, separated by commas, such as "noise 0.005, roll 1600, stretch 0.8-1.25".
        feature_channel: Channel of the recordings, from 0.
        seed: Seed of everything random.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        features: Feature store, memory-mapped frames with their table and definition; empty if there is nothing to diagnose.
    """
    from pathlib import Path

    from stethoscope.datasets.alterations import alterations_of
    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.diagnosis.evaluate import extract_cepstra
    from stethoscope.diagnosis.groups import FaultOptions
    from stethoscope.sound.mfcc import Mfcc

    store = extract_cepstra(
        archives_in(Path(recordings.path)),
        read_clips(clips.path),
        Mfcc(
            sample_rate=fault_sample_rate,
            channel=feature_channel,
            n_mfcc=fault_n_mfcc,
            n_fft=fault_n_fft,
            hop_length=fault_hop_length,
        ),
        features.path,
        FaultOptions(groups=fault_groups, normal_clips=fault_normal_clips, seed=seed),
        alterations=alterations_of(class_augmentations),
        holdout_id=fault_holdout_id,
    )
    features.metadata.update(
        fingerprint=fingerprint,
        clips=len(store.clips),
        skipped=len(store.skipped),
        **store.feature.to_json(),
    )
