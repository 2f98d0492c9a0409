"""Batches of windows for training and validating the event detector."""

import numpy as np
import numpy.typing as npt

from stethoscope.events.model import normalise
from stethoscope.events.options import EventFit
from stethoscope.events.windows import LabelledWindows
from stethoscope.features.store import FeatureStore
from stethoscope.model.training import Batches, Indices
from stethoscope.sound.definition import Frames

_MOST_GAIN = 0.4  # natural logarithm of the largest change of loudness: 3.5 dB


class LabelledBatches(Batches):
    """Batches of a part's normalised windows with their labels, in order.

    Parameters
    ----------
    store : FeatureStore
    windows : LabelledWindows
    part : str
        One of :data:`stethoscope.events.windows.PARTS`.
    fit : EventFit
    normalisation : (float, float)
        Mean and standard deviation of the training recordings.
    """

    def __init__(
        self,
        store: FeatureStore,
        windows: LabelledWindows,
        part: str,
        fit: EventFit,
        normalisation: tuple[float, float],
    ) -> None:
        self._store, self._windows, self._fit = store, windows, fit
        self._normalisation = normalisation
        self._indices = windows.of(part)
        super().__init__(fit.batch_size)

    def draw_order(self) -> Indices:
        """Return all windows in order."""
        return self._indices

    def gather(self, indices: Indices) -> tuple[npt.NDArray[np.float32], ...]:
        """Return windows, normalised [shape=(n, window, n_bands)], and labels [shape=(n, 1)]."""
        frames = normalise(self._frames(indices), *self._normalisation)
        return frames, self._windows.label[indices, np.newaxis]

    def _frames(self, indices: Indices) -> Frames:
        return self._windows.gather(self._store, indices, self._fit.window)


class TrainingBatches(LabelledBatches):
    """Batches of windows of the training part, in random order.

    With ``fit.augmentation`` they are altered, differently in each epoch.

    Parameters
    ----------
    store : FeatureStore
    windows : LabelledWindows
    fit : EventFit
    normalisation : (float, float)
        Mean and standard deviation of the training recordings.
    per_epoch : int
        Windows in an epoch: as many of the training part are drawn, without repetition.
    weights : (float, float)
        Weight in the loss of windows outside and inside events.
    """

    def __init__(
        self,
        store: FeatureStore,
        windows: LabelledWindows,
        fit: EventFit,
        normalisation: tuple[float, float],
        *,
        per_epoch: int,
        weights: tuple[float, float],
    ) -> None:
        self._per_epoch = per_epoch
        self._weights = np.array(weights, dtype=np.float32)
        self._rng = np.random.default_rng(fit.seed)
        training = windows.of("training")
        self._outside = training[windows.label[training] == 0]
        super().__init__(store, windows, "training", fit, normalisation)

    def draw_order(self) -> Indices:
        """Return the windows of an epoch at random."""
        return self._rng.permutation(self._indices)[: self._per_epoch]

    def gather(self, indices: Indices) -> tuple[npt.NDArray[np.float32], ...]:
        """Return windows and labels, and the weights of the windows in the loss [shape=(n,)]."""
        frames, labels = super().gather(indices)
        return frames, labels, self._weights[labels[:, 0].astype(np.intp)]

    def _frames(self, indices: Indices) -> Frames:
        frames = super()._frames(indices)
        return self._augment(frames) if self._fit.augmentation else frames

    def _augment(self, frames: Frames) -> Frames:
        """Mix other windows without events into half of the windows, and change their loudness.

        The magnitudes of the spectra are added, which is close to the spectra of the sum.
        """
        rng, size = self._rng, (len(frames), 1, 1)
        background = super()._frames(rng.choice(self._outside, len(frames)))
        gain = (rng.uniform(0, 1, size) ** 3 * (rng.random(size) < 0.5)).astype(np.float32)
        loudness = np.exp(rng.uniform(-_MOST_GAIN, _MOST_GAIN, size)).astype(np.float32)
        mixed: Frames = np.log1p(loudness * (np.expm1(frames) + gain * np.expm1(background)))
        return mixed
