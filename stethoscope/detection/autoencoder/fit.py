"""Training of the detectors autoencoder and interpolation; they are described in README.md."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from stethoscope.detection.autoencoder import AUTOENCODER, INTERPOLATION
from stethoscope.detection.autoencoder.training import prediction_errors, train_network
from stethoscope.detection.autoencoder.windows import WindowBatches, given_frames
from stethoscope.detection.detector import Detector
from stethoscope.detection.gaussians import Covariance
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.errors import DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.model.tensorflow import keras
from stethoscope.model.tflite import write_tflite

_HIDDEN = (128, 128, 128, 128, 8, 128, 128, 128, 128)


@dataclass
class Autoencoder(Detector):
    """One network per machine type, for all its ids, that reconstructs `context` frames.

    Parameters
    ----------
    context : int
        Frames per window.
    fit_options : FitOptions
        How the networks are compiled and fitted.
    score : {"mse", "mahalanobis"}
        Score of a window: the mean squared error of the prediction, or the squared Mahalanobis
        distance of the error under the covariance of the training windows' errors, per value.

    Attributes
    ----------
    networks_ : dict of str to keras.Model
        The fitted network of each machine type; input [shape=(batch, n_given * n_mels)], output
        [shape=(batch, n_predicted * n_mels)].
    covariances_ : dict of str to np.ndarray [shape=(n_predicted * n_mels, n_predicted * n_mels)]
        Of the errors, by machine type; empty for the mean squared error.
    squared_errors_ : dict of str to np.ndarray [shape=(n_predicted * n_mels,)]
        Mean square of the errors, by machine type; empty where their covariance is taken.
    curves_ : dict of str to dict
        Loss curves of each machine type.
    """

    kind: ClassVar[str] = AUTOENCODER.name

    context: int = 5
    fit_options: FitOptions = field(default_factory=FitOptions)
    score: str = "mse"

    @classmethod
    def from_options(cls, options: DetectorOptions, fit: FitOptions) -> Self:
        """Make an unfitted detector."""
        return cls(context=options.frames, fit_options=fit, score=options.scores_by)

    @property
    def predicted(self) -> tuple[int, ...]:
        """Frames of a window that the network predicts."""
        return tuple(range(self.context))

    def fit(
        self, store: FeatureStore, training: npt.NDArray[np.intp], held_out: npt.NDArray[np.intp]
    ) -> Self:
        """Fit on the clips `training`; the clips `held_out` only measure the validation loss.

        Raises
        ------
        DatasetError
            If a clip is shorter than a window.
        """
        if (short := store.n_frames[training].min(initial=self.context)) < self.context:
            raise DatasetError(
                f"a clip has {short} frames, fewer than one window; "
                f"extract the features again with feature_frames {self.context}"
            )
        self.networks_: dict[str, keras.Model] = {}
        self.covariances_: dict[str, npt.NDArray[np.float64]] = {}
        self.squared_errors_: dict[str, npt.NDArray[np.float64]] = {}
        self.curves_ = {}
        validation = dict(store.by_type(held_out))
        for machine_type, clips in store.by_type(training):
            self._fit_type(store, machine_type, clips, validation.get(machine_type))
        return self

    def save(self, folder: Path) -> dict[str, Any]:
        """Write ``<type>.keras`` to train on and ``<type>.tflite`` to score with.

        ``<type>.npz`` holds the usual contribution of every value to the error and, where errors
        are measured by their Mahalanobis distance, their inverse covariance.
        """
        for machine_type, network in self.networks_.items():
            network.save(folder / f"{machine_type}.keras")
            bands = network.output_shape[-1] // len(self.predicted)
            write_tflite(
                convolutional(network, self.context, self.predicted),
                folder / f"{machine_type}.tflite",
                shape=(1, None, bands),
                probe=(1, 4 * self.context, bands),
            )
            np.savez(folder / f"{machine_type}.npz", **self._numbers(machine_type))
        return {
            "machine_types": sorted(self.networks_),
            "context": self.context,
            "predicted": list(self.predicted),
            "score": self.score,
            "fit": asdict(self.fit_options),
        }

    def _fit_type(
        self,
        store: FeatureStore,
        machine_type: str,
        training: npt.NDArray[np.intp],
        held_out: npt.NDArray[np.intp] | None,
    ) -> None:
        keras.utils.set_random_seed(self.fit_options.seed)
        n_given = len(given_frames(self.context, self.predicted))
        network = build(n_given * store.feature.size, len(self.predicted) * store.feature.size)
        self.networks_[machine_type] = network
        self.curves_[machine_type] = train_network(
            network,
            self._batches(store, training, training=True),
            None if held_out is None else self._batches(store, held_out, training=False),
            self.fit_options,
            label=f"train {machine_type}",
        )
        if self.score == "mahalanobis":
            self.covariances_[machine_type] = error_covariance(
                network, self._batches(store, training, training=False)
            )
        else:
            self.squared_errors_[machine_type] = mean_squared_errors(
                network, self._batches(store, training, training=False)
            )

    def _numbers(self, machine_type: str) -> dict[str, Any]:
        """Return the arrays of a machine type's ``.npz``, by name."""
        if self.score == "mse":
            return {"usual": self.squared_errors_[machine_type].astype(np.float32)}
        covariance = self.covariances_[machine_type]
        precision = np.linalg.inv(covariance)
        # The mean of e * (P e) over errors of this covariance.
        usual = (precision * covariance).sum(axis=1)
        return {"precision": precision.astype(np.float32), "usual": usual.astype(np.float32)}

    def _batches(
        self, store: FeatureStore, clips: npt.NDArray[np.intp], *, training: bool
    ) -> WindowBatches:
        return WindowBatches(
            store,
            clips,
            self.context,
            self.fit_options,
            training=training,
            predicted=self.predicted,
        )


