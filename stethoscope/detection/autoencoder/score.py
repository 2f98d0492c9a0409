"""Scoring by the error of a network's predictions: the autoencoder and interpolation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.checks import Check, check, fields, file_name, items, text, whole
from stethoscope.detection.evidence import Evidence
from stethoscope.detection.scorer import Scorer, of_type
from stethoscope.model.arrays import floats, read_arrays
from stethoscope.model.network import Network
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel

_MODEL = fields(
    {
        "machine_types": items(file_name, least=1, distinct=True),
        "score": text("mse", "mahalanobis"),
        "context": whole(least=1, most=10_000),
        "predicted": items(whole(), least=1, distinct=True),
    }
)
_NUMBERS = {"precision": floats("values", "values")}
_USUAL = {"usual": floats("values", optional=True)}

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Predictor:
    """The network of a machine type, and how its errors are distributed.

    Attributes
    ----------
    network : Network
    precision : np.ndarray or None [shape=(n_predicted * n_mels, n_predicted * n_mels)]
        Inverse covariance of the errors; None where their mean square is taken.
    usual : np.ndarray or None [shape=(n_predicted, n_mels)]
        Mean contribution of every value to the errors of training clips; None for a model of an
        old version.
    """

    network: Network
    precision: Float32 | None = None
    usual: Float32 | None = None

    @classmethod
    def open(cls, folder: Path, machine_type: str, score: str, bands: int, values: int) -> Self:
        """Read the files of a machine type.

        Parameters
        ----------
        folder : Path
        machine_type, score : str
        bands : int
            Values per frame.
        values : int
            Values that the network predicts for each window.
        """
        network = Network(folder / f"{machine_type}.tflite", (1, None, bands))
        path = folder / f"{machine_type}.npz"
        declared = _USUAL if score == "mse" else {**_NUMBERS, **_USUAL}
        if score == "mse" and not path.is_file():  # as in models of an old version
            return cls(network)
        numbers = read_arrays(path, declared, values=values)
        usual = numbers.get("usual")
        return cls(
            network,
            numbers.get("precision"),
            None if usual is None else usual.reshape(-1, bands),
        )


def _predicted_of(context: int) -> Check:
    return fields({"predicted": items(whole(least=0, most=context - 1))})


class PredictionScorer(Scorer):
    """Error of a network's predictions, averaged over all windows of a clip.

    The exported network takes a whole clip. Its first layer is a convolution over `context` frames,
    so the windows, which overlap, need not be stacked.
    """

    def __init__(
        self,
        predictors: dict[str, Predictor],
        context: int,
        predicted: Sequence[int],
        feature: LogMel,
    ) -> None:
        self.predictors = predictors
        self.predicted = list(predicted)
        self.feature = feature
        self.min_frames = context

    @classmethod
    def open(cls, folder: Path, model: dict[str, Any], feature: LogMel) -> Self:
        """Read one network per machine type."""
        check(folder / "model.json", model, _MODEL)
        context, predicted = model["context"], model["predicted"]
        check(folder / "model.json", {"predicted": predicted}, _predicted_of(context))
        values = len(predicted) * feature.n_mels
        predictors = {
            name: Predictor.open(folder, name, model["score"], feature.n_mels, values)
            for name in model["machine_types"]
        }
        return cls(predictors, context, predicted, feature)

    def score(self, frames: Frames, machine: str) -> float:
        """Return the mean squared error, or mean squared Mahalanobis distance, over all windows."""
        error = self._error(frames, machine)
        precision = of_type(self.predictors, machine).precision
        if precision is None:
            return float(np.mean(error**2, dtype=np.float64))
        stacked = error.reshape(len(error), -1)
        return float(np.mean((stacked @ precision) * stacked, dtype=np.float64))

    def evidence(self, frames: Frames, machine: str) -> Evidence:
        """Return the share of every place in the mean error of all windows.

        The error that is usual for a band is subtracted if the model knows it, so that the sum is
        the score above that of a usual clip. A place that no window predicts contributes nothing.
        """
        error = self._error(frames, machine)
        predictor = of_type(self.predictors, machine)
        stacked = error.reshape(len(error), -1)
        weighted = stacked if predictor.precision is None else stacked @ predictor.precision
        shares = (weighted * stacked).reshape(error.shape)
        score = float(np.mean(shares, dtype=np.float64))
        if predictor.usual is not None:
            shares -= predictor.usual
        values = np.zeros_like(frames)
        for position, offset in enumerate(self.predicted):
            values[offset : offset + len(shares)] += shares[:, position]
        values /= np.float32(shares.size)
        return Evidence(score, values, {})

    def _error(self, frames: Frames, machine: str) -> Float32:
        """Return the error of every window [shape=(n_windows, n_predicted, n_mels)]."""
        network = of_type(self.predictors, machine).network
        windows = np.lib.stride_tricks.sliding_window_view(frames, self.min_frames, axis=0)[
            :, :, self.predicted
        ].transpose(0, 2, 1)
        predictions = network(
            np.ascontiguousarray(frames[np.newaxis]),
            (1, len(windows), len(self.predicted) * frames.shape[1]),
        )
        error: Float32 = predictions.reshape(windows.shape) - windows
        return error
