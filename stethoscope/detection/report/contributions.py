"""What made the scores of clips: contributions of frequencies, of places and of views."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from stethoscope.detection.evidence import Evidence
from stethoscope.detection.report.inputs import DetectionInputs
from stethoscope.detection.scores import ScoredClip
from stethoscope.parallel import map_in_order
from stethoscope.progress import track
from stethoscope.report.media import clip_key

T = TypeVar("T")
FloatArray = npt.NDArray[np.float64]

MAX_CLIPS = 100
"""About the number of clips that all profiles use.

Each machine has an equal share, at least four of each condition.
"""


@dataclass(frozen=True)
class Mean:
    """Mean contributions of several clips, in units of the score.

    Attributes
    ----------
    bands : np.ndarray [shape=(n_bands,)]
    parts : dict of str to float
        By part of the detector.
    """

    bands: FloatArray
    parts: Mapping[str, float]


@dataclass(frozen=True)
class Profile:
    """Mean contributions to the scores of a machine's clips.

    Attributes
    ----------
    normal : Mean
        Of normal test clips, or of normal training clips where there are none.
    in_training : bool
        True if `normal` is that of training clips.
    anomaly : Mean or None
        Of anomalous test clips; None without such clips.
    """

    normal: Mean
    in_training: bool
    anomaly: Mean | None


def profiles(inputs: DetectionInputs) -> dict[str, Profile]:
    """Return the profile of every machine that has normal clips to compare with."""
    most = max(4, MAX_CLIPS // (2 * len(inputs.by_machine)))
    wanted = {
        machine: _sample(inputs, machine, clips, most)
        for machine, clips in inputs.by_machine.items()
    }
    means = _means(inputs, wanted)
    found = {}
    for machine in wanted:
        normal = means.get((machine, "normal"), means.get((machine, "train")))
        if normal is not None:
            in_training = (machine, "train") in means
            found[machine] = Profile(normal, in_training, means.get((machine, "anomaly")))
    return found


def _sample(
    inputs: DetectionInputs, machine: str, clips: Sequence[ScoredClip], most: int
) -> dict[str, list[int]]:
    """Return indices in the store of at most so many clips per condition.

    There are training clips among them only if the machine has no normal test clip.
    """
    sample = {
        condition: _positions(inputs, clips, condition, most) for condition in ("normal", "anomaly")
    }
    if not sample["normal"]:
        sample["train"] = spread(inputs.normal_training.get(machine, []), most)
    return sample


def _means(
    inputs: DetectionInputs, wanted: Mapping[str, Mapping[str, Sequence[int]]]
) -> dict[tuple[str, str], Mean]:
    """Return the mean contributions by machine and kind of clips."""
    flat = [
        (machine, kind, position)
        for machine, kinds in wanted.items()
        for kind, positions in kinds.items()
        for position in positions
    ]

    def of_clip(sampled: tuple[str, str, int]) -> Mean:
        machine, _, position = sampled
        evidence = evidence_of(inputs, position, machine)
        return Mean(evidence.values.sum(axis=0, dtype=np.float64), evidence.parts)

    found: dict[tuple[str, str], list[Mean]] = {}
    means = track(map_in_order(of_clip, flat), label="contributions", total=len(flat))
    for (machine, kind, _), mean in zip(flat, means, strict=True):
        found.setdefault((machine, kind), []).append(mean)
    return {key: _mean(clips) for key, clips in found.items()}


def _mean(clips: Sequence[Mean]) -> Mean:
    # In an ensemble by maximum, clips have different parts.
    names = dict.fromkeys(name for one in clips for name in one.parts)
    parts = {name: float(np.mean([one.parts.get(name, 0.0) for one in clips])) for name in names}
    return Mean(np.mean([one.bands for one in clips], axis=0), parts)


def evidence_of(inputs: DetectionInputs, position: int, machine: str) -> Evidence:
    """Return what made the score of a clip of the store."""
    evidence = inputs.scorer.evidence(np.array(inputs.store.clip_frames(position)), machine)
    inputs.store.release()
    return evidence


def smooth(
    values: npt.NDArray[np.floating], *, frames: int, bands: int
) -> npt.NDArray[np.floating]:
    """Return moving means of values that are mirrored at the edges.

    Parameters
    ----------
    values : np.ndarray [shape=(n_frames, n_bands)]
    frames, bands : int
        Widths of the mean, odd.
    """
    for axis, width in enumerate((frames, bands)):
        half = [(width // 2, width // 2) if axis == one else (0, 0) for one in range(2)]
        values = np.lib.stride_tricks.sliding_window_view(
            np.pad(values, half, mode="reflect"), width, axis=axis
        ).mean(axis=-1)
    return values


def strongest_bands(contributions: FloatArray, centres: FloatArray) -> tuple[float, float, float]:
    """Return the bands that contribute most: lower and upper frequency in Hz, and their share.

    The contributions are smoothed over five bands. The range reaches from their peak to where they
    have fallen to half of it. The share is that of all positive contributions.

    Parameters
    ----------
    contributions : np.ndarray [shape=(n_bands,)]
    centres : np.ndarray [shape=(n_bands,)]
        Frequencies of the bands, in Hz.
    """
    level = smooth(contributions[np.newaxis], frames=1, bands=5)[0]
    peak = int(level.argmax())
    low = high = peak
    while low > 0 and level[low - 1] >= level[peak] / 2:
        low -= 1
    while high < len(level) - 1 and level[high + 1] >= level[peak] / 2:
        high += 1
    positive = np.maximum(contributions, 0.0)
    share = float(positive[low : high + 1].sum() / max(float(positive.sum()), 1e-12))
    return float(centres[low]), float(centres[high]), share


def _positions(
    inputs: DetectionInputs, clips: Sequence[ScoredClip], condition: str, most: int
) -> list[int]:
    keys = [clip_key(clip) for clip in clips if clip.condition == condition]
    return spread([inputs.position[key] for key in keys if key in inputs.position], most)


def spread(items: Sequence[T], most: int) -> list[T]:
    """Return at most `most` of the items, at even distances."""
    return [
        items[index]
        for index in np.unique(
            np.linspace(0, len(items) - 1, min(len(items), most)).round().astype(int)
        )
    ]
