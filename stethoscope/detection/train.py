"""Fit a detector on the normal clips of a feature store and write it as a model folder."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.splits import hold_out, sessions_as_recordings
from stethoscope.detection.detector import Detector
from stethoscope.detection.normal_scores import score_clips, write_normal_scores
from stethoscope.detection.sound_profiles import write_sound_profiles
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_json
from stethoscope.model.folder import write_description


@dataclass(frozen=True, slots=True)
class Training:
    """Results of a training.

    Attributes
    ----------
    curves : dict
        Loss curves by machine type; empty for detectors that have none.
    clips, held_out : int
        Clips that were trained on, and clips that were scored by a model that was not trained on
        them.
    seconds : float
        Duration of the fit.
    """

    curves: dict[str, dict[str, list[float]]]
    clips: int
    held_out: int
    seconds: float

    def metrics(self) -> dict[str, float]:
        """Return the figures by name."""
        figures = {
            "clips": float(self.clips),
            "held_out_clips": float(self.held_out),
            "seconds": round(self.seconds, 2),
        }
        for machine_type, curves in self.curves.items():
            figures |= {f"{machine_type}_{name}": values[-1] for name, values in curves.items()}
        return figures


def train_detector(
    store: FeatureStore,
    detector: Detector,
    folder: str | os.PathLike[str],
    *,
    validation_split: float,
    seed: int,
) -> Training:
    """Fit `detector` on the normal training clips and write the model folder.

    The folder holds the networks and numbers, the feature's definition, the loss curves, and in
    ``normal_scores.csv`` the scores of the normal training clips, from which thresholds are
    computed. These are out-of-fold scores where the detector cross-fits, otherwise scores of the
    exported model, with the held-out clips marked.

    Parameters
    ----------
    store : FeatureStore
    detector : Detector
    folder : path
        Written all or nothing.
    validation_split : float
        Fraction of the recordings of every machine id that is held out; of its recording sessions,
        where three or more are known.
    seed : int
        Of the choice of held-out recordings.

    Raises
    ------
    DatasetError
        If there is no normal training clip.
    """
    normal = store.where(lambda clip: clip.split == "train" and clip.condition == "normal")
    if not len(normal):
        raise DatasetError(
            "there is no normal recording to train on; "
            "give a set with normal clips in its training part"
        )
    share = 0.0 if detector.cross_fits else validation_split
    clips = sessions_as_recordings([store.clips[index] for index in normal])
    kept_out = hold_out(clips, share, seed=seed)
    training, held_out = normal[~kept_out], normal[kept_out]
    started = time.perf_counter()
    detector.fit(store, training, held_out)
    seconds = time.perf_counter() - started
    with atomic_folder(folder) as temporary:
        write_model(temporary, detector, store, training, held_out)
    return Training(
        detector.curves_,
        clips=len(training),
        held_out=len(training) if detector.cross_fits else len(held_out),
        seconds=seconds,
    )


def write_model(
    folder: Path,
    detector: Detector,
    store: FeatureStore,
    training: npt.NDArray[np.intp],
    held_out: npt.NDArray[np.intp],
) -> None:
    """Write a fitted detector into an empty folder, with the scores of normal clips.

    Parameters
    ----------
    folder : Path
    detector : Detector
    store : FeatureStore
    training, held_out : np.ndarray of int
        Indices of the clips that it was fitted with.
    """
    description = detector.save(folder)
    write_json(folder / "feature.json", store.feature.to_json())
    write_json(folder / "curves.json", detector.curves_)
    write_sound_profiles(folder, store, np.sort(np.concatenate([training, held_out])))
    write_description(folder, detector.kind, description)
    if detector.out_of_fold_ is not None:
        clips = np.sort(training)
        not_trained, scores = np.ones(len(clips), dtype=bool), detector.out_of_fold_.tolist()
    else:
        clips = np.sort(np.concatenate([training, held_out]))
        not_trained, scores = np.isin(clips, held_out), score_clips(folder, store, clips)
    write_normal_scores(folder, [store.clips[index] for index in clips], not_trained, scores)