@dataclass
class Interpolation(Autoencoder):
    """One network per machine type that predicts the middle of `context` frames from the others.

    The number of frames is odd. The hidden layers are those of the autoencoder.
    """

    kind: ClassVar[str] = INTERPOLATION.name

    @property
    def predicted(self) -> tuple[int, ...]:
        """The middle frame."""
        return (self.context // 2,)


def build(size: int, predicted_size: int | None = None) -> keras.Model:
    """Return the untrained network.

    It has nine dense layers of 128 x 4, 8, 128 x 4 units, each with batch normalisation and ReLU,
    and a linear output.

    Parameters
    ----------
    size : int
        Values given per window; 640 gives the baseline's 269,992 parameters.
    predicted_size : int, optional
        Values predicted per window; `size` by default.
    """
    window = keras.Input((size,))
    values = window
    for units in _HIDDEN:
        values = _hidden(values, keras.layers.Dense(units))
    return keras.Model(window, keras.layers.Dense(predicted_size or size)(values))


def convolutional(network: keras.Model, context: int, predicted: Sequence[int]) -> keras.Model:
    """Return the same network for a whole clip.

    A dense layer over `context` stacked frames is a convolution of that width over the clip, with
    weights of zero for frames that are not given; the other layers act on every frame alone.

    Returns
    -------
    keras.Model
        Input [shape=(1, n_frames, n_mels)],
        output [shape=(1, n_frames - context + 1, n_predicted * n_mels)].
    """
    given = given_frames(context, predicted)
    first, *others = network.get_weights()
    bands = len(first) // len(given)
    kernel = np.zeros((context, bands, first.shape[1]), dtype=first.dtype)
    kernel[given] = first.reshape(len(given), bands, -1)
    clip = keras.Input((None, bands))
    values = _hidden(clip, keras.layers.Conv1D(_HIDDEN[0], context))
    for units in _HIDDEN[1:]:
        values = _hidden(values, keras.layers.Dense(units))
    whole = keras.Model(clip, keras.layers.Dense(network.output_shape[-1])(values))
    whole.set_weights([kernel, *others])
    return whole


def error_covariance(network: keras.Model, batches: WindowBatches) -> npt.NDArray[np.float64]:
    """Return the shrunk covariance of a network's errors about zero.

    Returns
    -------
    np.ndarray [shape=(n_values, n_values)]
    """
    covariance = Covariance(network.output_shape[-1])
    for errors in prediction_errors(network, batches):
        covariance.add(errors)
    return covariance.shrunk()


def mean_squared_errors(network: keras.Model, batches: WindowBatches) -> npt.NDArray[np.float64]:
    """Return the mean square of a network's errors, by value [shape=(n_values,)]."""
    total, count = np.zeros(network.output_shape[-1]), 0
    for errors in prediction_errors(network, batches):
        total += (errors.astype(np.float64) ** 2).sum(axis=0)
        count += len(errors)
    return total / max(count, 1)


def _hidden(values: Any, layer: keras.layers.Layer) -> Any:
    return keras.layers.ReLU()(keras.layers.BatchNormalization()(layer(values)))
