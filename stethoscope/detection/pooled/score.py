"""Scoring by pooled spectra: four looks at a clip, a Gaussian of each per machine, and a vote.

NumPy only. :mod:`stethoscope.detection.pooled.fit` fits what is scored with here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.detection.scorer import Scorer, of_type
from stethoscope.detection.spectra import NormalSpectra
from stethoscope.machines import split_key
from stethoscope.sound.logmel import Frames, LogMel

Array = npt.NDArray[np.float64]

VIEWS = ("steady", "mean", "events", "rhythm")
"""Names of the looks at a clip."""

MIN_FRAMES = 4
"""Fewer frames have no rhythm."""

_LEAST_DISTANCE = 1e-12
_LEAST_POWER = 1e-9  # dB²: far below any fluctuation that is heard, so that a silent band has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """How a clip's frames are pooled, and how its segments make one figure.

    A machine runs on while its surroundings come and go: the quietest frames and the quieter
    seconds of a clip hold the machine alone. What is short, such as the stroke of a valve, is in
    the loudest frames, and what repeats is in the modulation.

    Attributes
    ----------
    segment_seconds : float
        Length of the segments that `mean` and `events` are taken of. A shorter clip is one segment.
    quiet_share : float
        Share of the frames, the quietest in every band, that `steady` averages.
    event_order : float
        `events` weights the n-th loudest frame of a segment by this to the power of n: 1 is the
        mean, 0 the maximum.
    lowest_hz : float
        Slowest rhythm.
    per_octave : int
        Rhythms per octave.
    quiet_quantile : float
        Quantile over a clip's segments that stands for the clip: a lasting fault is in the quiet
        seconds too.

    References
    ----------
    J. Guan et al., "Time-weighted frequency domain audio representation with GMM estimator for
    anomalous sound detection", ICASSP 2023, for pooling by rank.
    """

    segment_seconds: float = 1.0
    quiet_share: float = 0.1
    event_order: float = 0.5
    lowest_hz: float = 0.5
    per_octave: int = 6
    quiet_quantile: float = 0.25

    def __call__(self, frames: Frames, rate: float) -> dict[str, Array]:
        """Pool a clip.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_bands)]
            Log-mel spectrogram in decibels.
        rate : float
            Frames per second.

        Returns
        -------
        dict of str to np.ndarray [shape=(n_segments, n_values)]
            By view. `steady` and `rhythm` have the whole clip as their only segment.
        """
        values = np.asarray(frames, dtype=np.float64)
        length = min(max(1, round(self.segment_seconds * rate)), len(values))
        segments = values[: len(values) // length * length].reshape(-1, length, values.shape[1])
        quietest = max(1, round(self.quiet_share * len(values)))
        quiet = np.partition(values, quietest - 1, axis=0)[:quietest].mean(axis=0)
        ranked = np.sort(segments, axis=1)[:, ::-1]
        weights = self.event_order ** np.arange(length)
        return {
            "steady": (quiet - quiet.mean())[np.newaxis],
            "mean": segments.mean(axis=1),
            "events": np.einsum("stb,t->sb", ranked, weights / weights.sum()),
            "rhythm": self._rhythm(values, rate)[np.newaxis],
        }

    def _rhythm(self, values: Array, rate: float) -> Array:
        """Return how far rhythms rise above each band's own floor, on a scale of octaves, for the
        lower and the upper bands.
        """
        hz = np.fft.rfftfreq(len(values), 1 / rate)[1:]
        window = np.hanning(len(values))[:, np.newaxis]
        power = (
            np.abs(np.fft.rfft((values - values.mean(axis=0)) * window, axis=0)[1:]) ** 2
            + _LEAST_POWER
        )
        audible = hz >= min(1.0, hz[-1])
        prominence = power / np.median(power[audible], axis=0)
        # The root of the mean square: the few bands that show a rhythm count.
        halves = [
            np.sqrt((half**2).mean(axis=1))
            for half in np.array_split(prominence, 2, axis=1)
            if half.size
        ]
        steps = np.arange(max(1, int(np.log2(rate / 2 / self.lowest_hz) * self.per_octave) + 1))
        squared = (np.log2(hz / self.lowest_hz) * self.per_octave - steps[:, np.newaxis]) ** 2
        # The nearest line counts fully, however far it is in a short clip: otherwise a kernel could
        # vanish.
        kernel = np.exp(0.5 * (squared.min(axis=1, keepdims=True) - squared))
        kernel /= kernel.sum(axis=1, keepdims=True)
        heights: Array = np.log(np.concatenate([kernel @ half for half in halves]))
        return heights


@dataclass(frozen=True)
class Gaussians:
    """Normal distributions of several machines that share one covariance.

    Attributes
    ----------
    means : np.ndarray [shape=(n_machines, n_values)]
    precision : np.ndarray [shape=(n_values, n_values)]
        Inverse of the covariance.
    """

    means: Array
    precision: Array

    def squared_distances(self, values: npt.NDArray[np.floating], machine: int) -> Array:
        """Return squared Mahalanobis distances of values [shape=(..., n_values)] from a machine's
        mean [shape=(...)].
        """
        centred = values - self.means[machine]
        distances: Array = np.einsum("...i,...i->...", centred @ self.precision, centred)
        return distances

    def levels(self, segments: npt.NDArray[np.floating], machine: int, quantile: float) -> Array:
        """Return the logarithm of a quantile over the segments' squared distances.

        Parameters
        ----------
        segments : np.ndarray [shape=(..., n_segments, n_values)]
        machine : int
        quantile : float

        Returns
        -------
        np.ndarray [shape=(...)]
        """
        distances = np.quantile(self.squared_distances(segments, machine), quantile, axis=-1)
        levels: Array = np.log(np.maximum(distances, _LEAST_DISTANCE))
        return levels


@dataclass(frozen=True)
class PooledModel:
    """The machines of one type.

    Attributes
    ----------
    ids : tuple of str
        Machine ids.
    gaussians : dict of str to Gaussians
        By view.
    centre : np.ndarray [shape=(n_views, n_ids)]
        Mean level of normal clips that a model had not heard.
    scale : np.ndarray [shape=(n_views,)]
        Standard deviation of such levels within an id.
    weights : np.ndarray [shape=(n_views,)]
        Of the views in the vote; their sum is 1.
    spectra : NormalSpectra
        Of the ids.
    """

    ids: tuple[str, ...]
    gaussians: Mapping[str, Gaussians]
    centre: Array
    scale: Array
    weights: Array
    spectra: NormalSpectra

    def judge(
        self, views: Mapping[str, Array], machine_id: str, quantile: float
    ) -> tuple[float, int]:
        """Return the score of a pooled clip and the index of the machine that it was judged as.

        A machine that is not known is judged as the known one that it sounds most like.
        """
        candidates = (
            [self.ids.index(machine_id)] if machine_id in self.ids else range(len(self.ids))
        )
        scores = []
        for machine in candidates:
            levels = [
                float(self.gaussians[view].levels(segments, machine, quantile))
                for view, segments in views.items()
            ]
            scores.append(
                (
                    float(
                        vote(
                            (np.array(levels) - self.centre[:, machine]) / self.scale, self.weights
                        )
                    ),
                    machine,
                )
            )
        return min(scores)

    def save(self, path: Path) -> None:
        """Write the numbers (``.npz``)."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        numbers |= {"frame_mean": self.spectra.mean, "frame_variance": self.spectra.variance}
        for view, gaussians in self.gaussians.items():
            numbers |= {f"{view}_means": gaussians.means, f"{view}_precision": gaussians.precision}
        np.savez(path, **numbers)

    @classmethod
    def open(cls, path: Path, ids: tuple[str, ...]) -> Self:
        """Read what :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as numbers:
            gaussians = {
                view: Gaussians(numbers[f"{view}_means"], numbers[f"{view}_precision"])
                for view in VIEWS
            }
            spectra = NormalSpectra(numbers["frame_mean"], numbers["frame_variance"])
            return cls(
                ids, gaussians, **{name: numbers[name] for name in _NUMBERS}, spectra=spectra
            )


_NUMBERS = ("centre", "scale", "weights")


def vote(z: Array, weights: Array) -> Array:
    """Return the logarithm of the weighted mean of exp(z): one view that is sure outvotes several
    that hear nothing.

    Parameters
    ----------
    z : np.ndarray [shape=(n_views, ...)]
    weights : np.ndarray [shape=(n_views,)]

    Returns
    -------
    np.ndarray [shape=(...)]
    """
    highest = z.max(axis=0)
    voted: Array = highest + np.log(np.tensordot(weights, np.exp(z - highest), axes=1))
    return voted


class PooledScorer(Scorer):
    """Vote of the views, each by its distance from the machine's Gaussian."""

    kind = "pooled-gmm"
    min_frames = MIN_FRAMES

    def __init__(self, models: dict[str, PooledModel], pooling: Pooling, feature: LogMel) -> None:
        self.models = models
        self.pooling = pooling
        self.feature = feature

    @classmethod
    def open(cls, folder: Path, model: dict[str, Any], feature: LogMel) -> Self:
        """Read the numbers of every machine type."""
        models = {
            name: PooledModel.open(folder / f"{name}.npz", tuple(ids))
            for name, ids in model["machines"].items()
        }
        return cls(models, Pooling(**model["pooling"]), feature)

    def score(self, frames: Frames, machine: str) -> float:
        """Return the vote over the views, each in standard deviations above normal clips.

        An id that is not known is judged as the id of its type that it sounds most like.
        """
        return self._judge(frames, machine)[0]

    def deviation(self, frames: Frames, machine: str) -> Frames:
        """Return the squared deviation of every value from the mean over the machine's normal
        frames, in units of their variance.
        """
        return of_type(self.models, machine).spectra.deviation(
            frames, self._judge(frames, machine)[1]
        )

    def _judge(self, frames: Frames, machine: str) -> tuple[float, int]:
        views = self.pooling(frames, self.feature.sample_rate / self.feature.hop_length)
        return of_type(self.models, machine).judge(
            views, split_key(machine)[1], self.pooling.quiet_quantile
        )
