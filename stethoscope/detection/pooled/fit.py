"""The default detector: pooled spectra and a Gaussian per machine, fitted in seconds.

`pooled-gmm` belongs to the family of Gaussian mixtures on rank-pooled spectra (TWFR-GMM): one
component per machine, with a covariance that all machines of a type share, since a machine rarely
comes with as many recordings as a mixture needs. Instead of a pooling order tuned on anomalies,
four fixed poolings vote; how much each counts is learned from normal clips.

References
----------
J. Guan et al., "Time-weighted frequency domain audio representation with GMM estimator for
anomalous sound detection", ICASSP 2023.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from stethoscope.detection.gaussians import Covariance
from stethoscope.detection.pooled.score import (
    MIN_FRAMES,
    VIEWS,
    Array,
    Gaussians,
    PooledModel,
    Pooling,
    vote,
)
from stethoscope.detection.spectra_sums import SpectraSums
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.machines import machine_key
from stethoscope.progress import track

Indices = npt.NDArray[np.intp]
Segments = Sequence[npt.NDArray[np.float32]]

FOLDS = 10
"""Parts that a machine's recordings are dealt into to learn the views' scales and weights: nearly
all are heard each time.
"""

SESSIONS = 3
"""Parts of neighbouring recordings that are left out together for the scores behind the thresholds.

Recordings come in sessions: a clip whose neighbours were heard scores far lower than tomorrow's
will.
"""

_PRIOR = 0.3  # standard deviations that every view is believed to see before normal clips have said anything
_CORRELATION = 0.5  # share of the measured correlation between views that is believed
_LEAST_SCALE = 1e-3


@dataclass
class PooledGmm:
    """Four pooled views of a clip, a Gaussian of each per machine, and a vote. One model per
    machine type.

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

    kind: ClassVar[str] = "pooled-gmm"
    cross_fits: ClassVar[bool] = True

    pooling: Pooling = field(default_factory=Pooling)

    def fit(self, store: FeatureStore, training: Indices, held_out: Indices) -> Self:  # noqa: ARG002
        """Fit on the clips `training`, and score each of them by Gaussians fitted without it; those
        `held_out` are not used.

        Raises
        ------
        DatasetError
            If a machine has fewer than two recordings, or a clip is too short.
        """
        clips = np.sort(training)
        if (short := store.n_frames[clips].min(initial=MIN_FRAMES)) < MIN_FRAMES:
            raise DatasetError(
                f"a clip has {short} frames, pooled-gmm needs {MIN_FRAMES}; extract the features again with feature_frames 5"
            )
        self.models_: dict[str, PooledModel] = {}
        self.curves_: dict[str, dict[str, list[float]]] = {}
        self.out_of_fold_: Array | None = np.empty(len(clips))
        for machine_type, members in store.by_type(clips):
            self.models_[machine_type], self.out_of_fold_[np.searchsorted(clips, members)] = (
                self._fit_type(store, members, machine_type)
            )
        return self

    def save(self, folder: Path) -> dict[str, Any]:
        """Write ``<type>.npz``; return what model.json says of them."""
        for machine_type, model in self.models_.items():
            model.save(folder / f"{machine_type}.npz")
        return {
            "machines": {name: list(model.ids) for name, model in self.models_.items()},
            "pooling": asdict(self.pooling),
        }

    def _fit_type(
        self, store: FeatureStore, clips: Indices, machine_type: str
    ) -> tuple[PooledModel, Array]:
        ids, owners = np.unique(
            [store.clips[index].machine_id for index in clips], return_inverse=True
        )
        order = _order(
            [store.clips[index].recording for index in clips],
            [machine_key(machine_type, name) for name in ids],
            owners,
        )
        views: dict[str, list[npt.NDArray[np.float32]]] = {view: [] for view in VIEWS}
        spectra = SpectraSums(len(ids), store.feature.size)
        rate = store.feature.sample_rate / store.feature.hop_length
        for index, owner in track(
            zip(clips, owners, strict=True), label=f"pool {machine_type}", total=len(clips)
        ):
            frames = np.array(store.clip_frames(index))
            store.release()
            spectra.add(frames, owner)
            for view, pooled in self.pooling(frames, rate).items():
                views[view].append(pooled.astype(np.float32))

        unheard = self._out_of_fold(views, owners, order.dealt(FOLDS))
        every = np.arange(len(clips))
        own = unheard[:, every, owners]
        centre = np.stack(
            [own[:, owners == machine].mean(axis=1) for machine in range(len(ids))], axis=1
        )
        residuals = own - centre[:, owners]
        freedom = max(1, len(clips) - len(ids))
        scale = np.maximum(np.sqrt((residuals**2).sum(axis=1) / freedom), _LEAST_SCALE)
        z = residuals / scale[:, np.newaxis]
        strangeness = (unheard - centre[:, np.newaxis]) / scale[:, np.newaxis, np.newaxis]
        strangeness[:, every, owners] = np.nan
        effect = np.nanmean(strangeness, axis=(1, 2)) if len(ids) > 1 else np.zeros(len(VIEWS))
        weights = view_weights(z, effect, freedom)
        gaussians = {
            view: fit_gaussians(segments, owners, len(ids)) for view, segments in views.items()
        }
        model = PooledModel(
            tuple(map(str, ids)), gaussians, centre, scale, weights, spectra.normal()
        )
        tomorrow = self._out_of_fold(views, owners, order.cut(SESSIONS))[:, every, owners]
        return model, vote((tomorrow - centre[:, owners]) / scale[:, np.newaxis], weights)

    def _out_of_fold(self, views: Mapping[str, Segments], owners: Indices, fold: Indices) -> Array:
        """Return the level of every clip in every view, taken as each of the machines, by Gaussians
        that have not heard it.

        Returns
        -------
        np.ndarray [shape=(n_views, n_clips, n_machines)]
        """
        n_machines = owners.max() + 1
        levels = np.empty((len(views), len(owners), n_machines))
        for row, segments in enumerate(views.values()):
            for part in range(fold.max() + 1):
                heard, unheard = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
                gaussians = fit_gaussians(
                    [segments[i] for i in heard.tolist()], owners[heard], n_machines
                )
                levels[row, unheard] = self._levels(
                    gaussians, [segments[i] for i in unheard.tolist()]
                )
        return levels

    def _levels(self, gaussians: Gaussians, segments: Segments) -> Array:
        """Return the levels of clips, taken as each of the machines [shape=(n_clips, n_machines)]."""
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


