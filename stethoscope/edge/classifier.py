"""A classifier of sounds or faults for a microcontroller: its network in int8, normalised outside,
up to the logits.
"""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stethoscope.classification.model import Classifier, cover, prepare
from stethoscope.datasets.layouts import index
from stethoscope.diagnosis.model import References
from stethoscope.errors import DatasetError, ModelError
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json, write_json
from stethoscope.model.int8 import LEAST_WINDOWS, check_max_drop, write_int8
from stethoscope.model.network import Int8Network, softmax
from stethoscope.sound.logmel import Frames
from stethoscope.sound.planes import Planes

if TYPE_CHECKING:
    import keras

NETWORK = "classifier_int8.tflite"
DESCRIPTION = "edge.json"

_CALIBRATION = 400
_MOST_CLIPS = 300  # that are asked both networks


@dataclass(frozen=True)
class EdgeClassifier:
    """What was made of a classifier.

    Attributes
    ----------
    labels : tuple of str
    window : int
        Frames that the network hears at once.
    mean, deviation : np.ndarray [shape=(n_values,)]
        By which frames are normalised before the network.
    agreement : float
        Share of clips to which the int8 network gives the float network's answer.
    clips : int
        That were asked.
    bytes : int
        Size of the network.
    """

    labels: tuple[str, ...]
    window: int
    mean: Frames
    deviation: Frames
    agreement: float
    clips: int
    bytes: int

    @classmethod
    def read(cls, folder: Path) -> "EdgeClassifier":
        """Read what :func:`make_edge_classifier` wrote into a model folder."""
        values = read_json(folder / DESCRIPTION)
        for name in ("mean", "deviation"):
            values[name] = np.array(values[name], dtype=np.float32)
        return cls(**{**values, "labels": tuple(values["labels"])})

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON."""
        return {**asdict(self), "mean": self.mean.tolist(), "deviation": self.deviation.tolist()}

    def windows(self, frames: Frames) -> Frames:
        """Return a clip's prepared frames as the network takes them [shape=(n_windows, window,
        n_values)].
        """
        normal: Frames = (cover(frames, self.window) - self.mean) / self.deviation
        return normal

    def probabilities(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return a clip's probabilities [shape=(n_labels,)] from the logits of its windows
        [shape=(n_windows, n_labels)].
        """
        mean: npt.NDArray[np.float32] = softmax(logits).mean(axis=0)
        return mean


def make_edge_classifier(
    folder: Path,
    recordings: Sequence[Path],
    *,
    layout: str = "auto",
    references: References | None = None,
    machine: str = "",
    max_drop: float = 0.02,
    seed: int = 0,
) -> EdgeClassifier:
    """Convert the classifier of a model folder to int8, compare its answers, and put it into the
    folder.

    Parameters
    ----------
    folder : Path
        Written by the training of a classifier.
    recordings : sequence of Path
        Archives or folders of such recordings as it was trained on; they set the quantisation, and
        both networks answer them.
    layout : str
        Of the recordings.
    references : References, optional
        What machines sound like when they are well, of a diagnosis.
    machine : str
        Machine type and id, ``fan/02``, whose reference is taken; without it the mean of all.
    max_drop : float
        Largest share of clips that int8 may answer otherwise.
    seed : int
        Of the choice of windows.

    Raises
    ------
    ModelError
        If the network cannot be converted, or int8 answers too many clips otherwise.
    DatasetError
        If there is no recording of the machine.
    """
    import keras

    check_max_drop(max_drop)
    classifier = Classifier.open(folder)
    if isinstance(classifier.feature, Planes):
        raise ModelError(
            f"{folder}: hears several channels or clips of one length, C hears one as it is; train with class_channels=1"
        )
    if not (folder / "classifier.keras").is_file():
        raise ModelError(
            f"{folder}: holds no classifier.keras to convert; export the model with export_formats=keras,tflite"
        )
    reference = (references or References({})).relative(
        np.zeros(classifier.feature.size, dtype=np.float32), machine
    )
    network, mean, deviation = without_normalisation(
        keras.models.load_model(folder / "classifier.keras")
    )
    clips = [
        clip
        for clip in index(recordings, layout)
        if not clip.augmentation and (not machine or clip.machine == machine)
    ]
    if not clips:
        raise DatasetError(
            f"there is no recording of {machine or 'any class'}; give such as the classifier was trained on"
        )
    rng = np.random.default_rng(seed)
    chosen = [clips[place] for place in np.sort(rng.permutation(len(clips))[:_MOST_CLIPS])]
    with tempfile.TemporaryDirectory() as scratch:
        store = extract_features(
            recordings, chosen, classifier.feature, Path(scratch) / "store", min_frames=1
        )
        made = EdgeClassifier(
            classifier.labels,
            classifier.window,
            mean - reference,
            deviation,
            0.0,
            len(store.clips),
            0,
        )
        conversion = write_int8(network, Path(scratch) / NETWORK, _calibration(store, made, rng))
        int8 = Int8Network(Path(scratch) / NETWORK)
        equal = 0
        for place in range(len(store.clips)):
            frames = prepare(np.array(store.clip_frames(place)), classifier.feature)
            answer = made.probabilities(int8(made.windows(frames)))
            equal += int(
                np.argmax(answer) == np.argmax(classifier.probabilities(frames + reference))
            )
        agreement = equal / len(store.clips)
        if 1 - agreement > max_drop:
            raise ModelError(
                f"int8 network: {1 - agreement:.1%} of {made.clips} clips are answered otherwise, --max-drop allows {max_drop:.1%}"
            )
        shutil.copyfile(Path(scratch) / NETWORK, folder / NETWORK)
    made = replace(made, agreement=agreement, bytes=conversion.bytes)
    write_json(folder / DESCRIPTION, made.to_json())
    return made


