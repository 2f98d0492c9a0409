"""From recordings to all that later steps need of them, in one pass."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.classification.options import AUGMENTATIONS
from stethoscope.datasets.options import CLIP_SECONDS
from stethoscope.detection.options import DETECTOR, LOG_MEL
from stethoscope.diagnosis.options import CEPSTRA, FAULTS


@component(
    LOG_MEL,
    DETECTOR["frames"],
    CLIP_SECONDS,
    CEPSTRA,
    AUGMENTATIONS,
    FAULTS["normal_clips"],
    FAULTS["seed"],
)
def extract_features(
    recordings: dsl.Input[dsl.Dataset],
    clips: dsl.Input[dsl.Dataset],
    features: dsl.Output[dsl.Dataset],
    cepstra: dsl.Output[dsl.Dataset],
    sounds: dsl.Output[dsl.Dataset],
    needs_samples: bool,
    diagnoses: bool,
    cache: str = "",
    **parameters: Any,
) -> None:
    """Read every recording once, and compute what the detector and the diagnosis need of it.

    For the detector these are log-mel spectrograms of all clips, for some detectors with the
    samples; for the diagnosis cepstral coefficients of the anomalous clips and of normal ones to
    compare. Long recordings are cut into clips.

    Args:
        recordings: Archives of recordings.
        clips: Table of the clips.
        needs_samples: Whether the detector needs the samples as well.
        diagnoses: Whether faults are diagnosed.
        cache: Folder that keeps downloads, in which the archives may be.

    Returns:
        features: Feature store of the detector, memory-mapped frames with table and definition.
        cepstra: Feature store of the diagnosis; empty if there is nothing to diagnose.
        sounds: Archives of the recordings that the report may play, one channel of each.
    """
    from pathlib import Path

    from stethoscope.classification.options import AUGMENTATIONS
    from stethoscope.datasets.clips import read_clips
    from stethoscope.datasets.options import CLIP_SECONDS
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.detection.options import LOG_MEL
    from stethoscope.diagnosis.options import CEPSTRA
    from stethoscope.kubeflow.warnings import keep_warnings
    from stethoscope.monitoring.extract import extract_recordings

    stored, compared = extract_recordings(
        archives_in(Path(recordings.path), cache=cache),
        read_clips(clips.path),
        log_mel=LOG_MEL.of(parameters),
        cepstrum=CEPSTRA.of(parameters),
        features=features.path,
        cepstra=cepstra.path,
        sounds=sounds.path,
        min_frames=parameters["feature_frames"],
        clip_seconds=CLIP_SECONDS.of(parameters),
        needs_samples=needs_samples,
        diagnoses=diagnoses,
        normal_clips=parameters["fault_normal_clips"],
        alterations=AUGMENTATIONS.of(parameters),
        seed=parameters["seed"],
    )
    keep_warnings(features)
    features.metadata.update(**stored.metadata())
    cepstra.metadata.update(**compared.metadata())
