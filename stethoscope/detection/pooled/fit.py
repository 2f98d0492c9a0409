"""Training of the detector pooled-gmm; it is described in README.md."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from stethoscope.detection.detector import Detector
from stethoscope.detection.gaussians import Gaussians, fit_gaussians
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.pooled import POOLED_GMM
from stethoscope.detection.pooled.courses import Array
from stethoscope.detection.pooled.folds import Indices, RecordingOrder
from stethoscope.detection.pooled.pooling import MIN_FRAMES, Pooling
from stethoscope.detection.pooled.score import RECIPE, LengthOffsets, PooledModel
from stethoscope.detection.spectra import NormalSpectra
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.machines import machine_key
from stethoscope.parallel import map_in_order
from stethoscope.progress import track
from stethoscope.sound.definition import Frames
from stethoscope.stats.moments import Moments

Segments = Sequence[npt.NDArray[np.float32]]
Views = dict[str, list[npt.NDArray[np.float32]]]

FOLDS = 10
"""Folds that a machine's recordings are dealt to, to learn the scales and weights of the views.

With many folds, nearly all recordings are fitted each time. Where a machine has several recording
sessions, the folds are whole sessions, and also give the scores that set the thresholds.
"""

SESSIONS = 3
"""Folds of neighbouring recordings, for the scores that set the thresholds.

This is for machines whose sessions are not known. Recordings are made in sessions. A clip scores
far lower if its neighbours were fitted than a clip of a later session will.
"""

_BLOCK = 64  # clips whose frames stay in memory at least
_LENGTH_STEPS = 3  # the training length is halved so many times, to learn the length offsets
_LEAST_DEVIATION = 0.05  # dB, nepers for modulation and rhythm: far below what can be measured
_PRIOR = 0.3  # effect in standard deviations that every view is assumed to have beforehand
_CORRELATION = 0.5  # share of the measured correlation between views that is used
_LEAST_SCALE = 1e-3
_GOLDEN_RATIO = 0.6180339887498949


@dataclass
class PooledGmm(Detector):
    """Five pooled views of a clip, a Gaussian of each per machine, and a weighted mean.

    There is one model per machine type.

    Parameters
    ----------
    pooling : Pooling

    Attributes
    ----------
    models_ : dict of str to PooledModel
        By machine type.
    out_of_fold_ : np.ndarray [shape=(n_clips,)]
        Score to expect of each clip if it came from a session that was not trained on, in the
        order of the clips' indices. It is the score by Gaussians fitted without the clip's
        recording session. Where a machine's sessions are not known, it is the score by Gaussians
        fitted without the clip's recording and the neighbouring ones, plus the shift between
        sessions (:func:`session_shift`).
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
            "recipe": RECIPE,
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
            [store.clips[index] for index in clips],
            [machine_key(machine_type, str(name)) for name in ids],
            owners,
        )
        pooled, spectra = self._pool(store, clips, owners, machine_type)
        dealt, short = self._out_of_fold_levels(pooled, owners, order.interleaved(FOLDS))
        centre, scale, weights = _scale_views(dealt, owners)
        own_centre, unit = centre[:, owners], scale[:, np.newaxis]

        def combined(levels: Array) -> Array:
            return self.pooling.combine((levels - own_centre) / unit, weights)

        lengths = _length_offsets(pooled.lengths, [combined(levels) for levels in short])
        model = PooledModel(
            tuple(map(str, ids)),
            {view: _fit_view(views, owners, len(ids)) for view, views in pooled.whole.items()},
            centre,
            scale,
            weights,
            spectra,
            lengths,
        )
        scores = combined(_own(dealt, owners))
        if (assumed := order.sessions == 1).any():
            neighbours, _ = self._out_of_fold_levels(
                replace(pooled, cuts=[], lengths=pooled.lengths[-1:]),
                owners,
                order.contiguous(SESSIONS),
            )
            left_out = combined(_own(neighbours, owners))[assumed]
            scores[assumed] = left_out + session_shift(left_out, scores[assumed])
        return model, scores - lengths.of(store.n_frames[clips])

    def _pool(
        self, store: FeatureStore, clips: Indices, owners: Indices, machine_type: str
    ) -> tuple["_Pooled", NormalSpectra]:
        """Return the pooled clips, whole and cut, and the normal spectra of the machines."""
        lengths = _shorter_lengths(int(np.median(store.n_frames[clips])))
        rate = store.feature.sample_rate / store.feature.hop_length

        def pool(number: int) -> tuple[Frames, list[dict[str, npt.NDArray[np.float32]]]]:
            frames = np.array(store.clip_frames(clips[number]))
            parts = [frames, *(_part(frames, length, number) for length in lengths[:-1])]
            views = [self.pooling(part, rate) for part in parts]
            return frames, [
                {view: segments.astype(np.float32) for view, segments in one.items()}
                for one in views
            ]

        whole: Views = {view: [] for view in self.pooling.views}
        cuts: list[Views] = [{view: [] for view in whole} for _ in lengths[:-1]]
        moments = Moments(store.feature.size, n_groups=int(owners.max()) + 1)
        pooled = map_in_order(pool, range(len(clips)))
        for number, (frames, parts) in enumerate(
            track(pooled, label=f"pool {machine_type}", total=len(clips))
        ):
            moments.add(frames, owners[number])
            for views, part in zip([whole, *cuts], parts, strict=True):
                for view, segments in part.items():
                    views[view].append(segments)
            if number % _BLOCK == 0:
                store.release()
        spectra = NormalSpectra(moments.mean(), moments.variance())
        return _Pooled(whole, cuts, lengths), spectra

    def _out_of_fold_levels(
        self, pooled: "_Pooled", owners: Indices, fold: Indices
    ) -> tuple[Array, list[Array]]:
        """Return the levels of clips by Gaussians fitted without their fold.

        Returns
        -------
        whole : np.ndarray [shape=(n_views, n_clips, n_machines)]
            Levels of the whole clips as each machine.
        cuts : list of np.ndarray [shape=(n_views, n_clips)]
            Levels of the cut clips as their own machine, by length.
        """
        n_machines = int(owners.max()) + 1
        shape = (len(pooled.whole), len(owners), n_machines)
        whole, cuts = np.empty(shape), [np.empty(shape) for _ in pooled.cuts]
        for row, view in enumerate(pooled.whole):
            for part in range(fold.max() + 1):
                fitted, left_out = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
                gaussians = _fit_view(
                    [pooled.whole[view][i] for i in fitted.tolist()], owners[fitted], n_machines
                )
                for levels, views in zip([whole, *cuts], [pooled.whole, *pooled.cuts], strict=True):
                    levels[row, left_out] = self._levels(
                        view, gaussians, [views[view][i] for i in left_out.tolist()]
                    )
        return whole, [_own(levels, owners) for levels in cuts]

    def _levels(self, view: str, gaussians: Gaussians, segments: Segments) -> Array:
        """Return the levels of clips in a view as each machine [shape=(n_clips, n_machines)]."""
        levels = np.empty((len(segments), len(gaussians.means)))
        counts = np.array([len(one) for one in segments])
        for count in np.unique(counts):
            alike = np.flatnonzero(counts == count)
            stack = np.stack([segments[i] for i in alike.tolist()])
            for machine in range(len(gaussians.means)):
                levels[alike, machine] = self.pooling.log_distance(view, stack, gaussians, machine)
        return levels


