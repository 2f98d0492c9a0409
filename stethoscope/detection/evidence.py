"""What made the score of a clip: contributions of places in time and frequency. NumPy only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from stethoscope.detection.spectra import NormalSpectra
from stethoscope.sound.definition import Frames

STRENGTHS = 1.0, 64.0
"""Strengths of the darkest and of the brightest colour of a picture."""

_TILES = (10, 10)  # in time and frequency; each costs a score of its own


@dataclass(frozen=True)
class Evidence:
    """Contributions to the score of a clip, in units of the score.

    Attributes
    ----------
    score : float
    values : np.ndarray [shape=(n_frames, n_bands), dtype=float32]
        By place. Negative where the clip is more like the normal sound than normal clips are on
        the average.
    parts : dict of str to float
        By part of the detector, such as its views; empty for a detector without parts.
    """

    score: float
    values: Frames
    parts: Mapping[str, float]

    def above(self, threshold: float, unit: float) -> Frames:
        """Return how strongly each place contributes to what lies above the threshold.

        A clip at or below its threshold has no such place. The mean over all places is
        ``(score - threshold) / unit``: a place has the strength 1 if a clip that were like it
        everywhere would lie one unit above the threshold.

        Parameters
        ----------
        threshold, unit : float
            In units of the score;
            :meth:`~stethoscope.detection.thresholds.Thresholds.unit` is comparable over detectors.

        Returns
        -------
        np.ndarray [shape=(n_frames, n_bands), dtype=float32]
            Not negative.
        """
        positive: Frames = np.maximum(self.values, np.float32(0.0))
        total = float(positive.sum(dtype=np.float64))
        excess = self.score - threshold
        if excess <= 0 or total <= 0:
            return np.zeros_like(positive)
        strengths: Frames = positive * np.float32(excess / unit * positive.size / total)
        return strengths


def heat(strengths: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Return strengths on the logarithmic scale of pictures, from 0, dark, to 1, bright."""
    low, high = STRENGTHS
    scaled: npt.NDArray[np.floating] = np.log(np.clip(strengths, low, high) / low)
    scaled /= np.log(high / low)
    return scaled


def occlusion(
    score: Callable[[Frames], float], frames: Frames, spectra: NormalSpectra, machine: int
) -> Evidence:
    """Return by how much a clip would score lower if a place were as usual.

    The clip is divided into tiles. One after the other is replaced by what is usual for the
    machine, and the clip is scored again. The fall of the score is spread evenly over the tile.

    Parameters
    ----------
    score : callable
        From frames to a score.
    frames : np.ndarray [shape=(n_frames, n_bands), dtype=float32]
    spectra : NormalSpectra
    machine : int
        Index of the machine in `spectra`.
    """
    whole = score(frames)
    values = np.zeros_like(frames)
    for rows in _tiles(frames.shape[0], _TILES[0]):
        for columns in _tiles(frames.shape[1], _TILES[1]):
            without = frames.copy()
            without[rows, columns] = spectra.as_usual(frames[rows], machine)[:, columns]
            part = values[rows, columns]
            part[:] = (whole - score(without)) / part.size
    return Evidence(whole, values, {})


def _tiles(size: int, count: int) -> list[slice]:
    edges = np.linspace(0, size, min(size, count) + 1).round().astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]
