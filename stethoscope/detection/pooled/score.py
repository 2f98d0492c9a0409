"""Scoring by pooled spectra: views of a clip, a Gaussian of each per machine, and their mean.

NumPy only. :mod:`stethoscope.detection.pooled.fit` fits the models that are used here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.checks import (
    EXPORT_AGAIN,
    both,
    check,
    entries,
    fields,
    file_names,
    items,
    number,
    text,
    whole,
)
from stethoscope.detection.evidence import Evidence
from stethoscope.detection.gaussians import Gaussians
from stethoscope.detection.pooled.courses import Array, Courses
from stethoscope.detection.pooled.first_version import FirstPooling
from stethoscope.detection.pooled.gradient import (
    CoursesGradient,
    mean_frames_gradient,
    score_gradient,
)
from stethoscope.detection.pooled.pooling import MIN_FRAMES, Pooling
from stethoscope.detection.scorer import Scorer, of_type
from stethoscope.detection.spectra import NormalSpectra
from stethoscope.errors import ModelError
from stethoscope.machines import split_key
from stethoscope.model.arrays import floats, read_arrays
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel

RECIPE = 2
"""Version of the way from frames to a score, in ``model.json``; the first version has none."""

AnyPooling = Pooling | FirstPooling
_POOLINGS: dict[int, type[AnyPooling]] = {1: FirstPooling, RECIPE: Pooling}
_STEPS = 6  # of the integral of gradients
_NUMBERS = ("centre", "scale", "weights")

_ARRAYS = {
    "centre": floats("views", "ids"),
    "scale": floats("views", above=0),
    "weights": floats("views", least=0),
    "frame_mean": floats("ids", "bands"),
    "frame_variance": floats("ids", "bands", least=0),
    "length_frames": floats("lengths", least=1, optional=True),
    "length_offsets": floats("lengths", optional=True),
}

_SECONDS = number(above=0, most=3600)
_MODEL = fields(
    {
        "machines": both(entries(items(text(), least=1, distinct=True), least=1), file_names),
        "pooling": fields(
            {},
            {
                "bands": whole(least=1, most=10_000),
                "segment_seconds": _SECONDS,
                "hop_seconds": _SECONDS,
                "quiet_share": number(above=0, most=1),
                "event_order": number(least=0, most=1),
                "lowest_hz": number(least=1e-3, most=1e3),
                "per_octave": whole(least=1, most=100),
                "modulation_bands": whole(least=1, most=10_000),
                "quiet_quantile": number(least=0, most=1),
            },
        ),
    },
    {"recipe": whole()},
)


@dataclass(frozen=True)
class LengthOffsets:
    """What the scores of clips shorter than those of the training are higher by.

    A pooling over less time varies more, so short normal clips lie farther from the Gaussians than
    those that were fitted.

    Attributes
    ----------
    frames : np.ndarray [shape=(n_lengths,)]
        Lengths of clips, in increasing order; the last is the length of the training clips.
    offsets : np.ndarray [shape=(n_lengths,)]
        Mean score of normal clips of these lengths above that of whole ones; the last is 0.
    """

    frames: Array
    offsets: Array

    def of(self, n_frames: npt.ArrayLike) -> Array:
        """Return the offset of clips of `n_frames` frames.

        It is interpolated over the logarithm of the length. Clips beyond the first and the last
        length have the offset of these.
        """
        offset: Array = np.interp(np.log(n_frames), np.log(self.frames), self.offsets)
        return offset


NO_OFFSETS = LengthOffsets(np.ones(1), np.zeros(1))
"""Offsets of models that have none."""


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
        Of the views; their sum is 1.
    spectra : NormalSpectra
        Of the ids.
    lengths : LengthOffsets
        Subtracted from the scores of short clips.
    """

    ids: tuple[str, ...]
    gaussians: Mapping[str, Gaussians]
    centre: Array
    scale: Array
    weights: Array
    spectra: NormalSpectra
    lengths: LengthOffsets = NO_OFFSETS

    def score(
        self, frames: Frames, rate: float, pooling: AnyPooling, machine_id: str
    ) -> tuple[float, int]:
        """Return the score of a clip and the index of the machine that it was scored as.

        A machine that is not known is scored as each known one; the lowest score is returned.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_bands)]
        rate : float
            Frames per second.
        pooling : Pooling or FirstPooling
            The one that the model was fitted with.
        machine_id : str
        """
        return self._score(pooling(frames, rate), len(frames), pooling, machine_id)

    def evidence(
        self, frames: Frames, rate: float, pooling: AnyPooling, machine_id: str
    ) -> Evidence:
        """Return what made the score of a clip; the parameters are those of :meth:`score`.

        The contributions of places are integrated gradients: the gradient of the score, averaged
        on the straight way from the clip made usual to the clip, times their difference. Their sum
        is the difference of both scores.

        References
        ----------
        M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep networks", ICML 2017.
        """
        clip = Courses.of(frames, rate, pooling.bands)
        views = pooling.pool(clip)
        score, machine = self._score(views, len(frames), pooling, machine_id)
        shares = pooling.divide(self._z(views, pooling, machine), self.weights)
        usual_frames = self.spectra.as_usual(frames, machine)
        usual = Courses.of(usual_frames, rate, pooling.bands)
        gradient = mean_frames_gradient(
            self._gradient(usual.towards(clip, (step + 0.5) / _STEPS), pooling, machine)
            for step in range(_STEPS)
        )
        values = ((frames - usual_frames) * gradient).astype(np.float32)
        return Evidence(score, values, dict(zip(pooling.views, shares.tolist(), strict=True)))

    def _score(
        self, views: Mapping[str, Array], n_frames: int, pooling: AnyPooling, machine_id: str
    ) -> tuple[float, int]:
        known = machine_id in self.ids
        candidates = [self.ids.index(machine_id)] if known else range(len(self.ids))
        scores = [(self._score_as(views, pooling, machine), machine) for machine in candidates]
        score, machine = min(scores)
        return score - float(self.lengths.of(n_frames)), machine

    def _gradient(self, clip: Courses, pooling: AnyPooling, machine: int) -> CoursesGradient:
        views = pooling.pool(clip)
        z = self._z(views, pooling, machine)
        slopes = pooling.slopes(z, self.weights) / self.scale
        by_view = dict(zip(pooling.views, slopes.tolist(), strict=True))
        return score_gradient(clip, views, pooling, self.gaussians, machine, by_view)

    def _score_as(self, views: Mapping[str, Array], pooling: AnyPooling, machine: int) -> float:
        return float(pooling.combine(self._z(views, pooling, machine), self.weights))

    def _z(self, views: Mapping[str, Array], pooling: AnyPooling, machine: int) -> Array:
        """Return the normalised distance of a clip in every view [shape=(n_views,)]."""
        for view, segments in views.items():
            if segments.shape[-1] != self.gaussians[view].means.shape[1]:
                raise ModelError(
                    f"pooled-gmm: the view {view} of a recording has {segments.shape[-1]} values, "
                    f"the model has {self.gaussians[view].means.shape[1]}; {EXPORT_AGAIN}"
                )
        levels = [
            float(pooling.log_distance(view, segments, self.gaussians[view], machine))
            for view, segments in views.items()
        ]
        z: Array = (np.array(levels) - self.centre[:, machine]) / self.scale
        return z

    def save(self, path: Path) -> None:
        """Write the numbers (``.npz``)."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        numbers |= {
            "length_frames": self.lengths.frames,
            "length_offsets": self.lengths.offsets,
        }
        numbers |= {"frame_mean": self.spectra.mean, "frame_variance": self.spectra.variance}
        for view, gaussians in self.gaussians.items():
            numbers |= {f"{view}_means": gaussians.means, f"{view}_precision": gaussians.precision}
        np.savez(path, **numbers)

    @classmethod
    def open(cls, path: Path, ids: tuple[str, ...], views: Sequence[str], bands: int) -> Self:
        """Read what :meth:`save` wrote of these views; the first version wrote no offsets.

        Raises
        ------
        ModelError
            If an array is missing, or does not fit the ids, the views and the bands.
        """
        declared = dict(_ARRAYS)
        for view in views:
            declared[f"{view}_means"] = floats("ids", f"values of {view}")
            declared[f"{view}_precision"] = floats(f"values of {view}", f"values of {view}")
        numbers = read_arrays(path, declared, ids=len(ids), views=len(views), bands=bands)
        lengths = NO_OFFSETS
        if "length_frames" in numbers:
            lengths = LengthOffsets(numbers["length_frames"], numbers["length_offsets"])
        return cls(
            ids,
            {
                view: Gaussians(numbers[f"{view}_means"], numbers[f"{view}_precision"])
                for view in views
            },
            **{name: numbers[name] for name in _NUMBERS},
            spectra=NormalSpectra(numbers["frame_mean"], numbers["frame_variance"]),
            lengths=lengths,
        )


def _pooling_of(folder: Path, model: Mapping[str, Any]) -> AnyPooling:
    """Return the pooling of a model's recipe.

    Raises
    ------
    ModelError
        If the recipe is unknown, or has no such setting.
    """
    recipe = model.get("recipe", 1)
    if recipe not in _POOLINGS:
        raise ModelError(
            f"the model is of recipe {recipe!r} of pooled-gmm, this version reads "
            f"{', '.join(map(str, _POOLINGS))}; install the version that wrote it"
        )
    pooling = _POOLINGS[recipe]
    known = {one.name for one in fields_of(pooling)}
    if unknown := [name for name in model["pooling"] if name not in known]:
        raise ModelError(
            f"{folder / 'model.json'}: pooling.{unknown[0]} is not known to recipe {recipe}; "
            "install the version that wrote it"
        )
    return pooling(**model["pooling"])


class PooledScorer(Scorer):
    """Weighted mean over the views, each by its distance from the machine's Gaussian."""

    min_frames = MIN_FRAMES

    def __init__(
        self, models: dict[str, PooledModel], pooling: AnyPooling, feature: LogMel
    ) -> None:
        self.models = models
        self.pooling = pooling
        self.feature = feature

    @classmethod
    def open(cls, folder: Path, model: dict[str, Any], feature: LogMel) -> Self:
        """Read the numbers of every machine type, and the recipe that they were fitted by."""
        check(folder / "model.json", model, _MODEL)
        pooling = _pooling_of(folder, model)
        models = {
            name: PooledModel.open(
                folder / f"{name}.npz", tuple(ids), pooling.views, feature.n_mels
            )
            for name, ids in model["machines"].items()
        }
        return cls(models, pooling, feature)

    def score(self, frames: Frames, machine: str) -> float:
        """Return the mean over the views, each in standard deviations above normal clips.

        An id that is not known is scored as each known id of its type; the lowest score counts.
        """
        model = of_type(self.models, machine)
        return model.score(frames, self._rate, self.pooling, split_key(machine)[1])[0]

    def evidence(self, frames: Frames, machine: str) -> Evidence:
        """Return the contributions of views, whose sum is the score, and of places.

        The offset of a short clip is subtracted from the score afterwards.
        """
        model = of_type(self.models, machine)
        return model.evidence(frames, self._rate, self.pooling, split_key(machine)[1])

    @property
    def _rate(self) -> float:
        """Frames per second."""
        return self.feature.sample_rate / self.feature.hop_length
