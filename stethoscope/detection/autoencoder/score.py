"""Scoring by the error of a network's predictions: the autoencoder and interpolation."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.detection.scorer import Scorer, of_type
from stethoscope.model.network import Network
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel

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
    def open(cls, folder: Path, machine_type: str, score: str) -> Self:
        """Read the files of a machine type."""
        network = Network(folder / f"{machine_type}.tflite")
        if score == "mse":
            return cls(network)
        with np.load(folder / f"{machine_type}.npz", allow_pickle=False) as numbers:
            return cls(network, numbers["precision"], numbers["variance"])


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
        predictors = {
            name: Predictor.open(folder, name, model["score"]) for name in model["machine_types"]
        }
        return cls(predictors, model["context"], model["predicted"], feature)

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
        predictions = network(np.ascontiguousarray(frames[np.newaxis]))
        windows = np.lib.stride_tricks.sliding_window_view(frames, self.min_frames, axis=0)[
            :, :, self.predicted
        ].transpose(0, 2, 1)
        error: Float32 = predictions.reshape(windows.shape) - windows
        return error
