"""Deviation of clips from what the detector expects, over frequency and over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from stethoscope.detection.report.inputs import DetectionInputs
from stethoscope.detection.scores import ScoredClip
from stethoscope.progress import track
from stethoscope.report.media import recording_key
from stethoscope.sound.definition import Frames

T = TypeVar("T")
FloatArray = npt.NDArray[np.float64]

MAX_CLIPS = 500
"""About the number of clips that all profiles use.

Each machine has an equal share, at least four of each condition.
"""


@dataclass(frozen=True)
class Profile:
    """Mean deviation of a machine's clips in every frequency band.

    Attributes
    ----------
    usual : np.ndarray [shape=(n_bands,)]
        Of normal test clips, or of normal training clips where there are none.
    in_training : bool
        True if `usual` is that of training clips.
    anomaly : np.ndarray or None [shape=(n_bands,)]
        Of anomalous test clips; None without such clips.
    """

    usual: FloatArray
    in_training: bool
    anomaly: FloatArray | None


def profiles(inputs: DetectionInputs) -> dict[str, Profile]:
    """Return the profile of every machine that has normal clips to compare with."""
    most = max(4, MAX_CLIPS // (2 * len(inputs.by_machine)))
    wanted = {
        machine: _sample(inputs, machine, clips, most)
        for machine, clips in inputs.by_machine.items()
    }
    means = _mean_deviations(inputs, wanted)
    found = {}
    for machine in wanted:
        usual = means.get((machine, "normal"), means.get((machine, "train")))
        if usual is not None:
            in_training = (machine, "train") in means
            found[machine] = Profile(usual, in_training, means.get((machine, "anomaly")))
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


def _mean_deviations(
    inputs: DetectionInputs, wanted: Mapping[str, Mapping[str, Sequence[int]]]
) -> dict[tuple[str, str], FloatArray]:
    """Return the mean deviation per band [shape=(n_bands,)], by machine and kind of clips."""
    flat = [
        (machine, kind, position)
        for machine, kinds in wanted.items()
        for kind, positions in kinds.items()
        for position in positions
    ]
    means: dict[tuple[str, str], FloatArray] = {}
    for machine, kind, position in track(flat, label="bands", total=len(flat)):
        deviation = deviation_of(inputs, position, machine).mean(axis=0, dtype=np.float64)
        share = deviation / len(wanted[machine][kind])
        means[machine, kind] = means.get((machine, kind), 0.0) + share
    return means


def deviation_of(inputs: DetectionInputs, position: int, machine: str) -> Frames:
    """Return the deviation of a clip of the store [shape=(n_frames, n_bands)]."""
    deviation = inputs.scorer.deviation(np.array(inputs.store.clip_frames(position)), machine)
    inputs.store.release()
    return deviation


def excess(deviation: npt.NDArray[np.floating], usual: FloatArray) -> FloatArray:
    """Return the deviation as a multiple of the usual deviation in each band.

    Parameters
    ----------
    deviation : np.ndarray [shape=(..., n_bands)]
    usual : np.ndarray [shape=(n_bands,)]
    """
    floor = 1e-3 * float(usual.max()) or 1.0
    ratio: FloatArray = deviation / np.maximum(usual, floor)
    return ratio


def smooth(values: FloatArray, *, frames: int, bands: int) -> FloatArray:
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


def strongest_bands(ratio: FloatArray, centres: FloatArray) -> tuple[float, float, float]:
    """Return the bands of strongest excess: lower and upper frequency in Hz, and the excess.

    The excess is smoothed over five bands. The range reaches from its peak to where the excess over
    1 has fallen to half.

    Parameters
    ----------
    ratio : np.ndarray [shape=(n_bands,)]
        Result of :func:`excess`.
    centres : np.ndarray [shape=(n_bands,)]
        Frequencies of the bands, in Hz.
    """
    level = smooth(ratio[np.newaxis], frames=1, bands=5)[0]
    peak = int(level.argmax())
    low = high = peak
    half = 1 + (level[peak] - 1) / 2
    while low > 0 and level[low - 1] >= half:
        low -= 1
    while high < len(level) - 1 and level[high + 1] >= half:
        high += 1
    return float(centres[low]), float(centres[high]), float(level[peak])


def _positions(
    inputs: DetectionInputs, clips: Sequence[ScoredClip], condition: str, most: int
) -> list[int]:
    keys = [recording_key(clip) for clip in clips if clip.condition == condition]
    return spread([inputs.position[key] for key in keys if key in inputs.position], most)


def spread(items: Sequence[T], most: int) -> list[T]:
    """Return at most `most` of the items, at even distances."""
    return [
        items[index]
        for index in np.unique(
            np.linspace(0, len(items) - 1, min(len(items), most)).round().astype(int)
        )
    ]
