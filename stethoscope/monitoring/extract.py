"""The one pass over the recordings that gives the later steps all that they need."""

import os
from collections.abc import Sequence
from pathlib import Path

from stethoscope.datasets.alterations import altered
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.playable import PlayableWriter, spread_normal
from stethoscope.datasets.splits import Cutting
from stethoscope.diagnosis.clips import clips_to_compare
from stethoscope.diagnosis.options import AUTOMATIC
from stethoscope.features.extract import Extraction, extract_together
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.sampled import SampledLogMel

MOST_NORMAL = 20
"""Most normal training clips of a machine that can be played."""


def extract_recordings(
    archives: Sequence[Path],
    clips: Sequence[Clip],
    *,
    log_mel: LogMel,
    cepstrum: Mfcc,
    features: str | os.PathLike[str],
    cepstra: str | os.PathLike[str],
    sounds: str | os.PathLike[str],
    min_frames: int = 1,
    clip_seconds: float = 0.0,
    needs_samples: bool = False,
    diagnoses: bool = True,
    normal_clips: int = AUTOMATIC,
    alterations: Sequence[str] = (),
    seed: int = 0,
) -> tuple[FeatureStore, FeatureStore]:
    """Read every recording once, and write both feature stores and the recordings to be played.

    Parameters
    ----------
    archives : sequence of Path
    clips : sequence of Clip
        The table of all clips.
    log_mel, cepstrum : LogMel, Mfcc
        The features of the detector and of the diagnosis.
    features, cepstra : path
        Folders of the stores. That of the diagnosis has the anomalous clips and normal ones to
        compare; it is empty if no clip is anomalous, or nothing is diagnosed.
    sounds : path
        Folder of the archives of what a report may play: test clips, anomalous clips, and if there
        is a diagnosis some normal training clips of each machine.
    min_frames : int
        Clips with fewer frames are left out of the store of the detector.
    clip_seconds : float
        Length of the clips into which long recordings are cut; 0 cuts none.
    needs_samples : bool
        Whether the detector needs the samples as well.
    diagnoses : bool
        Whether faults are diagnosed.
    normal_clips, seed : int
        As for :func:`~stethoscope.diagnosis.clips.clips_to_compare`.
    alterations : sequence of str
        Altered versions of the clips of the diagnosis, as for
        :func:`~stethoscope.datasets.alterations.altered`.

    Returns
    -------
    features, cepstra : FeatureStore

    Raises
    ------
    DatasetError
        As for :func:`~stethoscope.features.extract.extract_together`.
    """
    compared = clips_to_compare(clips, normal_clips=normal_clips, seed=seed) if diagnoses else []
    played = spread_normal(clips, MOST_NORMAL) if compared else set()
    feature = SampledLogMel.of(log_mel) if needs_samples else log_mel
    extractions = [
        Extraction(clips=clips, feature=feature, folder=features, min_frames=min_frames),
        Extraction(clips=altered(compared, alterations), feature=cepstrum, folder=cepstra),
    ]
    with PlayableWriter(
        sounds,
        lambda clip: (
            clip.split == "test"
            or clip.condition == "anomaly"
            or (clip.source, clip.path, clip.start) in played
        ),
    ) as playable:
        of_detector, of_diagnosis = extract_together(
            archives, extractions, cutting=Cutting.of(clips, clip_seconds), playable=playable
        )
    return of_detector, of_diagnosis