@dataclass(frozen=True)
class _Pooled:
    """Pooled clips of a machine type.

    Attributes
    ----------
    whole : dict of str to list of np.ndarray [shape=(n_segments, n_values)]
        Segments of every clip, by view.
    cuts : list of dict
        The same of clips cut to a part, for each of `lengths` but the last.
    lengths : list of int
        Frames, in increasing order; the last is the length of a whole clip.
    """

    whole: Views
    cuts: list[Views]
    lengths: list[int]


def _fit_view(segments: Segments, owners: Indices, n_machines: int) -> Gaussians:
    return fit_gaussians(segments, owners, n_machines, least_deviation=_LEAST_DEVIATION)


def _shorter_lengths(length: int) -> list[int]:
    """Return an eighth, a quarter, a half and the whole of a length in frames.

    None is shorter than :data:`MIN_FRAMES`.
    """
    halved = [length / 2**step for step in range(_LENGTH_STEPS + 1)]
    return sorted({max(MIN_FRAMES, round(one)) for one in halved})


def _part(frames: Frames, length: int, number: int) -> Frames:
    """Return `length` frames of the clip of this number, from another place for every clip.

    Places are spread evenly over the clip by the golden ratio. A shorter clip is returned whole.
    """
    start = int((number * _GOLDEN_RATIO) % 1 * max(0, len(frames) - length + 1))
    return frames[start : start + length]


def _length_offsets(lengths: Sequence[int], scores: Sequence[Array]) -> LengthOffsets:
    """Return the offsets of lengths from the scores of clips that are cut to all but the last."""
    means = [float(one.mean()) for one in scores]
    return LengthOffsets(np.array(lengths, dtype=np.float64), np.array([*means, 0.0]))


def session_shift(sessions: Array, dealt: Array) -> float:
    """Return how much higher clips of a session score that was not trained on; not below 0.

    This is for machines whose sessions are not known, or that have only one. Recordings are made in
    sessions. A clip scores lower if recordings of its own session were fitted than if its
    neighbours were left out as well. But a third of the recordings left out still shares its
    sessions with the rest, so only a part of the shift is seen. The part that is seen is therefore
    added once more.

    Parameters
    ----------
    sessions : np.ndarray [shape=(n_clips,)]
        Scores with the neighbouring recordings left out.
    dealt : np.ndarray [shape=(n_clips,)]
        Scores with recordings from all over the set left out.
    """
    return max(0.0, float(sessions.mean() - dealt.mean()))


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
