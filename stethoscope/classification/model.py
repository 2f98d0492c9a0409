"""The classifier as it is deployed: probabilities of classes, by a network that runs on LiteRT."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.checks import check, fields, items, text, whole
from stethoscope.model.folder import read_description
from stethoscope.model.network import Network
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import Feature, read_feature
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.parts import Source
from stethoscope.sound.planes import Planes
from stethoscope.sound.recording import Recording

KIND = "classifier"
_MODEL = fields(
    {
        "window": whole(least=1, most=100_000),
        "labels": items(text(), least=1, distinct=True),
    }
)
DYNAMIC_DB = 80.0
"""Bands of a log-mel spectrogram further below the clip's loudest band are raised to this level."""


def limit_range(frames: Frames) -> Frames:
    """Return a clip's log-mel frames, in decibels, with quiet bands raised to a floor.

    The floor lies :data:`DYNAMIC_DB` below the clip's loudest band.

    Digital silence lies a hundred decibels below the noise of any room. Its values would otherwise
    be the most extreme of the network's input.
    """
    raised: Frames = np.maximum(frames, frames.max() - np.float32(DYNAMIC_DB))
    return raised


def cover(frames: Frames, window: int) -> Frames:
    """Cover a clip by windows.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, n_values)]
        A clip, of at least one frame.
    window : int
        Frames per window.

    Returns
    -------
    np.ndarray [shape=(n_windows, window, n_values)]
        As few windows as cover the clip, evenly spaced. A shorter clip is extended with its own
        end, as often as needed.
    """
    while len(frames) < window:
        frames = np.concatenate([frames, frames[-(window - len(frames)) :]])
    count = math.ceil(len(frames) / window)
    starts = np.linspace(0, len(frames) - window, count).round().astype(np.intp)
    covered: Frames = frames[starts[:, np.newaxis] + np.arange(window)]
    return covered


@dataclass(frozen=True)
class Classifier:
    """A classifier as it is deployed.

    Attributes
    ----------
    feature : Feature
    window : int
        Frames per window.
    labels : tuple of str
        The classes, in the order of the probabilities.
    network : Network
        From windows [shape=(n, window, n_values)] to probabilities [shape=(n, n_labels)].
    """

    feature: Feature
    window: int
    labels: tuple[str, ...]
    network: Network

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """Open a model folder.

        Raises
        ------
        ModelError
            If it is incomplete or holds no classifier.
        """
        folder = Path(folder)
        model = read_description(folder, [KIND])
        check(folder / "model.json", model, _MODEL)
        feature = read_feature(folder / "feature.json")
        return cls(
            feature=feature,
            window=model["window"],
            labels=tuple(model["labels"]),
            network=Network(folder / "classifier.tflite", (None, model["window"], feature.size)),
        )

    def try_out(self) -> None:
        """Run the network on silence.

        Raises
        ------
        ModelError
            If it cannot be run, or gives other than one probability for each label.
        """
        self.probabilities(np.zeros((self.window, self.feature.size), np.float32))

    @property
    def window_seconds(self) -> float:
        """Duration of a window."""
        return self.window * self.feature.hop_length / self.feature.sample_rate

    def classify(self, source: Source) -> dict[str, float]:
        """Return the probability of every class for a recording, the likeliest first.

        Raises
        ------
        AudioError
            If the recording cannot be used.
        """
        probabilities = self.classify_recording(Recording(source))
        pairs = zip(self.labels, probabilities.tolist(), strict=True)
        return dict(sorted(pairs, key=lambda pair: -pair[1]))

    def classify_recording(self, recording: Recording) -> npt.NDArray[np.float32]:
        """Return the probabilities of the classes of a recording [shape=(n_labels,)].

        Raises
        ------
        AudioError
            If the recording cannot be used.
        """
        recording.measure(self.feature, padded=True)
        probabilities = self.probabilities(self.feature.extract(recording.samples(self.feature)))
        recording.check_finite(probabilities)
        return probabilities

    def probabilities(self, frames: Frames) -> npt.NDArray[np.float32]:
        """Return the probabilities of the classes of one clip [shape=(n_labels,)].

        They are the mean over the windows that cover the clip.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_values), dtype=float32]
            The clip's features.
        """
        windows = cover(prepare_frames(frames, self.feature), self.window)
        answers = self.network(
            np.ascontiguousarray(windows, dtype=np.float32), (len(windows), len(self.labels))
        )
        mean: npt.NDArray[np.float32] = answers.mean(axis=0)
        return mean


def prepare_frames(frames: Frames, feature: Feature) -> Frames:
    """Return a clip's frames as the network's input, in training and in use."""
    per_channel = feature.of if isinstance(feature, Planes) else feature
    return limit_range(frames) if isinstance(per_channel, LogMel) else np.asarray(frames)
