"""Bundles of classifiers that were trained elsewhere, or that stand in a model folder alone."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stethoscope.bundle.build import write_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.classification.model import KIND, Classifier
from stethoscope.errors import ModelError, ParameterError
from stethoscope.files import atomic_folder, read_json, write_json
from stethoscope.model.folder import write_description
from stethoscope.sound.mfcc import Mfcc

if TYPE_CHECKING:
    import keras

_TRAINING_ONLY = shutil.ignore_patterns("parts.csv", "*.keras")


def wrap_model_folder(
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    name: str = "",
    normal: str = "",
) -> Bundle:
    """Make a bundle of a classifier or a diagnosis alone.

    Parameters
    ----------
    model : path
        The folder ``model`` of a run of the pipeline sound-classification, or that of a diagnosis.
    folder : path
        Written all or nothing.
    name : str
        Name of the bundle; that of the model's kind by default.
    normal : str
        The label of normal sound, if it is not ``normal``.

    Raises
    ------
    ModelError
        If it is no such model.
    ParameterError
        If `normal` is none of its labels.
    """
    model = Path(model)
    labels = Classifier.open(model).labels
    _check_normal(normal, labels)
    role = "diagnosis" if (model / "references.npz").exists() else "classifier"
    with tempfile.TemporaryDirectory() as scratch:
        copied = Path(scratch) / role
        shutil.copytree(model, copied, ignore=_TRAINING_ONLY)
        return write_bundle(
            folder,
            name=name or role,
            models={role: copied},
            metrics={},
            settings={"class_fit": read_json(model / "model.json").get("fit", {})},
            normal=normal,
        )


def wrap_keras(
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    labels: Sequence[str],
    feature: Mapping[str, Any],
    seconds: float = 0.0,
    name: str = "",
    normal: str = "",
) -> Bundle:
    """Make a bundle of a Keras classifier that reads cepstral coefficients.

    The network takes coefficients by frames, frames by coefficients, either with a last dimension
    of 1 or flattened, or the mean of each coefficient over the clip.

    Parameters
    ----------
    model : path
        A ``.h5`` or ``.keras`` file.
    folder : path
        Written all or nothing.
    labels : sequence of str
        The classes, in the order of the network's outputs. A single output is the probability of
        the second of two classes.
    feature : mapping
        Settings of :class:`stethoscope.sound.mfcc.Mfcc`.
    seconds : float
        Length of the network's input, for one that takes means over the clip.
    name : str
        Name of the bundle; that of the file by default.
    normal : str
        The label of normal sound, if it is not ``normal``.

    Raises
    ------
    ModelError
        If the file holds no network that fits the feature and the labels.
    ParameterError
        If a setting cannot work.
    """
    _check_normal(normal, labels)
    mfcc = Mfcc.from_json(dict(feature))
    network = _load(Path(model))
    window = _window(network, mfcc, seconds)
    adapted = _adapt(network, mfcc, window, labels)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "model"
        _write_model(adapted, place, mfcc, window, labels)
        return write_bundle(
            folder,
            name=name or Path(model).stem,
            models={"classifier": place},
            metrics={},
            settings={"wrapped": Path(model).name},
            normal=normal,
        )


def _check_normal(normal: str, labels: Sequence[str]) -> None:
    if normal and normal not in labels:
        raise ParameterError(f"normal is {normal!r}; choose one of {', '.join(labels)}")


def _load(path: Path) -> "keras.Model":
    if not path.is_file():
        raise ModelError(f"{path}: no such file; give a .h5 or .keras file of a classifier")
    from stethoscope.model.tensorflow import keras

    try:
        network = keras.models.load_model(path, compile=False)
    except (OSError, TypeError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"{path}: Keras {keras.__version__} cannot load it ({reason}); "
            "save it again as .keras with a current version"
        ) from error
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise ModelError(f"{path}: has several inputs or outputs; give one with one of each")
    return network


def _window(network: "keras.Model", mfcc: Mfcc, seconds: float) -> int:
    """Return the frames of the network's input."""
    shape = _input_shape(network)
    if shape == (mfcc.n_mfcc,) or (None in shape and seconds):
        if seconds <= 0:
            raise ParameterError(
                "seconds is missing; give the length of the clips that the network was trained on"
            )
        return mfcc.n_frames(round(seconds * mfcc.sample_rate))
    if len(shape) == 1 and shape[0] and shape[0] % mfcc.n_mfcc == 0:
        return shape[0] // mfcc.n_mfcc
    if len(shape) == 2 and mfcc.n_mfcc in shape:
        found = shape[1] if shape[0] == mfcc.n_mfcc else shape[0]
        if found:
            return found
    raise ModelError(
        f"the network takes {_written(shape)} values, which does not fit {mfcc.n_mfcc} "
        "coefficients; set n_mfcc as in its training, and seconds if it takes clips of any length"
    )


def _input_shape(network: "keras.Model") -> tuple[int | None, ...]:
    """Return the shape of an example, without a last dimension of 1."""
    shape = tuple(network.inputs[0].shape[1:])
    return shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def _written(shape: Sequence[int | None]) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape)


def _adapt(network: "keras.Model", mfcc: Mfcc, window: int, labels: Sequence[str]) -> "keras.Model":
    """Return the network for windows [shape=(n, window, n_mfcc)], with probabilities as outputs."""
    from stethoscope.model.tensorflow import keras

    given = keras.Input((window, mfcc.n_mfcc))
    shape = _input_shape(network)
    if shape == (mfcc.n_mfcc,):
        values = keras.layers.GlobalAveragePooling1D()(given)
    elif len(shape) == 2 and shape[0] != mfcc.n_mfcc:
        values = given
    else:
        values = keras.layers.Permute((2, 1))(given)
    wanted = tuple(network.inputs[0].shape[1:])
    if len(shape) == 1:
        values = keras.layers.Flatten()(values)
    elif len(wanted) > len(shape):
        values = keras.layers.Reshape((*values.shape[1:], 1))(values)
    answer = network(values)
    n_outputs = answer.shape[-1]
    if n_outputs == 1 and len(labels) == 2:
        answer = keras.layers.Concatenate()([1.0 - answer, answer])
    elif n_outputs != len(labels):
        raise ParameterError(
            f"labels has {len(labels)} classes; the network answers {n_outputs}, "
            "give them in the order of its outputs"
        )
    adapted = keras.Model(given, answer)
    trial = np.random.default_rng(0).normal(0.0, 20.0, (4, window, mfcc.n_mfcc))
    found = np.asarray(adapted(trial.astype(np.float32), training=False))
    if found.min() < 0 or not np.allclose(found.sum(axis=1), 1.0, atol=1e-3):
        adapted = keras.Model(given, keras.layers.Softmax()(answer))  # they were logits
    return adapted


def _write_model(
    network: "keras.Model", folder: Path, mfcc: Mfcc, window: int, labels: Sequence[str]
) -> None:
    from stethoscope.model.tflite import write_tflite

    with atomic_folder(folder) as temporary:
        shape = (window, mfcc.n_mfcc)
        write_tflite(
            network, temporary / "classifier.tflite", shape=(None, *shape), probe=(3, *shape)
        )
        write_json(temporary / "feature.json", mfcc.to_json())
        write_description(temporary, KIND, {"window": window, "labels": list(labels), "fit": {}})
