"""A classifier of sounds or faults for a microcontroller: its network in int8, up to the logits.

The normalisation before it and the softmax behind it stay in single precision.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.classification.model import Classifier, cover, prepare_frames
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.diagnosis.model import References
from stethoscope.edge.conversion import DESCRIPTION, int8_network, load_keras, refuse_loss
from stethoscope.errors import DatasetError, ModelError
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json, write_json
from stethoscope.machines import machine_key, types_of
from stethoscope.model.int8 import LEAST_WINDOWS
from stethoscope.model.network import Int8Network, softmax
from stethoscope.model.options import MAX_DROP
from stethoscope.sound.definition import Frames
from stethoscope.sound.planes import Planes

if TYPE_CHECKING:
    import keras

NETWORK = "classifier_int8.tflite"

_CALIBRATION = 400
_MOST_CLIPS = 300
"""Clips on which both networks are compared."""
_OPTION = "--max-drop"


@dataclass(frozen=True)
class Normalisation:
    """How a clip becomes the input of the int8 network.

    Attributes
    ----------
    window : int
        Frames per window.
    mean, deviation : np.ndarray [shape=(n_values,)]
        By which frames are normalised.
    """

    window: int
    mean: Frames
    deviation: Frames

    def windows(self, frames: Frames) -> Frames:
        """Return the windows of a clip's prepared frames [shape=(n_windows, window, n_values)]."""
        normal: Frames = (cover(frames, self.window) - self.mean) / self.deviation
        return normal


@dataclass(frozen=True)
class EdgeClassifier(Normalisation):
    """The int8 form of a classifier.

    Attributes
    ----------
    labels : tuple of str
    agreement : float
        Share of clips to which the int8 network gives the float network's answer.
    clips : int
        Number of clips on which the networks were compared.
    bytes : int
        Size of the network.
    machine : str
        Machine type and id that a diagnosis is for; empty for none, or for the mean of all.
    """

    labels: tuple[str, ...]
    agreement: float
    clips: int
    bytes: int
    machine: str = ""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what :func:`make_edge_classifier` wrote into a model folder."""
        values = read_json(folder / DESCRIPTION)
        for name in ("mean", "deviation"):
            values[name] = np.array(values[name], dtype=np.float32)
        return cls(**{**values, "labels": tuple(values["labels"])})

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON."""
        return {**asdict(self), "mean": self.mean.tolist(), "deviation": self.deviation.tolist()}


def make_edge_classifier(
    folder: Path,
    recordings: Sequence[Path],
    *,
    layout: str = "auto",
    references: References | None = None,
    machine: str = "",
    max_drop: float = MAX_DROP.default,
    seed: int = 0,
) -> EdgeClassifier:
    """Convert the classifier of a model folder to int8, compare it, and put it into the folder.

    Parameters
    ----------
    folder : Path
        Written by the training of a classifier.
    recordings : sequence of Path
        Archives or folders of recordings like those that it was trained on. They set the
        quantisation, and both networks classify them.
    layout : str
        Of the recordings.
    references : References, optional
        Mean normal frames of the machines, of a diagnosis.
    machine : str
        Machine type and id, ``fan/02``, whose reference is taken; without it the mean of all.
    max_drop : float
        Largest share of clips that the int8 network may classify differently.
    seed : int
        Of the choice of clips and windows.

    Raises
    ------
    ParameterError
        If `max_drop` cannot work.
    ModelError
        If the network cannot be converted, or classifies too many clips differently, or the
        diagnosis does not know the machine.
    DatasetError
        If there is no recording of the machine.
    """
    MAX_DROP.check(max_drop, shown_as=_OPTION)
    classifier = Classifier.open(folder)
    if isinstance(classifier.feature, Planes):
        raise ModelError(
            f"{folder}: takes several channels or clips of one length, C takes one channel and "
            f"clips of any length; train with class_channels=1 and class_seconds=0"
        )
    known = {} if references is None else references.means
    if known and machine not in ("", *known, *(machine_key(name, "") for name in types_of(known))):
        raise ModelError(
            f"machine is {machine!r}, which the diagnosis does not know; "
            f"give one of {', '.join(sorted(known))} as --machine"
        )
    normal = References(known).normal_frame(machine)
    reference: Frames = np.zeros(classifier.feature.size, np.float32) if normal is None else normal
    network, mean, deviation = without_normalisation(load_keras(folder / "classifier.keras"))
    normalisation = Normalisation(classifier.window, mean + reference, deviation)
    rng = np.random.default_rng(seed)
    clips = _draw_clips(index(recordings, layout), machine, rng)
    with tempfile.TemporaryDirectory() as scratch:
        store = extract_features(recordings, clips, classifier.feature, scratch, min_frames=1)
        windows = _calibration(store, normalisation, rng)
        with int8_network(network, windows, folder / NETWORK) as (int8, size):
            agreement = _agreement(store, classifier, reference, normalisation, int8)
            refuse_loss(
                1 - agreement,
                f"{1 - agreement:.3g} of {len(store.clips)} clips get another label",
                option=_OPTION,
                limit=max_drop,
            )
    made = EdgeClassifier(
        window=classifier.window,
        mean=normalisation.mean,
        deviation=deviation,
        labels=classifier.labels,
        agreement=agreement,
        clips=len(store.clips),
        bytes=size,
        machine=machine,
    )
    write_json(folder / DESCRIPTION, made.to_json())
    return made


