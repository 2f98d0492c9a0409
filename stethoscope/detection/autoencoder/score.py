"""Scoring by the error of a network's predictions: the autoencoder and interpolation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.checks import Check, check, fields, file_name, items, text, whole
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
_NUMBERS = {"precision": floats("values", "values"), "variance": floats("values", above=0)}

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Predictor:
    """The network of a machine type, and how its errors are distributed.

    Attributes
    ----------
    network : Network
    precision : np.ndarray or None [shape=(n_predicted * n_mels, n_predicted * n_mels)]
        Inverse covariance of the errors; None where their mean square is taken.
    variance : np.ndarray or None [shape=(n_predicted * n_mels,)]
        Of the errors.
    """

    network: Network
    precision: Float32 | None = None
    variance: Float32 | None = None

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
        if score == "mse":
            return cls(network)
        numbers = read_arrays(folder / f"{machine_type}.npz", _NUMBERS, values=values)
        return cls(network, numbers["precision"], numbers["variance"])


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

    def deviation(self, frames: Frames, machine: str) -> Frames:
        """Return the squared error of every value, averaged over the windows that predict it.

        Where the score is a Mahalanobis distance, it is in units of the errors' variance. It is 0
        for frames at the ends that no window predicts.
        """
        squared = self._error(frames, machine) ** 2
        variance = of_type(self.predictors, machine).variance
        if variance is not None:
            squared /= variance.reshape(squared.shape[1:])
        total = np.zeros_like(frames)
        count = np.zeros((len(frames), 1), dtype=np.float32)
        for position, offset in enumerate(self.predicted):
            total[offset : offset + len(squared)] += squared[:, position]
            count[offset : offset + len(squared)] += 1.0
        total /= np.maximum(count, 1.0)
        return total

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