def without_normalisation(model: "keras.Model") -> tuple["keras.Model", Frames, Frames]:
    """Return a classifier from normalised frames to logits, and the mean and deviation
    [shape=(n_values,)] that normalise.

    What int8 cannot resolve stays in single precision: the normalisation goes before, the softmax
    behind the network. What remains is a chain of layers that a microcontroller has: averages over
    all places become a pooling, and where a branch hears places in frequency, both halves are
    computed by one convolution, which hands the trunk's values on as they are.
    """
    import keras

    layers = keras.layers
    normalisation = next(layer for layer in model.layers if isinstance(layer, layers.Normalization))
    branches = any(isinstance(layer, layers.Concatenate) for layer in model.layers)
    kinds = layers.Conv2D | layers.BatchNormalization | layers.ReLU | layers.MaxPooling2D
    steps = [layer for layer in model.layers if isinstance(layer, kinds)]
    trunk, branch = (steps[:-3], steps[-3:]) if branches else (steps, [])
    given = keras.Input(model.input_shape[1:])
    values = layers.Reshape((*model.input_shape[1:], 1))(given)
    for layer in trunk:
        values = layer(values)
    kernel, bias = model.layers[-1].get_weights()
    if branches:
        _, times, bands, channels = values.shape
        both, weight = _with_branch(branch[0], branch[1], channels)
        values = layers.AveragePooling2D((times, 1))(both(values))
        both.set_weights(weight)
        # The mean over all places is the mean over bands of the means over time.
        mean, places = (
            np.tile(kernel[:channels] / bands, (bands, 1, 1)),
            kernel[channels:].reshape(bands, -1, kernel.shape[1]),
        )
        kernel = np.concatenate([mean, places], axis=1).reshape(-1, kernel.shape[1])
    else:
        values = layers.AveragePooling2D(values.shape[1:3])(values)
    logits = layers.Dense(len(bias))
    network = keras.Model(given, logits(layers.Flatten()(values)))
    logits.set_weights([kernel, bias])
    centre, variance = (
        np.asarray(part, dtype=np.float32).reshape(-1)
        for part in (normalisation.mean, normalisation.variance)
    )
    return network, centre, np.sqrt(variance)


def _with_branch(
    convolution: Any, norm: Any, channels: int
) -> tuple[Any, list[npt.NDArray[np.float32]]]:
    """Return a convolution that gives its input, which is not negative, and a normalised
    convolution of it, with its weights.
    """
    import keras

    gamma, beta, mean, variance = (np.asarray(part) for part in norm.get_weights())
    scale = gamma / np.sqrt(variance + norm.epsilon)
    narrow = convolution.get_weights()[0][0, 0] * scale
    kernel = np.concatenate([np.eye(channels, dtype=np.float32), narrow], axis=1)[
        np.newaxis, np.newaxis
    ]
    bias = np.concatenate([np.zeros(channels, dtype=np.float32), beta - mean * scale])
    return keras.layers.Conv2D(kernel.shape[-1], 1, activation="relu"), [kernel, bias]


def _calibration(store: FeatureStore, made: EdgeClassifier, rng: np.random.Generator) -> Frames:
    """Draw windows from all clips alike, turned round in time as in training where there are few."""
    prepared = [
        prepare(np.array(store.clip_frames(place)), store.feature)
        for place in range(len(store.clips))
    ]
    drawn: list[Frames] = []
    while len(drawn) < max(_CALIBRATION, LEAST_WINDOWS):
        for frames in prepared:
            windows = made.windows(
                np.roll(frames, rng.integers(len(frames)), axis=0)
                if len(drawn) >= len(prepared)
                else frames
            )
            drawn.append(windows[rng.integers(len(windows))])
    return np.array(drawn[:_CALIBRATION], dtype=np.float32)
