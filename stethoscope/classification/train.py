"""Convolutional networks that tell classes of sound apart: labelled sounds, or normal and the
groups of faults.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from stethoscope.classification.folds import Indices, by_class, class_labels, fold_of
from stethoscope.classification.model import KIND, Classifier, cover, prepare
from stethoscope.classification.options import ClassFit
from stethoscope.classification.windows import draw
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.splits import hold_out
from stethoscope.errors import ParameterError
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_json
from stethoscope.model.folder import write_description
from stethoscope.model.progress import EpochProgress
from stethoscope.model.tflite import write_tflite
from stethoscope.model.training import Batches, fit_network, mix_pairs
from stethoscope.sound.logmel import Frames
from stethoscope.sound.planes import Planes, planes_of
from stethoscope.stats.moments import Moments

_MOMENTUM = 0.9  # of batch statistics: small sets have few batches
_PLACES = 8  # values kept for every frequency that is left at the end
_RISE = 0.3  # share of the steps in which the learning rate rises
_START = 1 / 25  # of the highest learning rate


@dataclass(frozen=True, slots=True)
class ClassTraining:
    """What came of a training.

    Attributes
    ----------
    curves : dict
        ``loss`` and ``accuracy``, and the same with ``val_`` where recordings were held out, a
        value per epoch.
    best_epoch : int
        The epoch whose weights are kept, from 1.
    clips, held_out : int
        Clips trained on, and clips that watched.
    accuracy_before : float
        On the clips trained on, before the first epoch: what chance gives.
    seconds : float
    """

    curves: dict[str, list[float]]
    best_epoch: int
    clips: int
    held_out: int
    accuracy_before: float
    seconds: float

    def metrics(self) -> dict[str, float]:
        """Return the figures by name."""
        last = {name: values[self.best_epoch - 1] for name, values in self.curves.items()}
        counts = {
            "best_epoch": self.best_epoch,
            "clips": self.clips,
            "held_out_clips": self.held_out,
        }
        return {
            **counts,
            "accuracy_before": self.accuracy_before,
            "seconds": round(self.seconds, 2),
            **last,
        }


def train_classifier(
    store: FeatureStore, labels: Sequence[str], fit: ClassFit, folder: str | os.PathLike[str]
) -> ClassTraining:
    """Fit a classifier and write its model folder, all or nothing.

    Parameters
    ----------
    store : FeatureStore
    labels : sequence of str
        The class of every clip of the store; clips of class "" are left out.
    fit : ClassFit
    folder : path

    Raises
    ------
    DatasetError
        If there are not at least two classes.
    """
    return train_chosen(
        store, labels, np.flatnonzero(np.array(labels, dtype=object) != ""), fit, folder
    )


def train_chosen(
    store: FeatureStore,
    labels: Sequence[str],
    clips: Indices,
    fit: ClassFit,
    folder: str | os.PathLike[str],
) -> ClassTraining:
    """Fit a classifier to some clips of a store; the other parameters and errors are those of
    :func:`train_classifier`.
    """
    classes = class_labels([labels[index] for index in clips])
    watched = watching(store.clips, labels, clips, fit)
    training = clips[~watched]
    # Of what was altered only the original is a fair question.
    held_out = originals(store, clips[watched])
    window = (
        fit.window
        or _given_window(store)
        or int(np.median(store.n_frames[originals(store, training)]))
    )
    started = time.perf_counter()
    keras.utils.set_random_seed(fit.seed)
    batches = _Batches(store, training, labels, classes, window, fit)
    network = build(
        fit,
        window,
        batches.mean,
        batches.variance,
        n_classes=len(classes),
        planes=planes_of(store.feature),
    )
    steps = len(batches) * fit.epochs
    rate = OneCycle(fit.learning_rate, steps) if fit.network == "mel-cnn" else fit.learning_rate
    network.compile(
        keras.optimizers.AdamW(rate, weight_decay=fit.weight_decay),
        "categorical_crossentropy",
        metrics=["accuracy"],
    )
    given, wanted = _questions(store, training, labels, classes, window)
    before = float(
        np.mean(network.predict(given, verbose=0).argmax(axis=1) == wanted.argmax(axis=1))
    )
    validation = _questions(store, held_out, labels, classes, window) if len(held_out) else None
    curves, best = fit_network(
        network,
        batches,
        epochs=fit.epochs,
        validation=validation,
        patience=fit.patience,
        callbacks=[EpochProgress("classifier", fit.epochs, fit.verbose)],
    )
    if not np.isfinite(curves["loss"]).all():
        raise ParameterError(
            "training diverged (the loss is not finite); choose a lower class_learning_rate"
        )
    result = ClassTraining(
        curves, best, len(training), len(held_out), before, time.perf_counter() - started
    )
    with atomic_folder(folder) as temporary:
        # Without its optimizer, so that Keras alone can load it.
        keras.Model(network.inputs, network.outputs).save(temporary / "classifier.keras")
        shape = (window, store.feature.size)
        write_tflite(
            network, temporary / "classifier.tflite", shape=(None, *shape), probe=(3, *shape)
        )
        write_json(temporary / "feature.json", store.feature.to_json())
        write_json(temporary / "curves.json", asdict(result))
        description = {"window": window, "labels": classes, "fit": asdict(fit)}
        write_description(temporary, KIND, description)
    return result


@dataclass(frozen=True)
class CrossValidation:
    """What classifiers answered about recordings that they had not been trained on.

    Attributes
    ----------
    labels : tuple of str
    clips : np.ndarray of int [shape=(n_clips,)]
        Indices of the clips in the store.
    fold : np.ndarray of int [shape=(n_clips,)]
        In which each clip was asked.
    truth, answered : tuple of str
        A label per clip.
    probabilities : np.ndarray [shape=(n_clips, n_labels)]
    """

    labels: tuple[str, ...]
    clips: Indices
    fold: npt.NDArray[np.int64]
    truth: tuple[str, ...]
    answered: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]


def cross_validate(
    store: FeatureStore, labels: Sequence[str], fit: ClassFit, *, n_folds: int = 0
) -> CrossValidation:
    """Train as often as there are folds, each time on the others, and ask about the clips of the
    fold.

    Altered clips are trained on, but never asked about. The answers are those of the exported
    networks.

    Parameters
    ----------
    store : FeatureStore
    labels : sequence of str
        The class of every clip of the store; clips of class "" are left out.
    fit : ClassFit
    n_folds : int
        Folds drawn by recording, class by class; 0 takes the folds that the set gives.

    Raises
    ------
    DatasetError
        If there are not two classes or folds, a recording lies in two folds, or a class has too few
        recordings.
    ParameterError
        If `n_folds` is 1 or negative.
    """
    clips = np.flatnonzero(np.array(labels, dtype=object) != "")
    folds = fold_of(store.clips, labels, clips, n_folds, seed=fit.seed)
    classes = class_labels([labels[int(index)] for index in clips])
    asked: list[Indices] = []
    probabilities = []
    for fold in np.unique(folds):
        tested = originals(store, clips[folds == fold])
        with tempfile.TemporaryDirectory() as folder:
            train_chosen(store, labels, clips[folds != fold], fit, Path(folder) / "model")
            classifier = Classifier.open(Path(folder) / "model")
        asked.append(tested)
        probabilities.append(
            np.array([classifier.probabilities(store.clip_frames(index)) for index in tested])
        )
    tested, every = np.concatenate(asked), np.concatenate(probabilities)
    in_fold = dict(zip(clips, folds, strict=True))
    return CrossValidation(
        labels=tuple(classes),
        clips=tested,
        fold=np.array([in_fold[index] for index in tested]),
        truth=tuple(labels[int(index)] for index in tested),
        answered=tuple(classes[best] for best in every.argmax(axis=1)),
        probabilities=every,
    )


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises and falls once, linearly."""

    def __init__(self, highest: float, steps: int) -> None:
        self.highest = highest
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        """Return the rate at a step."""
        done = keras.ops.cast(step, "float32") / self.steps
        rising = _START + (1 - _START) * done / _RISE
        return self.highest * keras.ops.maximum(
            keras.ops.minimum(rising, (1 - done) / (1 - _RISE)), 1e-4
        )

    def get_config(self) -> dict[str, float]:
        """Return the parameters."""
        return {"highest": self.highest, "steps": self.steps}


