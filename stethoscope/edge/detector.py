"""An anomaly detector for a microcontroller: the autoencoder in int8.

It runs on windows that do not overlap and has a threshold of its own.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.manifest import update_manifest
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.detection.autoencoder.score import PredictionScorer
from stethoscope.detection.scorer import Scorer
from stethoscope.edge.conversion import DESCRIPTION, int8_network, load_keras, refuse_loss
from stethoscope.edge.pooled import POOLED
from stethoscope.errors import DatasetError, ModelError
from stethoscope.events.model import windows_of
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json, write_json
from stethoscope.machines import machine_key, split_key, type_of, types_of
from stethoscope.model.int8 import LEAST_WINDOWS
from stethoscope.model.network import Int8Network
from stethoscope.model.options import MAX_DROP
from stethoscope.sound.definition import Frames
from stethoscope.stats.roc import area_under_curve

EDGE_VARIANT = "autoencoder"
"""The detector that is exported to a microcontroller."""

_CALIBRATION = 500
_OPTION = "--max-drop"


@dataclass(frozen=True, slots=True)
class EdgeDetector:
    """The int8 form of an anomaly detector.

    Attributes
    ----------
    machine : str
        Machine type, and id where the threshold is that of one machine.
    threshold : float
        Threshold of the int8 score.
    context, bytes : int
        Frames per window; size of the network.
    auc, int8_auc : float or None
        Means over the machine ids of the test clips, of the float and of the int8 detector; None
        without labelled test clips.
    calibration_clips, test_clips : int
    ratio : float or None
        Median ratio of the int8 and the float scores of normal clips; None from an old version.
    """

    machine: str
    threshold: float
    context: int
    bytes: int
    auc: float | None
    int8_auc: float | None
    calibration_clips: int
    test_clips: int
    ratio: float | None = None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what :func:`make_edge_detector` wrote into a model folder."""
        return cls(**read_json(folder / DESCRIPTION))

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _ScoredClip:
    """A clip with the scores of the float and of the int8 detector."""

    clip: Clip
    full: float
    int8: float


def int8_file(folder: Path, machine: str) -> Path:
    """Return the int8 network of a machine's type in the folder of a detector."""
    return folder / f"{type_of(machine)}_int8.tflite"


def make_edge_detector(
    bundle: Bundle,
    recordings: Sequence[Path],
    *,
    machine: str = "",
    max_drop: float = MAX_DROP.default,
    seed: int = 0,
) -> EdgeDetector:
    """Convert a bundle's autoencoder to int8, compare it, and put it into the bundle.

    The int8 network runs on windows that do not overlap, which costs a fifth of the time. Its
    scores are a little higher than those of the float network: the float threshold is multiplied by
    the median ratio of the scores of normal clips.

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
    ParameterError
        If `max_drop` cannot work.
    ModelError
        If the detector is of another kind, or the int8 network is worse than `max_drop` allows.
    DatasetError
        If there are too few normal clips of the machine.
    """
    MAX_DROP.check(max_drop, shown_as=_OPTION)
    machine = known_machine(bundle, machine)
    folder, machine_type = bundle.folder / "models" / "detector", type_of(machine)
    _check_kind(bundle, machine_type)
    network = load_keras(folder / f"{machine_type}.keras")
    scorer = bundle.detector
    context = scorer.min_frames
    with tempfile.TemporaryDirectory() as scratch:
        clips = _clips_of(recordings, machine_type)
        store = extract_features(recordings, clips, scorer.feature, scratch, min_frames=context)
        train = store.where(lambda clip: clip.split == "train")
        if not len(train):
            raise DatasetError(
                f"there is no normal training clip of {machine_type}; "
                f"give recordings that the detector was trained on"
            )
        windows = _calibration(store, train, context, seed)
        with int8_network(network, windows, int8_file(folder, machine)) as (int8, size):
            scored = list(_score(store, scorer, int8))
            auc, int8_auc = _compare(scored, max_drop)
    ratio = median(one.int8 / one.full for one in scored if one.clip.split == "train")
    made = EdgeDetector(
        machine=machine,
        threshold=bundle.thresholds.threshold(machine) * ratio,
        context=context,
        bytes=size,
        auc=auc,
        int8_auc=int8_auc,
        calibration_clips=len(train),
        test_clips=len(scored) - len(train),
        ratio=ratio,
    )
    write_json(folder / DESCRIPTION, made.to_json())
    update_manifest(bundle.folder, changed=["models/detector"])
    return made


