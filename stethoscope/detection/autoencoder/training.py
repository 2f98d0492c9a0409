"""How a network is fitted: the ``fit_*`` parameters, batches of windows gathered by index,
progress.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from stethoscope.detection.options import FitOptions
from stethoscope.errors import ParameterError
from stethoscope.features.store import FeatureStore
from stethoscope.model.progress import EpochProgress
from stethoscope.sound.logmel import Frames

Batches = tuple[Frames, Frames]

_WINDOWS_AT_ONCE = 8192
_ENOUGH_STEPS = 20_000


class Fit(FitOptions):
    """Compiles and fits a network as the options say."""

    def __call__(
        self, model: keras.Model, training: "Windows", validation: "Windows | None", *, label: str
    ) -> dict[str, list[float]]:
        """Fit `model` and return its loss curves, ``{"loss": [...], "val_loss": [...]}``, each
        evenly spaced up to the last epoch.
        """
        model.compile(self.optimizer, self.loss)
        model.optimizer.build(model.trainable_variables)
        # Many of Keras's steps in one call: a small network spends a third of `Model.fit` on the
        # way to them.
        learn, measure = (_loop(model, step) for step in (model.train_step, model.test_step))
        curves: dict[str, list[float]] = (
            {"loss": []} if validation is None else {"loss": [], "val_loss": []}
        )
        between = self._epochs_between_validations()
        progress = EpochProgress(label, self.epochs, self.verbose)
        for epoch in range(self.epochs):
            losses = {"loss": _mean_loss(model, learn, training)}
            if validation is not None and (epoch + 1) % between == 0:
                losses["val_loss"] = _mean_loss(model, measure, validation)
            for name, loss in losses.items():
                curves[name].append(loss)
            progress.on_epoch_end(epoch, losses)
            if not np.isfinite(list(losses.values())).all():
                raise ParameterError(
                    f"training diverged after {epoch} epochs (the loss is not finite); "
                    f"choose another fit_compile_optimizer or fit_compile_loss"
                )
        progress.on_train_end()
        return curves

    def _epochs_between_validations(self) -> int:
        """Return how often to validate: once for about as many windows as an epoch has, evenly, and
        after the last epoch.
        """
        return max(
            every for every in range(1, round(1 / self.epoch_share) + 1) if self.epochs % every == 0
        )


def _loop(model: keras.Model, step: Callable[..., Any]) -> Callable[[Frames, Frames], None]:
    """Return the graph that takes a step of `model` for every batch of [shape=(n_batches, batch,
    n_values)].
    """
    given, wanted = (
        tf.TensorSpec((None, None, shape[-1])) for shape in (model.input_shape, model.output_shape)
    )

    def steps(given: Any, wanted: Any) -> None:
        for batch in tf.range(tf.shape(given)[0]):
            step((given[batch], wanted[batch]))

    compiled: Callable[[Frames, Frames], None] = tf.function(steps, input_signature=[given, wanted])
    return compiled


def _mean_loss(
    model: keras.Model, steps: Callable[[Frames, Frames], None], windows: "Windows"
) -> float:
    """Take a step for every batch of `windows`; return the mean loss."""
    model.reset_metrics()
    for given, wanted in windows:
        steps(given, wanted)
    return float(model.get_metrics_result()["loss"])


class Windows:
    """Batches of windows gathered by index from the feature store: nothing is stacked beforehand.

    Parameters
    ----------
    store : FeatureStore
    clips : np.ndarray of int
        Indices of the clips.
    context : int
        Frames per window.
    fit : Fit
    training : bool
        Draw windows as `fit` says; otherwise take all of them in order.
    predicted : sequence of int, optional
        Frames of the window that are left out and to be predicted; by default all frames are given
        and all predicted.

    Notes
    -----
    Iterating yields some batches at a time: the frames given [shape=(n_batches, batch, n_given *
    n_mels)], frame after frame, and those to be predicted. The last batch of an epoch may be
    smaller and then comes alone.
    """

    def __init__(
        self,
        store: FeatureStore,
        clips: npt.NDArray[np.intp],
        context: int,
        fit: Fit,
        *,
        training: bool,
        predicted: Sequence[int] | None = None,
    ) -> None:
        self._predicted = list(range(context) if predicted is None else predicted)
        self._given = given_frames(context, self._predicted)
        self._store = store
        self._starts = window_starts(store, clips, context)
        # Every window of the store as one row, overlapping in place.
        frames = store.frames
        self._windows = np.lib.stride_tricks.as_strided(
            frames,
            (max(0, len(frames) - context + 1), context * frames.shape[1]),
            frames.strides,
            writeable=False,
        )
        self._rng = np.random.default_rng(fit.seed) if training and fit.shuffle else None
        share = fit.epoch_share if training else 1.0
        self._count = max(1, round(len(self._starts) * share))
        # What a network learns depends on the number of steps more than on their size: where a
        # share of the windows would leave too few of them, batches shrink, at most in proportion.
        smallest = max(1, round(fit.batch_size * share))
        self._batch_size = min(
            fit.batch_size, max(smallest, self._count * fit.epochs // _ENOUGH_STEPS)
        )

    @property
    def n_batches(self) -> int:
        """Batches per epoch."""
        return -(-self._count // self._batch_size)

    def __iter__(self) -> Iterator[Batches]:
        order = self._draw()
        size = self._batch_size
        whole = self._count // size
        at_once = max(1, _WINDOWS_AT_ONCE // size)
        for first in range(0, whole, at_once):
            yield self._gather(
                order[first * size : min(first + at_once, whole) * size].reshape(-1, size)
            )
        if self._count % size:
            yield self._gather(order[np.newaxis, whole * size :])

    def _gather(self, starts: npt.NDArray[np.int64]) -> Batches:
        windows = np.empty((*starts.shape, self._windows.shape[1]), dtype=np.float32)
        for batch, rows in zip(windows, starts, strict=True):
            batch[:] = self._windows[rows]
            self._store.release()
        if self._given == self._predicted:
            return windows, windows
        frames = windows.reshape(*starts.shape, -1, self._store.feature.size)
        given, predicted = (
            frames[:, :, chosen].reshape(*starts.shape, -1)
            for chosen in (self._given, self._predicted)
        )
        return given, predicted

    def _draw(self) -> npt.NDArray[np.int64]:
        """Return the first frames of an epoch's windows; without shuffling these are evenly spaced."""
        if self._rng is not None:
            return self._rng.permutation(self._starts)[: self._count]
        return self._starts[
            np.linspace(0, len(self._starts) - 1, self._count).round().astype(np.intp)
        ]


def given_frames(context: int, predicted: Sequence[int]) -> list[int]:
    """Return the frames of a window that a network is given: those it need not predict, or all if
    it predicts all.
    """
    return [frame for frame in range(context) if frame not in predicted] or list(range(context))


def window_starts(
    store: FeatureStore, clips: npt.NDArray[np.intp], context: int
) -> npt.NDArray[np.int64]:
    """Return the first frames of all windows of `context` frames that lie wholly within one of the
    `clips`.
    """
    spans = zip(store.first_frame[clips], store.n_frames[clips], strict=True)
    return np.concatenate([np.arange(first, first + count - context + 1) for first, count in spans])