def build(
    fit: ClassFit, window: int, mean: Frames, variance: Frames, *, n_classes: int, planes: int = 1
) -> keras.Model:
    """Return the untrained network, which standardises its input by the training set's statistics
    [shape=(n_values,)].

    So a single clip is answered as it would be among others. The values of a frame are those of
    `planes` channels, side by side.
    """
    layers = keras.layers
    given = keras.Input((window, len(mean)))
    values = layers.Normalization(mean=mean, variance=variance)(given)
    if planes > 1:
        values = layers.Permute((1, 3, 2))(
            layers.Reshape((window, planes, len(mean) // planes))(values)
        )
    else:
        values = layers.Reshape((window, len(mean), 1))(values)
    if fit.network == "mel-cnn":
        for index, filters in enumerate(fit.filters):
            values = layers.Conv2D(
                filters, 3 if index else 5, strides=2, padding="same", use_bias=False
            )(values)
            values = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM)(values))
        values = layers.Dropout(fit.dropout)(
            layers.Concatenate()([layers.GlobalAveragePooling2D()(values), _places(values)])
        )
    else:
        for filters in fit.filters:
            values = layers.Conv2D(filters, 2, padding="same", activation="relu")(values)
            values = layers.Dropout(fit.dropout)(layers.MaxPooling2D(2, padding="same")(values))
        values = layers.GlobalAveragePooling2D()(values)
    return keras.Model(given, layers.Dense(n_classes, activation="softmax")(values))