def _score(store: FeatureStore, scorer: Scorer, int8: Int8Network) -> Iterator[_ScoredClip]:
    """Score every clip of a store by the float and by the int8 detector."""
    for place, clip in enumerate(store.clips):
        frames = np.array(store.clip_frames(place))
        yield _ScoredClip(
            clip, scorer.score(frames, clip.machine), edge_score(int8, frames, scorer.min_frames)
        )


def edge_score(network: Int8Network, frames: Frames, context: int) -> float:
    """Return the mean squared error of a clip over windows that do not overlap.

    The microcontroller computes the same.
    """
    windows = windows_of(frames, context, context).reshape(-1, context * frames.shape[1])
    return float(np.mean((network(windows) - windows) ** 2, dtype=np.float64))


def _check_kind(bundle: Bundle, machine_type: str) -> None:
    """Refuse a detector that is no plain autoencoder."""
    scorer = bundle.detector
    if scorer.kind == POOLED:
        raise ModelError(
            f"{bundle.folder}: holds a detector {scorer.kind}, which is exported without "
            "recordings; leave out --recordings"
        )
    plain = (
        isinstance(scorer, PredictionScorer) and scorer.predictors[machine_type].precision is None
    )
    if scorer.kind != EDGE_VARIANT or not plain:
        raise ModelError(
            f"{bundle.folder}: holds a detector {scorer.kind}, which has no form for a "
            f"microcontroller; train with detector={EDGE_VARIANT}"
        )


def _clips_of(recordings: Sequence[Path], machine_type: str) -> list[Clip]:
    """Return the normal training clips of a machine type, and its labelled test clips."""
    clips = [clip for clip in index(recordings) if clip.machine_type == machine_type]
    return [clip for clip in clips if clip.split == "train" and clip.condition == "normal"] + [
        clip for clip in clips if clip.split == "test" and clip.condition != "unknown"
    ]


def _calibration(
    store: FeatureStore, clips: npt.NDArray[np.intp], context: int, seed: int
) -> Frames:
    """Draw the same number of windows from every clip."""
    rng = np.random.default_rng(seed)
    each = -(-max(_CALIBRATION, LEAST_WINDOWS) // len(clips))
    drawn = []
    for clip in clips:
        frames = np.array(store.clip_frames(clip))
        starts = rng.integers(0, len(frames) - context + 1, each)
        drawn += [frames[start : start + context].reshape(-1) for start in starts]
    return np.array(drawn, dtype=np.float32)


def _compare(scored: list[_ScoredClip], max_drop: float) -> tuple[float | None, float | None]:
    """Return the mean AUCs of the float and of the int8 detector over the test clips.

    Raises
    ------
    ModelError
        If the second is lower by more than `max_drop`.
    """
    tested = [one for one in scored if one.clip.split == "test"]
    auc = _mean_auc([(one.clip, one.full) for one in tested])
    int8_auc = _mean_auc([(one.clip, one.int8) for one in tested])
    if auc is not None and int8_auc is not None:
        refuse_loss(
            auc - int8_auc,
            f"its AUC falls from {auc:.4f} to {int8_auc:.4f}",
            option=_OPTION,
            limit=max_drop,
        )
    return auc, int8_auc


def _mean_auc(scored: list[tuple[Clip, float]]) -> float | None:
    """Return the mean over the machines of their AUCs; None where none can be computed."""
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


def known_machine(bundle: Bundle, machine: str) -> str:
    """Return the key of the machine that a model is exported for.

    Parameters
    ----------
    bundle : Bundle
    machine : str
        Machine type and id, ``fan/02``. Without an id all machines of the type are meant; empty is
        enough where the bundle has one type.

    Raises
    ------
    ModelError
        If the bundle does not know the machine, or has several types and none is named.
    """
    known = sorted(bundle.thresholds.machines)
    types = types_of(known)
    if not machine and len(types) == 1:
        return machine_key(types[0], "")
    machine_type, machine_id = split_key(machine)
    if machine_type not in types or (machine_id and machine not in known):
        raise ModelError(
            f"machine is {machine!r}, which the bundle does not know; "
            f"give one of {', '.join(known)} as --machine"
        )
    return machine_key(machine_type, machine_id)
