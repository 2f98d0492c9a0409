"""Scoring by pooled spectra: four views of a clip, a Gaussian of each per machine, and a vote.

NumPy only. :mod:`stethoscope.detection.pooled.fit` fits the models that are used here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.pooled.pooling import MIN_FRAMES, VIEWS, Array, Pooling
from stethoscope.detection.scorer import Scorer, of_type
from stethoscope.detection.spectra import NormalSpectra
from stethoscope.machines import split_key
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel


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
        Mean out-of-fold level of normal clips.
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

    def score(
        self, views: Mapping[str, Array], machine_id: str, quantile: float
    ) -> tuple[float, int]:
        """Return the score of a pooled clip and the index of the machine that it was scored as.

        A machine that is not known is scored as each known one; the lowest score is returned.
        """
        known = machine_id in self.ids
        candidates = [self.ids.index(machine_id)] if known else range(len(self.ids))
        return min((self._score_as(views, machine, quantile), machine) for machine in candidates)

    def _score_as(self, views: Mapping[str, Array], machine: int, quantile: float) -> float:
        levels = [
            float(self.gaussians[view].levels(segments, machine, quantile))
            for view, segments in views.items()
        ]
        z = (np.array(levels) - self.centre[:, machine]) / self.scale
        return float(vote(z, self.weights))

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
    """Return the logarithm of the weighted mean of exp(z).

    One view with a high value outvotes several with low ones.

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

        An id that is not known is scored as each known id of its type; the lowest score counts.
        """
        return self._score(frames, machine)[0]

    def deviation(self, frames: Frames, machine: str) -> Frames:
        """Return the squared deviation of every value from the machine's mean normal frame.

        It is in units of the variance of the machine's normal frames.
        """
        spectra = of_type(self.models, machine).spectra
        return spectra.deviation(frames, self._score(frames, machine)[1])

    def _score(self, frames: Frames, machine: str) -> tuple[float, int]:
        views = self.pooling(frames, self.feature.sample_rate / self.feature.hop_length)
        model = of_type(self.models, machine)
        return model.score(views, split_key(machine)[1], self.pooling.quiet_quantile)
