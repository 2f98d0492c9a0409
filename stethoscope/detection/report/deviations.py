"""Where normal and anomalous clips deviate from what the detector expects: over frequency, and over
time and frequency.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from stethoscope.detection.report.inputs import Inputs
from stethoscope.detection.scores import ScoredClip
from stethoscope.progress import track
from stethoscope.sound.logmel import Frames, LogMel

T = TypeVar("T")
FloatArray = npt.NDArray[np.float64]

MAX_CLIPS = 500
"""About how many clips all profiles are averaged over; every machine has its share, at least four
of each condition.
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


def profiles(inputs: Inputs) -> dict[str, Profile]:
    """Return the profile of every machine whose deviation can be compared with something normal."""
    most = max(4, MAX_CLIPS // (2 * len(inputs.by_machine)))
    wanted = {
        machine: {
            condition: _positions(inputs, clips, condition, most)
            for condition in ("normal", "anomaly")
        }
        for machine, clips in inputs.by_machine.items()
    }
    for machine, clips in wanted.items():
        if not clips["normal"]:
            clips["train"] = spread(inputs.normal_training.get(machine, []), most)
    total = sum(len(positions) for clips in wanted.values() for positions in clips.values())
    steps = track(
        (
            (machine, name, one)
            for machine, clips in wanted.items()
            for name in clips
            for one in clips[name]
        ),
        label="bands",
        total=total,
    )
    sums: dict[tuple[str, str], FloatArray] = {}
    for machine, name, position in steps:
        deviation = deviation_of(inputs, position, machine).mean(axis=0, dtype=np.float64)
        sums[machine, name] = sums.get((machine, name), 0.0) + deviation / len(
            wanted[machine][name]
        )
    found = {}
    for machine in wanted:
        usual = sums.get((machine, "normal"), sums.get((machine, "train")))
        if usual is not None:
            found[machine] = Profile(
                usual, (machine, "train") in sums, sums.get((machine, "anomaly"))
            )
    return found


def deviation_of(inputs: Inputs, position: int, machine: str) -> Frames:
    """Return the deviation of a clip of the store [shape=(n_frames, n_bands)]."""
    deviation = inputs.scorer.deviation(np.array(inputs.store.clip_frames(position)), machine)
    inputs.store.release()
    return deviation


def excess(deviation: npt.NDArray[np.floating], usual: FloatArray) -> FloatArray:
    """Return how many times the usual deviation there is in every band.

    Parameters
    ----------
    deviation : np.ndarray [shape=(..., n_bands)]
    usual : np.ndarray [shape=(n_bands,)]
    """
    floor = 1e-3 * float(usual.max()) or 1.0
    ratio: FloatArray = deviation / np.maximum(usual, floor)
    return ratio


def smooth(values: FloatArray, *, frames: int, bands: int) -> FloatArray:
    """Return moving means over `frames` and `bands`, both odd, of values [shape=(n_frames,
    n_bands)] mirrored at the edges.
    """
    for axis, width in enumerate((frames, bands)):
        half = [(width // 2, width // 2) if axis == one else (0, 0) for one in range(2)]
        values = np.lib.stride_tricks.sliding_window_view(
            np.pad(values, half, mode="reflect"), width, axis=axis
        ).mean(axis=-1)
    return values


def band_centres(feature: LogMel) -> FloatArray:
    """Return the centre frequencies of the bands, in Hz [shape=(n_mels,)]."""
    filters = feature.filters.astype(np.float64)
    weight = filters.sum(axis=1)
    filled = np.flatnonzero(weight)  # filters narrower than a line of the spectrum can be empty
    lines = np.fft.rfftfreq(feature.n_fft, 1 / feature.sample_rate)
    centres: FloatArray = np.interp(
        np.arange(len(filters)), filled, filters[filled] @ lines / weight[filled]
    )
    return centres


def strongest_bands(ratio: FloatArray, centres: FloatArray) -> tuple[float, float, float]:
    """Return where the excess over the usual deviation is strongest: lower and upper frequency in
    Hz, and how many times the usual.

    The range reaches from the peak to where the excess has fallen to half, smoothed over five
    bands.
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


def _positions(inputs: Inputs, clips: Sequence[ScoredClip], condition: str, most: int) -> list[int]:
    keys = [(clip.source, clip.path) for clip in clips if clip.condition == condition]
    return spread([inputs.position[key] for key in keys if key in inputs.position], most)


def spread(items: Sequence[T], most: int) -> list[T]:
    """Return at most so many of the items, evenly spread."""
    return [
        items[index]
        for index in np.unique(
            np.linspace(0, len(items) - 1, min(len(items), most)).round().astype(int)
        )
    ]