def _places(values: Any) -> Any:
    """Return where in frequency something is heard, of values [shape=(n, n_times, n_frequencies,
    n_filters)].

    The mean over all places is deaf to it: sounds that differ in pitch alone would be taken for
    each other. Left out for half of the clips while training, this narrow branch cannot make up for
    what the mean has not learned, which serves where pitch tells nothing.
    """
    layers = keras.layers
    heard = layers.Conv2D(_PLACES, 1, use_bias=False)(values)
    heard = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM)(heard))
    heard = layers.Flatten()(layers.AveragePooling2D((heard.shape[1], 1))(heard))
    return layers.Dropout(0.5, noise_shape=(None, 1))(heard)


class _Batches(Batches):
    """Batches of training windows, altered anew every time, with the weights that make all classes
    count alike.
    """

    def __init__(
        self,
        store: FeatureStore,
        clips: Indices,
        labels: Sequence[str],
        classes: list[str],
        window: int,
        fit: ClassFit,
    ) -> None:
        self._store, self._fit, self._window = store, fit, window
        # Long clips give as many windows as cover them.
        self._clips = np.repeat(clips, -(-store.n_frames[clips] // window))
        self._classes = np.array([classes.index(labels[int(index)]) for index in self._clips])
        counts = np.bincount(self._classes, minlength=len(classes))
        self._weights = (len(self._clips) / len(classes) / np.maximum(counts, 1)).astype(np.float32)
        self._wanted = np.eye(len(classes), dtype=np.float32)
        self._rng = np.random.default_rng(fit.seed)
        self.mean, self.variance = self._statistics()
        super().__init__(fit.batch_size)

    def _statistics(self) -> tuple[Frames, Frames]:
        """Return mean and variance of every value over all frames [shape=(n_values,)]."""
        moments = Moments(self._store.feature.size)
        for index in np.unique(self._clips):
            moments.add(prepare(self._store.clip_frames(index), self._store.feature))
        variance = np.maximum(moments.variance()[0], 1e-3)
        return moments.mean()[0].astype(np.float32), variance.astype(np.float32)

    def draw_order(self) -> Indices:
        """Return the rows of an epoch, in random order."""
        return self._rng.permutation(len(self._clips))

    def gather(self, indices: Indices) -> tuple[Frames, Frames, Frames]:
        """Return altered windows, their labels, one-hot, and their weights in the loss."""
        given = np.stack([self._draw(index) for index in self._clips[indices]])
        wanted = self._wanted[self._classes[indices]]
        if self._fit.mixup:
            given, wanted = mix_pairs(given, wanted, self._fit.mixup, self._rng)
        return given, wanted, wanted @ self._weights

    def _draw(self, index: int) -> Frames:
        return draw(
            prepare(self._store.clip_frames(index), self._store.feature),
            self._window,
            shift=self._fit.shift,
            masked=self._fit.mask,
            fill=self.mean,
            planes=planes_of(self._store.feature),
            rng=self._rng,
        )


def _given_window(store: FeatureStore) -> int:
    return store.feature.window if isinstance(store.feature, Planes) else 0


def _questions(
    store: FeatureStore, clips: Indices, labels: Sequence[str], classes: list[str], window: int
) -> tuple[Frames, Frames]:
    """Return all windows of clips as they are, and what should be answered."""
    windows = [cover(prepare(store.clip_frames(index), store.feature), window) for index in clips]
    wanted = np.repeat(
        [classes.index(labels[index]) for index in clips], [len(one) for one in windows]
    )
    return np.concatenate(windows), np.eye(len(classes), dtype=np.float32)[wanted]


def watching(
    clips: Sequence[Clip], labels: Sequence[str], chosen: Indices, fit: ClassFit
) -> npt.NDArray[np.bool_]:
    """Return which of the chosen clips watch the training instead of being trained on; no recording
    does both.
    """
    if not fit.validation_split:
        return np.zeros(len(chosen), dtype=bool)
    return hold_out(by_class(clips, labels, chosen), fit.validation_split, seed=fit.seed)


def originals(store: FeatureStore, clips: Indices) -> Indices:
    """Return those of the clips that came unaltered."""
    return np.array(
        [index for index in clips if not store.clips[index].augmentation], dtype=np.intp
    )