def fit_gaussians(segments: Segments, owners: Indices, n_machines: int) -> Gaussians:
    """Fit a mean per machine and a covariance of all, from the segments of clips.

    Parameters
    ----------
    segments : sequence of np.ndarray [shape=(n_segments, n_values)]
        Of each clip.
    owners : np.ndarray of int [shape=(n_clips,)]
        Machine of each clip, from 0.
    n_machines : int
    """
    size = segments[0].shape[1]
    means, covariance = np.empty((n_machines, size)), Covariance(size)
    for machine in range(n_machines):
        values = np.concatenate(
            [segments[i] for i in np.flatnonzero(owners == machine).tolist()]
        ).astype(np.float64)
        means[machine] = values.mean(axis=0)
        covariance.add(values - means[machine])
    return Gaussians(means, covariance.precision())


def view_weights(z: Array, effect: Array, freedom: int) -> Array:
    """Say how much each view counts, from normal clips alone.

    A view counts for what it has shown that it can hear, which is how strange other machines'
    normal clips look in it, and for less the more the other views say the same: the weights of a
    linear discriminant, of which none is negative.

    Parameters
    ----------
    z : np.ndarray [shape=(n_views, n_clips)]
        Levels of normal clips by models that had not heard them, of zero mean per machine and unit
        variance.
    effect : np.ndarray [shape=(n_views,)]
        Mean of the same for other machines' clips; zeros where there is one machine only, and
        correlation alone decides.
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


class _Order(NamedTuple):
    """Where each clip's recording stands among its machine's, in the order of their names, and how
    many those are.
    """

    place: Indices
    total: Indices

    def dealt(self, parts: int) -> Indices:
        """Return the part of each clip when recordings are dealt out in turn."""
        return self.place % np.minimum(parts, self.total)

    def cut(self, parts: int) -> Indices:
        """Return the part of each clip when recordings are cut into runs of neighbours."""
        return self.place * np.minimum(parts, self.total) // self.total


def _order(recordings: Sequence[str], machines: Sequence[str], owners: Indices) -> _Order:
    order = _Order(np.empty_like(owners), np.empty_like(owners))
    for number, machine in enumerate(machines):
        mine = np.flatnonzero(owners == number)
        names, which = np.unique(np.asarray(recordings)[mine], return_inverse=True)
        if len(names) < 2:
            raise DatasetError(
                f"{machine} has only {len(names)} normal recording to train on, detector pooled-gmm needs 2 or more; "
                f"record more, or leave this machine out"
            )
        order.place[mine], order.total[mine] = which, len(names)
    return order
