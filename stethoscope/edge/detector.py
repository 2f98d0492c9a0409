"""An anomaly detector for a microcontroller: the autoencoder in int8, on windows that do not
overlap, with a threshold of its own.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.manifest import update_manifest
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.errors import DatasetError, ModelError
from stethoscope.events.model import windows_of
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.files import write_json
from stethoscope.machines import type_of, types_of
from stethoscope.model.int8 import LEAST_WINDOWS, write_int8
from stethoscope.model.network import Int8Network
from stethoscope.sound.logmel import Frames
from stethoscope.stats.roc import area_under_curve

EDGE_VARIANT = "autoencoder"
"""The detector that is exported to a microcontroller."""

_CALIBRATION = 500


@dataclass(frozen=True, slots=True)
class EdgeDetector:
    """What was made of a detector.

    Attributes
    ----------
    machine : str
        Machine type, and id where the threshold is that of one machine.
    threshold : float
        Of the int8 score.
    context, bytes : int
        Frames per window; size of the network.
    auc, int8_auc : float or None
        Means over the machine ids of the test clips, of the float and of the int8 detector; None
        without labelled test clips.
    calibration_clips, test_clips : int
    """

    machine: str
    threshold: float
    context: int
    bytes: int
    auc: float | None
    int8_auc: float | None
    calibration_clips: int
    test_clips: int

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON."""
        return asdict(self)


def make_edge_detector(
    bundle: Bundle,
    recordings: Sequence[Path],
    *,
    machine: str = "",
    max_drop: float = 0.02,
    seed: int = 0,
) -> EdgeDetector:
    """Convert a bundle's autoencoder to int8, measure it, set its threshold, and put it into the
    bundle.

    The int8 network runs on windows that do not overlap, which costs a fifth of the time. Its
    scores are a little higher than those of the float network: the float threshold is moved by the
    median ratio of the scores of normal clips.

    Parameters
    ----------
    bundle : Bundle
        With a detector of kind ``autoencoder`` and its ``.keras`` network.
    recordings : sequence of Path
        Archives or folders of the machine: normal training clips set the quantisation, labelled
        test clips measure it.
    machine : str
        Machine type and id, ``fan/02``, whose threshold is taken; an empty id takes that of all ids
        together.
    max_drop : float
        Largest fall of the mean test AUC that is accepted.
    seed : int
        Of the choice of windows.

    Raises
    ------
    ModelError
        If the detector is of another kind, or the int8 one is worse than that.
    DatasetError
        If there are too few normal clips of the machine.
    """
    scorer = bundle.detector
    folder = bundle.folder / "models" / "detector"
    if scorer.kind != EDGE_VARIANT or (folder / f"{_type_of(bundle, machine)}.npz").exists():
        raise ModelError(
            f"{bundle.folder}: holds a detector {scorer.kind}, which has no form for a microcontroller; train with detector={EDGE_VARIANT}"
        )
    machine_type = _type_of(bundle, machine)
    if not (folder / f"{machine_type}.keras").is_file():
        raise ModelError(
            f"{bundle.folder}: holds no {machine_type}.keras to convert; export the model with export_formats=keras,tflite"
        )
    import keras

    clips = [clip for clip in index(recordings) if clip.machine_type == machine_type]
    normal = [clip for clip in clips if clip.split == "train" and clip.condition == "normal"]
    tested = [clip for clip in clips if clip.split == "test" and clip.condition != "unknown"]
    context = scorer.min_frames
    with tempfile.TemporaryDirectory() as scratch:
        store = extract_features(
            recordings, [*normal, *tested], scorer.feature, scratch, min_frames=context
        )
        train = store.where(lambda clip: clip.split == "train")
        if not len(train):
            raise DatasetError(
                f"there is no normal training clip of {machine_type}; give recordings that the detector was trained on"
            )
        windows = _calibration(store, train, context, seed)
        network = keras.models.load_model(folder / f"{machine_type}.keras")
        conversion = write_int8(network, folder / f"{machine_type}_int8.tflite", windows)
        int8 = Int8Network(folder / f"{machine_type}_int8.tflite")
        pairs = [
            (
                store.clips[i],
                scorer.score(np.array(store.clip_frames(i)), store.clips[i].machine),
                edge_score(int8, np.array(store.clip_frames(i)), context),
            )
            for i in range(len(store.clips))
        ]
    ratio = median(edge / full for clip, full, edge in pairs if clip.split == "train")
    auc, int8_auc = (
        _mean_auc([(clip, pair[which]) for clip, *pair in pairs if clip.split == "test"])
        for which in (0, 1)
    )
    if auc is not None and int8_auc is not None and auc - int8_auc > max_drop:
        raise ModelError(
            f"int8 network: its AUC falls from {auc:.4f} to {int8_auc:.4f}, export_max_drop allows {max_drop}; give more recordings"
        )
    made = EdgeDetector(
        machine=machine or f"{machine_type}/",
        threshold=bundle.thresholds.threshold(machine or f"{machine_type}/") * ratio,
        context=context,
        bytes=conversion.bytes,
        auc=auc,
        int8_auc=int8_auc,
        calibration_clips=len(train),
        test_clips=len(store.clips) - len(train),
    )
    write_json(folder / "edge.json", made.to_json())
    update_manifest(bundle.folder)
    return made


def edge_score(network: Int8Network, frames: Frames, context: int) -> float:
    """Return the mean squared error of a clip over windows that do not overlap, as the
    microcontroller computes it.
    """
    windows = windows_of(frames, context, context).reshape(-1, context * frames.shape[1])
    return float(np.mean((network(windows) - windows) ** 2, dtype=np.float64))


def _calibration(
    store: FeatureStore, clips: npt.NDArray[np.intp], context: int, seed: int
) -> Frames:
    """Draw windows from all clips alike."""
    rng = np.random.default_rng(seed)
    each = -(-max(_CALIBRATION, LEAST_WINDOWS) // len(clips))
    drawn = []
    for clip in clips:
        frames = np.array(store.clip_frames(clip))
        starts = rng.integers(0, len(frames) - context + 1, each)
        drawn += [frames[start : start + context].reshape(-1) for start in starts]
    return np.array(drawn, dtype=np.float32)


def _mean_auc(scored: list[tuple[Clip, float]]) -> float | None:
    values = []
    for machine in {clip.machine for clip, _ in scored}:
        mine = [
            (score, clip.condition == "anomaly")
            for clip, score in scored
            if clip.machine == machine
        ]
        value = area_under_curve([score for score, _ in mine], [anomalous for _, anomalous in mine])
        if value is not None:
            values.append(value)
    return fmean(values) if values else None


def _type_of(bundle: Bundle, machine: str) -> str:
    types = types_of(bundle.thresholds.machines)
    wanted = type_of(machine) or types[0]
    if wanted not in types or (not machine and len(types) > 1):
        known = ", ".join(sorted(bundle.thresholds.machines))
        raise ModelError(
            f"machine {machine!r} does not tell which of {', '.join(types)} is meant; give one of {known}"
        )
    return wanted
