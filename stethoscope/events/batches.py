"""Batches of windows for training and validating the event detector."""

import numpy as np
import numpy.typing as npt

from stethoscope.events.mixing import amplify, level_gain, mix
from stethoscope.events.model import normalise
from stethoscope.events.options import EventFit
from stethoscope.events.windows import LabelledWindows
from stethoscope.features.store import FeatureStore
from stethoscope.model.training import Batches, Indices
from stethoscope.sound.definition import Frames

_MOST_GAIN = 0.4  # natural logarithm of the largest change of loudness: 3.5 dB
_MIXED = 0.5  # share of the windows that others are mixed into
_MIXED_WITH_BACKGROUND = 0.7  # the same where there are recordings without events
_FROM_BACKGROUND = 0.75  # share of the mixed-in windows that are from these recordings
_MIX_DB = (-18.0, 6.0)  # level of these over that of the window


class LabelledBatches(Batches):
    """Batches of normalised windows with their labels, in order.

    Parameters
    ----------
    store : FeatureStore
    windows : LabelledWindows
    indices : np.ndarray of int [shape=(n,)]
        Of the windows.
    fit : EventFit
    normalisation : (float, float)
        Mean and standard deviation of the training recordings.
    """

    def __init__(
        self,
        store: FeatureStore,
        windows: LabelledWindows,
        indices: Indices,
        fit: EventFit,
        normalisation: tuple[float, float],
    ) -> None:
        self._store, self._windows, self._fit = store, windows, fit
        self._normalisation = normalisation
        self._indices = indices
        super().__init__(fit.batch_size)

    def draw_order(self) -> Indices:
        """Return the windows in order."""
        return self._indices

    def gather(self, indices: Indices) -> tuple[npt.NDArray[np.float32], ...]:
        """Return windows, normalised [shape=(n, window, n_bands)], and labels.

        The labels [shape=(n, n_classes)] are 1 inside an event.
        """
        frames = normalise(self._frames(indices), *self._normalisation)
        return frames, self._windows.label[indices]

    def _frames(self, indices: Indices) -> Frames:
        return self._windows.gather(self._store, indices, self._fit.window)


class TrainingBatches(LabelledBatches):
    """Batches of windows of the training parts, in random order.

    With ``fit.augmentation`` they are altered, differently in each epoch.

    Parameters
    ----------
    store : FeatureStore
    windows : LabelledWindows
    fit : EventFit
    normalisation : (float, float)
        Mean and standard deviation of the training recordings.
    per_epoch : (int, int)
        Windows in an epoch, of the labelled recordings and of the background: as many are drawn,
        without repetition.
    weights : (array, array) [shape=(n_classes,)]
        Weights in the loss of windows outside and inside events of each class.
    """

    def __init__(
        self,
        store: FeatureStore,
        windows: LabelledWindows,
        fit: EventFit,
        normalisation: tuple[float, float],
        *,
        per_epoch: tuple[int, int],
        weights: tuple[npt.ArrayLike, npt.ArrayLike],
    ) -> None:
        self._per_epoch = per_epoch
        self._outside_weight, self._inside_weight = (np.asarray(one, np.float32) for one in weights)
        self._rng = np.random.default_rng(fit.seed)
        training = windows.of("training")
        self._outside = training[~windows.label[training].any(axis=1)]
        self._background = windows.of("background-training")
        super().__init__(store, windows, training, fit, normalisation)

    def draw_order(self) -> Indices:
        """Return the windows of an epoch at random."""
        labelled, background = self._per_epoch
        drawn = self._rng.permutation(self._indices)[:labelled]
        if not background:
            return drawn
        others = self._rng.permutation(self._background)[:background]
        return self._rng.permutation(np.concatenate([drawn, others]))

    def gather(self, indices: Indices) -> tuple[npt.NDArray[np.float32], ...]:
        """Return windows, labels, and the weight of every label in the loss."""
        frames, labels = super().gather(indices)
        weights = np.where(labels > 0, self._inside_weight, self._outside_weight)
        return frames, labels, weights

    def _frames(self, indices: Indices) -> Frames:
        frames = super()._frames(indices)
        return self._augment(frames) if self._fit.augmentation else frames

    def _augment(self, frames: Frames) -> Frames:
        """Mix other windows without events into some of the windows, and change their loudness."""
        rng, size = self._rng, (len(frames), 1, 1)
        loudness = np.exp(rng.uniform(-_MOST_GAIN, _MOST_GAIN, size))
        share = _MIXED_WITH_BACKGROUND if len(self._background) else _MIXED
        mixed = np.flatnonzero(rng.random(len(frames)) < share)
        background = super()._frames(self._draw_background(len(mixed)))
        if len(self._background):
            over = 10 ** (rng.uniform(*_MIX_DB, (len(mixed), 1, 1)) / 20)
            gain = level_gain(frames[mixed], background) * over
        else:
            gain = rng.uniform(0, 1, (len(mixed), 1, 1)) ** 3
        frames[mixed] = mix(frames[mixed], background, gain)
        return amplify(frames, loudness)

    def _draw_background(self, n: int) -> Indices:
        """Return windows without events, most of them of the background where there is one."""
        own = self._rng.choice(self._outside, n)
        if not len(self._background):
            return own
        others = self._rng.choice(self._background, n)
        return np.where(self._rng.random(n) < _FROM_BACKGROUND, others, own)
