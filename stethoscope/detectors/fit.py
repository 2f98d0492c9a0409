"""How a network is fitted: the ``fit_*`` parameters, batches of windows gathered by index, progress."""

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from stethoscope.detectors.options import FitOptions
from stethoscope.errors import ParameterError
from stethoscope.features.logmel import Frames
from stethoscope.features.store import FeatureStore
from stethoscope.progress import Bar


class Fit(FitOptions):
    """Compiles and fits a network as the options say."""

    def compile(self, model: keras.Model) -> None:
        """Give `model` its optimizer and loss."""
        # Ten batches per call: half of the time of a small network is spent on the way to it.
        model.compile(self.optimizer, self.loss, steps_per_execution=10)

    def __call__(self, model: keras.Model, training: "Windows", validation: "Windows | None", *, label: str) -> dict[str, list[float]]:
        """Fit `model` and return its loss curves, ``{"loss": [...], "val_loss": [...]}``, each evenly spaced up to the last epoch."""
        self.compile(model)
        history = model.fit(
            training,
            validation_data=validation,
            validation_freq=self._epochs_between_validations(),
            epochs=self.epochs,
            verbose=0,
            callbacks=[Progress(label, self.epochs, self.verbose)],
        )
        curves = {name: [float(value) for value in values] for name, values in history.history.items()}
        if not np.isfinite(curves["loss"]).all():
            raise ParameterError(
                f"training diverged after {int(np.argmin(np.isfinite(curves['loss'])))} epochs (the loss is not finite); "
                f"choose another fit_compile_optimizer or fit_compile_loss"
            )
        return curves

    def _epochs_between_validations(self) -> int:
        """Return how often to validate: once for about as many windows as an epoch has, evenly, and after the last epoch."""
        return max(every for every in range(1, round(1 / self.epoch_share) + 1) if self.epochs % every == 0)


class Windows(keras.utils.PyDataset):
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
        Frames of the window that are left out and to be predicted; by default all frames are given and all predicted.

    Notes
    -----
    A batch is a pair of the frames given [shape=(batch, n_given * n_mels)], frame after frame, and those to be predicted.
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
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._predicted = list(range(context) if predicted is None else predicted)
        self._given = given_frames(context, self._predicted)
        self._store = store
        self._starts = window_starts(store, clips, context)
        # Every window of the store as one row, overlapping in place.
        frames = store.frames
        self._windows = np.lib.stride_tricks.as_strided(
            frames, (max(0, len(frames) - context + 1), context * frames.shape[1]), frames.strides, writeable=False
        )
        # A share of the windows in as many steps: a small set has no steps to spare.
        self._batch_size = max(1, round(fit.batch_size * fit.epoch_share)) if training else fit.batch_size
        self._rng = np.random.default_rng(fit.seed) if training and fit.shuffle else None
        self._count = max(1, round(len(self._starts) * fit.epoch_share)) if training else len(self._starts)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-self._count // self._batch_size)

    def __getitem__(self, batch: int) -> tuple[Frames, Frames]:
        windows = self._windows[self._order[batch * self._batch_size : (batch + 1) * self._batch_size]]
        self._store.release()
        if self._given == self._predicted:
            return windows, windows
        frames = windows.reshape(len(windows), -1, self._store.feature.size)
        given, predicted = (frames[:, chosen].reshape(len(frames), -1) for chosen in (self._given, self._predicted))
        return given, predicted

    def on_epoch_end(self) -> None:
        """Draw the next epoch's windows; without shuffling these are evenly spaced."""
        if self._rng is not None:
            self._order = self._rng.permutation(self._starts)[: self._count]
        else:
            self._order = self._starts[np.linspace(0, len(self._starts) - 1, self._count).round().astype(np.intp)]


def given_frames(context: int, predicted: Sequence[int]) -> list[int]:
    """Return the frames of a window that a network is given: those it need not predict, or all if it predicts all."""
    return [frame for frame in range(context) if frame not in predicted] or list(range(context))


def window_starts(store: FeatureStore, clips: npt.NDArray[np.intp], context: int) -> npt.NDArray[np.int64]:
    """Return the first frames of all windows of `context` frames that lie wholly within one of the `clips`."""
    spans = zip(store.first_frame[clips], store.n_frames[clips], strict=True)
    return np.concatenate([np.arange(first, first + count - context + 1) for first, count in spans])


class Progress(keras.callbacks.Callback):
    """Shows the epochs: 0 not at all, 1 as a bar, 2 as a line each."""

    def __init__(self, label: str, epochs: int, verbose: int) -> None:
        super().__init__()
        self._epochs = epochs
        self._lines = verbose == 2
        self._bar = Bar(label, epochs, unit="epoch") if verbose == 1 else None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        losses = "  ".join(f"{name} {value:.5g}" for name, value in (logs or {}).items())
        if self._bar:
            self._bar.advance(losses)
        elif self._lines:
            print(f"epoch {epoch + 1}/{self._epochs}  {losses}", flush=True)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002  # Keras's signature
        if self._bar:
            self._bar.close()
