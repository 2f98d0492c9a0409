"""Train a classifier of sounds: labelled sounds, or normal clips and groups of faults."""

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np

from stethoscope.classification.architecture import OneCycle, build
from stethoscope.classification.folds import (
    Indices,
    class_labels,
    labelled,
    originals,
    validation_mask,
)
from stethoscope.classification.model import KIND, cover, prepare_frames
from stethoscope.classification.options import ClassFit
from stethoscope.classification.windows import draw_positions, mask
from stethoscope.errors import ParameterError
from stethoscope.features.store import FeatureStore
from stethoscope.files import atomic_folder, write_json
from stethoscope.model.folder import write_description
from stethoscope.model.progress import EpochProgress
from stethoscope.model.tensorflow import keras
from stethoscope.model.tflite import write_tflite
from stethoscope.model.training import Batches, Curves, Examples, Trainer, mix_pairs
from stethoscope.sound.definition import Frames
from stethoscope.sound.planes import Planes, planes_of
from stethoscope.stats.moments import Moments

_LEAST_VARIANCE = 1e-3  # of a value, where it is the same in all frames


@dataclass(frozen=True, slots=True)
class ClassTraining:
    """The result of a training.

    Attributes
    ----------
    curves : dict
        ``loss`` and ``accuracy``, and the same with ``val_`` where there is validation, a value per
        epoch.
    best_epoch : int
        The epoch whose weights are kept, from 1.
    clips, held_out : int
        Training clips and validation clips.
    accuracy_before : float
        On the training clips before the first epoch, as by chance.
    seconds : float
    """

    curves: Curves
    best_epoch: int
    clips: int
    held_out: int
    accuracy_before: float
    seconds: float

    def metrics(self) -> dict[str, float]:
        """Return the figures by name."""
        return {
            "best_epoch": self.best_epoch,
            "clips": self.clips,
            "held_out_clips": self.held_out,
            "accuracy_before": self.accuracy_before,
            "seconds": round(self.seconds, 2),
            **{name: values[self.best_epoch - 1] for name, values in self.curves.items()},
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
    ParameterError
        If training diverges.
    """
    return train_chosen(store, labels, labelled(labels), fit, folder)


def train_chosen(
    store: FeatureStore,
    labels: Sequence[str],
    clips: Indices,
    fit: ClassFit,
    folder: str | os.PathLike[str],
) -> ClassTraining:
    """Fit a classifier to the clips with the indices `clips`, and write its model folder.

    The other parameters and errors are those of :func:`train_classifier`.
    """
    started = time.perf_counter()
    classes = class_labels([labels[index] for index in clips])
    in_validation = validation_mask(store.clips, labels, clips, fit)
    training = clips[~in_validation]
    # Altered versions are for training only.
    validation = originals(store.clips, clips[in_validation])
    window = _window(store, training, fit)
    keras.utils.set_random_seed(fit.seed)
    with _Batches(store, training, labels, classes, window, fit) as batches:
        network = _compiled(fit, batches, window, len(classes), planes_of(store.feature))
        trainer = Trainer(network)
        before = trainer.evaluate(_examples(store, training, labels, classes, window, fit))
        curves, best = trainer.fit(
            batches,
            epochs=fit.epochs,
            validation=_examples(store, validation, labels, classes, window, fit)
            if len(validation)
            else None,
            patience=fit.patience,
            progress=EpochProgress("classifier", fit.epochs, fit.verbose),
        )
    if not np.isfinite(curves["loss"]).all():
        raise ParameterError(
            "training diverged (the loss is not finite); choose a lower class_learning_rate"
        )
    seconds, accuracy = time.perf_counter() - started, before["accuracy"]
    result = ClassTraining(curves, best, len(training), len(validation), accuracy, seconds)
    _write(network, store, classes, window, fit, result, folder)
    return result


def _window(store: FeatureStore, training: Indices, fit: ClassFit) -> int:
    """Return the frames of a window: as set, as the feature gives them, or the median length."""
    if fit.window:
        return fit.window
    if isinstance(store.feature, Planes) and store.feature.window:
        return store.feature.window
    return int(np.median(store.n_frames[originals(store.clips, training)]))


def _compiled(
    fit: ClassFit, batches: "_Batches", window: int, n_classes: int, planes: int
) -> keras.Model:
    network = build(fit, window, batches.mean, batches.variance, n_classes=n_classes, planes=planes)
    rate = fit.learning_rate
    if fit.network == "mel-cnn":
        rate = OneCycle(fit.learning_rate, batches.n_steps * fit.epochs)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=fit.weight_decay)
    network.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    return network


def _examples(
    store: FeatureStore,
    clips: Indices,
    labels: Sequence[str],
    classes: list[str],
    window: int,
    fit: ClassFit,
) -> Examples:
    """Return all windows of clips, unaltered, and their classes, one-hot."""
    counts = -(-store.n_frames[clips] // window)
    windows = np.empty((counts.sum(), window, store.feature.size), np.float32)
    for index, one in zip(clips, np.split(windows, np.cumsum(counts)[:-1]), strict=True):
        one[:] = cover(prepare_frames(store.clip_frames(index), store.feature), window)
    numbers = np.array([classes.index(labels[index]) for index in clips])
    one_hot = np.eye(len(classes), dtype=np.float32)[np.repeat(numbers, counts)]
    return Examples(windows, one_hot, fit.batch_size)


def _write(
    network: keras.Model,
    store: FeatureStore,
    classes: list[str],
    window: int,
    fit: ClassFit,
    result: ClassTraining,
    folder: str | os.PathLike[str],
) -> None:
    """Write the model folder, all or nothing."""
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


class _Batches(Batches):
    """Batches of training windows, altered at random, with weights that make all classes equal.

    The frames of the clips, as the network gets them, lie end to end in a temporary file that is
    mapped into memory. As a context, it is removed.
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
        super().__init__(fit.batch_size)
        self._fit, self._window, self._planes = fit, window, planes_of(store.feature)
        self._n_frames = store.n_frames[clips]
        self._first = np.cumsum(self._n_frames) - self._n_frames
        # A long clip gives as many windows as cover it.
        self._clips = np.repeat(np.arange(len(clips)), -(-self._n_frames // window))
        numbers = np.array([classes.index(labels[int(index)]) for index in clips])
        self._classes = numbers[self._clips]
        counts = np.bincount(self._classes, minlength=len(classes))
        weights = len(self._clips) / len(classes) / np.maximum(counts, 1)
        self._weights = weights.astype(np.float32)
        self._one_hot = np.eye(len(classes), dtype=np.float32)
        # A small set is gone through several times in an epoch.
        self._rounds = -(-fit.epoch_steps * fit.batch_size // len(self._clips))
        self._rng = np.random.default_rng(fit.seed)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        shape = (int(self._n_frames.sum()), store.feature.size)
        self._frames = np.memmap(self._file, np.float32, "w+", shape=shape)
        self.mean, self.variance = self._prepare(store, clips)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        del self._frames
        self._file.close()

    @property
    def n_steps(self) -> int:
        """Steps of an epoch."""
        return -(-self._rounds * len(self._clips) // self.batch_size)

    def _prepare(self, store: FeatureStore, clips: Indices) -> tuple[Frames, Frames]:
        """Write the frames; return mean and variance of every value over them."""
        moments = Moments(store.feature.size)
        for index, first, count in zip(clips, self._first, self._n_frames, strict=True):
            frames = prepare_frames(store.clip_frames(index), store.feature)
            self._frames[first : first + count] = frames
            moments.add(frames)
        variance = np.maximum(moments.variance()[0], _LEAST_VARIANCE)
        return moments.mean()[0].astype(np.float32), variance.astype(np.float32)

    def draw_order(self) -> Indices:
        """Return the rows of an epoch, in random order."""
        order = [self._rng.permutation(len(self._clips)) for _ in range(self._rounds)]
        return np.concatenate(order)

    def gather(self, indices: Indices) -> tuple[Frames, Frames, Frames]:
        """Return altered windows, their labels, one-hot, and their weights in the loss."""
        fit, clips = self._fit, self._clips[indices]
        positions = draw_positions(self._n_frames[clips], self._window, fit.shift, self._rng)
        given: Frames = self._frames[self._first[clips][:, np.newaxis] + positions]
        mask(given, fit.mask, self.mean, self._rng, planes=self._planes)
        wanted = self._one_hot[self._classes[indices]]
        if fit.mixup:
            given, wanted = mix_pairs(given, wanted, fit.mixup, self._rng)
        return given, wanted, wanted @ self._weights
