"""Training of the detector pooled-gmm; it is described in README.md."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from stethoscope.detection.detector import Detector
from stethoscope.detection.gaussians import Gaussians, fit_gaussians
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.pooled import POOLED_GMM
from stethoscope.detection.pooled.folds import Indices, RecordingOrder
from stethoscope.detection.pooled.pooling import MIN_FRAMES, VIEWS, Array, Pooling
from stethoscope.detection.pooled.score import PooledModel, vote
from stethoscope.detection.spectra import NormalSpectra
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.machines import machine_key
from stethoscope.progress import track
from stethoscope.stats.moments import Moments

Segments = Sequence[npt.NDArray[np.float32]]

FOLDS = 10
"""Folds that a machine's recordings are dealt to, to learn the scales and weights of the views.

With many folds, nearly all recordings are fitted each time.
"""

SESSIONS = 3
"""Folds of neighbouring recordings, for the scores that set the thresholds.

Recordings are made in sessions. A clip scores far lower if its neighbours were fitted than a clip
of a later session will.
"""

_PRIOR = 0.3  # effect in standard deviations that every view is assumed to have beforehand
_CORRELATION = 0.5  # share of the measured correlation between views that is used
_LEAST_SCALE = 1e-3


@dataclass
class PooledGmm(Detector):
    """Four pooled views of a clip, a Gaussian of each per machine, and a vote.

    There is one model per machine type.

    Parameters
    ----------
    pooling : Pooling

    Attributes
    ----------
    models_ : dict of str to PooledModel
        By machine type.
    out_of_fold_ : np.ndarray [shape=(n_clips,)]
        Score of every clip by Gaussians fitted without its recording, in the order of the clips'
        indices.
    curves_ : dict
        Empty: nothing is trained by epochs.
    """

    kind: ClassVar[str] = POOLED_GMM.name
    cross_fits: ClassVar[bool] = True

    pooling: Pooling = field(default_factory=Pooling)

    @classmethod
    def from_options(cls, options: DetectorOptions, fit: FitOptions) -> Self:  # noqa: ARG003
        """Make an unfitted detector; it has no options."""
        return cls()

    def fit(self, store: FeatureStore, training: Indices, held_out: Indices) -> Self:  # noqa: ARG002
        """Fit on the clips `training`, and score each of them by Gaussians fitted without it.

        The clips `held_out` are not used.

        Raises
        ------
        DatasetError
            If a machine has fewer than two recordings, or a clip is too short.
        """
        clips = np.sort(training)
        if (short := store.n_frames[clips].min(initial=MIN_FRAMES)) < MIN_FRAMES:
            raise DatasetError(
                f"a clip has {short} frames, pooled-gmm needs {MIN_FRAMES}; "
                "extract the features again with feature_frames 5"
            )
        self.models_: dict[str, PooledModel] = {}
        self.curves_ = {}
        self.out_of_fold_ = np.empty(len(clips))
        for machine_type, members in store.by_type(clips):
            model, scores = self._fit_type(store, members, machine_type)
            self.models_[machine_type] = model
            self.out_of_fold_[np.searchsorted(clips, members)] = scores
        return self

    def save(self, folder: Path) -> dict[str, Any]:
        """Write ``<type>.npz``; return what ``model.json`` holds about the models."""
        for machine_type, model in self.models_.items():
            model.save(folder / f"{machine_type}.npz")
        return {
            "machines": {name: list(model.ids) for name, model in self.models_.items()},
            "pooling": asdict(self.pooling),
        }

    def _fit_type(
        self, store: FeatureStore, clips: Indices, machine_type: str
    ) -> tuple[PooledModel, Array]:
        """Return the model of a machine type, and the out-of-fold score of every clip."""
        ids, owners = np.unique(
            [store.clips[index].machine_id for index in clips], return_inverse=True
        )
        order = RecordingOrder.of(
            [store.clips[index].recording for index in clips],
            [machine_key(machine_type, str(name)) for name in ids],
            owners,
        )
        views, spectra = self._pool(store, clips, owners, machine_type)
        levels = self._out_of_fold_levels(views, owners, order.interleaved(FOLDS))
        centre, scale, weights = _scale_views(levels, owners)
        gaussians = {
            view: fit_gaussians(segments, owners, len(ids)) for view, segments in views.items()
        }
        model = PooledModel(tuple(map(str, ids)), gaussians, centre, scale, weights, spectra)
        session_levels = _own(
            self._out_of_fold_levels(views, owners, order.contiguous(SESSIONS)), owners
        )
        return model, vote((session_levels - centre[:, owners]) / scale[:, np.newaxis], weights)

    def _pool(
        self, store: FeatureStore, clips: Indices, owners: Indices, machine_type: str
    ) -> tuple[dict[str, list[npt.NDArray[np.float32]]], NormalSpectra]:
        """Return the segments of every clip by view, and the normal spectra of the machines."""
        views: dict[str, list[npt.NDArray[np.float32]]] = {view: [] for view in VIEWS}
        moments = Moments(store.feature.size, n_groups=int(owners.max()) + 1)
        rate = store.feature.sample_rate / store.feature.hop_length
        for index, owner in track(
            zip(clips, owners, strict=True), label=f"pool {machine_type}", total=len(clips)
        ):
            frames = np.array(store.clip_frames(index))
            store.release()
            moments.add(frames, owner)
            for view, pooled in self.pooling(frames, rate).items():
                views[view].append(pooled.astype(np.float32))
        return views, NormalSpectra(moments.mean(), moments.variance())

    def _out_of_fold_levels(
        self, views: Mapping[str, Segments], owners: Indices, fold: Indices
    ) -> Array:
        """Return the level of every clip as each machine, by Gaussians fitted without its fold.

        Returns
        -------
        np.ndarray [shape=(n_views, n_clips, n_machines)]
        """
        n_machines = owners.max() + 1
        levels = np.empty((len(views), len(owners), n_machines))
        for row, segments in enumerate(views.values()):
            for part in range(fold.max() + 1):
                fitted, left_out = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
                gaussians = fit_gaussians(
                    [segments[i] for i in fitted.tolist()], owners[fitted], n_machines
                )
                levels[row, left_out] = self._levels(
                    gaussians, [segments[i] for i in left_out.tolist()]
                )
        return levels

    def _levels(self, gaussians: Gaussians, segments: Segments) -> Array:
        """Return the levels of clips as each machine [shape=(n_clips, n_machines)]."""
        levels = np.empty((len(segments), len(gaussians.means)))
        counts = np.array([len(one) for one in segments])
        for count in np.unique(counts):
            alike = np.flatnonzero(counts == count)
            stack = np.stack([segments[i] for i in alike.tolist()])
            for machine in range(len(gaussians.means)):
                levels[alike, machine] = gaussians.levels(
                    stack, machine, self.pooling.quiet_quantile
                )
        return levels


def _own(levels: Array, owners: Indices) -> Array:
    """Return the level of every clip as its own machine [shape=(n_views, n_clips)]."""
    return levels[:, np.arange(len(owners)), owners]


def _scale_views(levels: Array, owners: Indices) -> tuple[Array, Array, Array]:
    """Return centre, scale and weight of every view.

    Parameters
    ----------
    levels : np.ndarray [shape=(n_views, n_clips, n_machines)]
        Out-of-fold levels of every clip as each machine.
    owners : np.ndarray of int [shape=(n_clips,)]
        Machine of each clip.

    Returns
    -------
    centre : np.ndarray [shape=(n_views, n_machines)]
        Mean level of the machines' own clips.
    scale : np.ndarray [shape=(n_views,)]
        Standard deviation of the levels within a machine.
    weights : np.ndarray [shape=(n_views,)]
        Their sum is 1.
    """
    n_views, n_clips, n_machines = levels.shape
    own = _own(levels, owners)
    centre = np.stack(
        [own[:, owners == machine].mean(axis=1) for machine in range(n_machines)], axis=1
    )
    residuals = own - centre[:, owners]
    freedom = max(1, n_clips - n_machines)
    scale = np.maximum(np.sqrt((residuals**2).sum(axis=1) / freedom), _LEAST_SCALE)
    z = residuals / scale[:, np.newaxis]
    effect = np.zeros(n_views)
    if n_machines > 1:
        other_machine_z = (levels - centre[:, np.newaxis]) / scale[:, np.newaxis, np.newaxis]
        other_machine_z[:, np.arange(n_clips), owners] = np.nan
        effect = np.nanmean(other_machine_z, axis=(1, 2))
    return centre, scale, view_weights(z, effect, freedom)


def view_weights(z: Array, effect: Array, freedom: int) -> Array:
    """Return the weight of each view, learned from normal clips alone.

    A view has more weight the higher the normal clips of other machines score in it, and less the
    more it agrees with the other views. The weights are those of a linear discriminant, without
    negative ones.

    Parameters
    ----------
    z : np.ndarray [shape=(n_views, n_clips)]
        Out-of-fold levels of normal clips, of zero mean per machine and unit variance.
    effect : np.ndarray [shape=(n_views,)]
        Mean of the same for other machines' clips. Zeros where there is one machine only; the
        weights then depend on the correlation alone.
    freedom : int
        Degrees of freedom: clips minus machines.

    Returns
    -------
    np.ndarray [shape=(n_views,)]
        Their sum is 1.
    """
    correlation = _CORRELATION * (z @ z.T) / freedom + (1 - _CORRELATION) * np.eye(len(z))
    weights = np.maximum(np.linalg.solve(correlation, _PRIOR + np.maximum(effect, 0.0)), 0.0)
    share: Array = weights / weights.sum()
    return share