def _draw_clips(table: list[Clip], machine: str, rng: np.random.Generator) -> list[Clip]:
    """Draw clips of a machine, in the order of the table; without a machine, of all."""
    clips = [
        clip for clip in table if not clip.augmentation and (not machine or clip.machine == machine)
    ]
    if not clips:
        raise DatasetError(
            f"there is no recording of {machine or 'any class'}; "
            f"give recordings like those that the classifier was trained on"
        )
    return [clips[place] for place in np.sort(rng.permutation(len(clips))[:_MOST_CLIPS])]


def _calibration(
    store: FeatureStore, normalisation: Normalisation, rng: np.random.Generator
) -> Frames:
    """Draw the same number of windows from every clip.

    Where there are fewer clips than windows, clips are shifted circularly in time, as in training.
    """
    prepared = [
        prepare_frames(np.array(store.clip_frames(place)), store.feature)
        for place in range(len(store.clips))
    ]
    drawn: list[Frames] = []
    while len(drawn) < max(_CALIBRATION, LEAST_WINDOWS):
        for frames in prepared:
            windows = normalisation.windows(
                np.roll(frames, rng.integers(len(frames)), axis=0)
                if len(drawn) >= len(prepared)
                else frames
            )
            drawn.append(windows[rng.integers(len(windows))])
    return np.array(drawn[:_CALIBRATION], dtype=np.float32)


def _agreement(
    store: FeatureStore,
    classifier: Classifier,
    reference: Frames,
    normalisation: Normalisation,
    int8: Int8Network,
) -> float:
    """Return the share of clips that both networks give the same label."""
    equal = 0
    for place in range(len(store.clips)):
        frames = prepare_frames(np.array(store.clip_frames(place)), classifier.feature)
        label = np.argmax(softmax(int8(normalisation.windows(frames))).mean(axis=0))
        equal += int(label == np.argmax(classifier.probabilities(frames - reference)))
    return equal / len(store.clips)


def without_normalisation(model: "keras.Model") -> tuple["keras.Model", Frames, Frames]:
    """Return a classifier from normalised frames to logits.

    What int8 cannot resolve stays in single precision: the normalisation goes before, the softmax
    behind the network. What remains is a chain of layers that a microcontroller has. Averages over
    all places become a pooling. Where a branch keeps places in frequency, one convolution computes
    both halves, and passes the trunk's values on unchanged.

    Returns
    -------
    model : keras.Model
    mean, deviation : np.ndarray [shape=(n_values,)]
        By which frames are normalised before the network.
    """
    from stethoscope.model.tensorflow import keras

    layers = keras.layers
    normalisation = next(layer for layer in model.layers if isinstance(layer, layers.Normalization))
    kinds = layers.Conv2D | layers.BatchNormalization | layers.ReLU | layers.MaxPooling2D
    steps = [layer for layer in model.layers if isinstance(layer, kinds)]
    kernel, bias = model.layers[-1].get_weights()
    frames = keras.Input(model.input_shape[1:])
    values = layers.Reshape((*model.input_shape[1:], 1), name="plane")(frames)
    if any(isinstance(layer, layers.Concatenate) for layer in model.layers):
        values = _run(steps[:-3], values)
        values, kernel = _average_with_branch(values, steps[-3], steps[-2], kernel)
    else:
        values = _run(steps, values)
        values = layers.AveragePooling2D(values.shape[1:3], name="average")(values)
    logits = layers.Dense(len(bias), name="logits")
    network = keras.Model(frames, logits(layers.Flatten(name="flat")(values)))
    logits.set_weights([kernel, bias])
    mean, variance = (
        np.asarray(part, dtype=np.float32).reshape(-1)
        for part in (normalisation.mean, normalisation.variance)
    )
    return network, mean, np.sqrt(variance)


def _run(layers: Sequence[Any], values: Any) -> Any:
    for layer in layers:
        values = layer(values)
    return values


def _average_with_branch(
    values: Any, convolution: Any, norm: Any, kernel: npt.NDArray[np.float32]
) -> tuple[Any, npt.NDArray[np.float32]]:
    """Return the averages over time of a trunk and its branch, and the dense kernel for them.

    The mean over all places is the mean over bands of the means over time.
    """
    from stethoscope.model.tensorflow import keras

    _, times, bands, channels = values.shape
    weights = _branch_weights(convolution, norm, channels)
    both = keras.layers.Conv2D(weights[0].shape[-1], 1, activation="relu", name="trunk_and_branch")
    averages = keras.layers.AveragePooling2D((times, 1), name="average")(both(values))
    both.set_weights(weights)
    trunk = np.tile(kernel[:channels] / bands, (bands, 1, 1))
    branch = kernel[channels:].reshape(bands, -1, kernel.shape[1])
    return averages, np.concatenate([trunk, branch], axis=1).reshape(-1, kernel.shape[1])


def _branch_weights(convolution: Any, norm: Any, channels: int) -> list[npt.NDArray[np.float32]]:
    """Return kernel and bias of a convolution that passes its input on and appends the branch.

    The branch is a normalised convolution of the input, which is not negative.
    """
    gamma, beta, mean, variance = (np.asarray(part) for part in norm.get_weights())
    scale = gamma / np.sqrt(variance + norm.epsilon)
    narrow = convolution.get_weights()[0][0, 0] * scale
    kernel = np.concatenate([np.eye(channels, dtype=np.float32), narrow], axis=1)
    bias = np.concatenate([np.zeros(channels, dtype=np.float32), beta - mean * scale])
    return [kernel[np.newaxis, np.newaxis], bias]
