"""A small residual network that learns to tell machines apart, and thereby what is typical of each.

Nobody needs to tell it what an anomaly is: to know one fan from another it must listen to what
makes them differ, and a clip that lies far from a machine's normal clips in its embedding is
anomalous. The more machines there are, the more it learns. Where a machine type has a single id
there is nothing to tell apart: then every machine is also heard with its pitch or its speed
changed, and each of these is a class of its own.

References
----------
K. Wilkinghoff, "Sub-cluster AdaCos: learning representations for anomalous sound detection", IJCNN
2021.

I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.

H. Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
"""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import keras
import numpy as np
import numpy.typing as npt

from stethoscope.detection.identity.score import References, embed
from stethoscope.detection.pooled.fit import fit_gaussians
from stethoscope.detection.spectra_sums import SpectraSums
from stethoscope.features.store import FeatureStore
from stethoscope.machines import type_of
from stethoscope.model.network import Network
from stethoscope.model.progress import EpochProgress
from stethoscope.model.tflite import write_tflite
from stethoscope.model.training import Batches, fit_network, mix_pairs
from stethoscope.progress import track
from stethoscope.sound.logmel import Frames

Indices = npt.NDArray[np.intp]

WINDOW = 128
"""Frames per window, at most: four seconds at the default feature."""

_CHANNELS = (16, 32, 64, 128)
_EMBEDDING = 128
_SUB_CLUSTERS = 16
_LEARNING_RATE = 1e-3
_MIXUP = 0.4  # both parameters of the beta distribution of the share of the first of two windows
_BATCH = 32
_LEAST_BATCHES = 32  # per epoch: a small set is gone through several times

WARPS = ((1.0, 0), (1.25, 0), (0.8, 0), (1.0, 1), (1.0, -1))
"""Speed and steps of pitch, each of a 32nd of the bands, by which a single machine is made several
classes; the first is as it is.
"""


@dataclass
class IdClassifier:
    """One network for all machines of all types.

    Parameters
    ----------
    score : {"cosine", "mahalanobis"}
        Distance of a clip from its machine's normal clips: cosine to the nearest two, or
        Mahalanobis from their mean.
    epochs : int
        Epochs of training.
    verbose : {0, 1, 2}
        0 silent, 1 a progress bar, 2 a line per epoch.
    seed : int
        Of weights and of every draw.

    Attributes
    ----------
    network_ : keras.Model
        Input [shape=(batch, window_, n_mels)], output [shape=(batch, 128)].
    window_ : int
        Frames per window: `WINDOW`, or as many as the shortest clip has.
    curves_ : dict
        Loss curves of the classification, of all machine types together.
    """

    kind: ClassVar[str] = "id-classifier"
    cross_fits: ClassVar[bool] = False

    score: str = "cosine"
    epochs: int = 16
    verbose: int = 1
    seed: int = 0

    def fit(self, store: FeatureStore, training: Indices, held_out: Indices) -> Self:
        """Fit on the clips `training`; those `held_out` only measure the validation loss."""
        keras.utils.set_random_seed(self.seed)
        self.out_of_fold_: npt.NDArray[np.float64] | None = None
        self._store, self._training = store, training
        self.window_ = int(min(WINDOW, store.n_frames[training].min()))
        crops = Crops(store, training, self.window_, seed=self.seed, mixup=True)
        check = (
            Crops(
                store, held_out, self.window_, seed=self.seed, mixup=False, machines=crops.machines
            )
            if len(held_out)
            else None
        )
        self.network_ = build(self.window_, *band_statistics(store, training))
        labels = keras.Input((crops.n_classes,))
        classes = SubClusterAdaCos(crops.n_classes)(self.network_.output, labels)
        model = keras.Model([self.network_.input, labels], classes)
        model.compile(keras.optimizers.AdamW(_LEARNING_RATE), "categorical_crossentropy")
        progress = EpochProgress("train id-classifier", self.epochs, self.verbose)
        curves, _ = fit_network(
            model, crops, validation=check, epochs=self.epochs, callbacks=[progress]
        )
        self.curves_ = {"all machines": curves}
        return self

    def save(self, folder: Path) -> dict[str, Any]:
        """Write ``embedding.keras`` and ``.tflite``, and the embeddings of the training clips as
        ``references.npz``.
        """
        store, size = self._store, self._store.feature.size
        self.network_.save(folder / "embedding.keras")
        shape = (self.window_, size)
        write_tflite(
            self.network_, folder / "embedding.tflite", shape=(None, *shape), probe=(3, *shape)
        )
        network = Network(folder / "embedding.tflite")
        names = [store.clips[index].machine for index in self._training]
        machines, owners = np.unique(names, return_inverse=True)
        sums, embeddings = SpectraSums(len(machines), size), []
        for index, owner in track(
            zip(self._training, owners, strict=True), label="embed", total=len(names)
        ):
            frames = np.array(store.clip_frames(index))
            store.release()
            sums.add(frames, owner)
            embeddings.append(embed(network, frames, self.window_))
        gaussians = fit_gaussians([one[np.newaxis] for one in embeddings], owners, len(machines))
        names = [str(machine) for machine in machines]
        References(tuple(names), np.stack(embeddings), owners, gaussians, sums.normal()).save(
            folder / "references.npz"
        )
        return {
            "machines": names,
            "window": self.window_,
            "score": self.score,
            "epochs": self.epochs,
            "seed": self.seed,
        }


class Crops(Batches):
    """Batches of random windows of clips, mixed in pairs, with their classes.

    Parameters
    ----------
    store : FeatureStore
    clips : np.ndarray of int
        Indices of the clips.
    window : int
        Frames per window.
    seed : int
    mixup : bool
        Mix pairs of windows and their classes.
    machines : sequence of str, optional
        All machines, in the order of their classes; by default those of the clips.

    Notes
    -----
    A batch is ``((windows, labels), labels)``: windows [shape=(batch, window, n_mels)], labels
    [shape=(batch, n_classes)].
    """

    def __init__(
        self,
        store: FeatureStore,
        clips: Indices,
        window: int,
        *,
        seed: int,
        mixup: bool,
        machines: list[str] | None = None,
    ) -> None:
        self._store = store
        self._window = window
        self._rng = np.random.default_rng(seed)
        self._mixup = mixup
        self.machines = (
            sorted({store.clips[index].machine for index in clips})
            if machines is None
            else machines
        )
        ids_of_type = Counter(type_of(machine) for machine in self.machines)
        self._warps = WARPS if min(ids_of_type.values()) == 1 else WARPS[:1]
        self.n_classes = len(self.machines) * len(self._warps)
        # Long clips give as many windows as they hold, and everything is gone through often enough
        # to learn from.
        self._clips = np.repeat(clips, -(-store.n_frames[clips] // window))
        self._count = max(len(self._clips), _LEAST_BATCHES * _BATCH) if mixup else len(self._clips)
        super().__init__(_BATCH)

    def gather(self, indices: Indices) -> tuple[tuple[Frames, Frames], Frames]:
        """Return windows of clips, with their classes, as described in the notes."""
        windows = np.empty((len(indices), self._window, self._store.feature.size), dtype=np.float32)
        labels = np.zeros((len(indices), self.n_classes), dtype=np.float32)
        for row, clip in enumerate(indices):
            warp = int(self._rng.integers(len(self._warps)))
            windows[row] = self._crop(self._store.clip_frames(clip), *self._warps[warp])
            labels[
                row, self.machines.index(self._store.clips[clip].machine) * len(self._warps) + warp
            ] = 1.0
        self._store.release()
        if self._mixup:
            windows, labels = mix_pairs(windows, labels, _MIXUP, self._rng)
        return (windows, labels), labels

    def draw_order(self) -> Indices:
        """Return the clips of an epoch, in random order; a clip may occur several times."""
        rounds = -(-self._count // len(self._clips))
        drawn = [self._rng.permutation(self._clips) for _ in range(rounds)]
        return np.concatenate(drawn)[: self._count]

    def _crop(self, frames: Frames, speed: float, steps: int) -> Frames:
        length = min(len(frames), math.ceil(speed * self._window))
        start = self._rng.integers(len(frames) - length + 1)
        return warp(np.array(frames[start : start + length]), self._window, speed, steps)


def warp(frames: Frames, window: int, speed: float, steps: int) -> Frames:
    """Return `window` frames of a clip that runs `speed` times as fast, its pitch moved by steps of
    a 32nd of the bands.

    A clip that is too short for it is repeated.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, n_mels)]

    Returns
    -------
    np.ndarray [shape=(window, n_mels)]
    """
    bands = frames.shape[1]
    shift = steps * max(1, bands // 32)
    shifted = frames[:, np.clip(np.arange(bands) - shift, 0, bands - 1)]
    position = np.arange(window) * speed
    below = np.floor(position).astype(int)
    share = (position - below).astype(np.float32)[:, np.newaxis]
    warped: Frames = (1 - share) * shifted[below % len(frames)] + share * shifted[
        (below + 1) % len(frames)
    ]
    return warped


class SubClusterAdaCos(keras.layers.Layer):
    """Softmax over cosines to several centres per class, with a scale that follows the training.

    Called with embeddings [shape=(batch, size)] and labels [shape=(batch, n_classes)], which may be
    mixed; returns the probabilities of the classes. The scale is such that an embedding as near to
    its class as the median of the batch is has a probability that still teaches (equation 11 of the
    AdaCos paper, with sub-clusters as Wilkinghoff has them).

    References
    ----------
    X. Zhang et al., "AdaCos: adaptively scaling cosine logits for effectively learning deep face
    representations", CVPR 2019.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self._n_classes = n_classes

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the centres and the scale."""
        n_centres = self._n_classes * _SUB_CLUSTERS
        self._centres = self.add_weight(
            shape=(shape[-1], n_centres), initializer="glorot_uniform", name="centres"
        )
        start = keras.initializers.Constant(math.sqrt(2) * math.log(n_centres - 1))
        self._scale = self.add_weight(shape=(), initializer=start, trainable=False, name="scale")

    def call(self, embeddings: Any, labels: Any, training: bool = False) -> Any:
        """Return the probabilities of the classes [shape=(batch, n_classes)]."""
        ops = keras.ops
        cosines = ops.normalize(embeddings, axis=1) @ ops.normalize(self._centres, axis=0)
        by_class = ops.reshape(cosines, (-1, self._n_classes, _SUB_CLUSTERS))
        if training:
            nearest = ops.sum(labels * ops.max(by_class, axis=2), axis=1)
            angle = ops.minimum(
                math.pi / 4, ops.median(ops.arccos(ops.clip(nearest, -1 + 1e-6, 1 - 1e-6)))
            )
            logits = self._scale * cosines
            mean_sum = ops.logsumexp(logits) - ops.log(
                ops.cast(ops.shape(cosines)[0], cosines.dtype)
            )
            self._scale.assign(ops.stop_gradient(mean_sum / ops.cos(angle)))
        probabilities = ops.softmax(self._scale * cosines, axis=1)
        return ops.sum(ops.reshape(probabilities, (-1, self._n_classes, _SUB_CLUSTERS)), axis=2)


def build(window: int, mean: Frames, variance: Frames) -> keras.Model:
    """Return the untrained embedding network: a strided convolution and four residual blocks of 16
    to 128 channels.

    Parameters
    ----------
    window : int
        Frames per window.
    mean, variance : np.ndarray [shape=(n_mels,)]
        Of the bands, which the network standardises.
    """
    frames = keras.Input((window, len(mean)))
    values = keras.layers.Normalization(mean=mean, variance=variance)(frames)
    values = keras.layers.Reshape((window, len(mean), 1))(values)
    values = keras.layers.Conv2D(_CHANNELS[0], 5, strides=2, padding="same", use_bias=False)(values)
    values = keras.layers.ReLU()(keras.layers.BatchNormalization()(values))
    for channels in _CHANNELS:
        values = _residual(values, channels)
    values = keras.layers.GlobalAveragePooling2D()(values)
    return keras.Model(frames, keras.layers.Dense(_EMBEDDING)(values))


def band_statistics(store: FeatureStore, clips: Indices) -> tuple[Frames, Frames]:
    """Return mean and variance of every band over all frames of the clips [shape=(n_mels,)]."""
    sums = SpectraSums(1, store.feature.size)
    for index in clips:
        sums.add(np.array(store.clip_frames(index)), 0)
        store.release()
    spectra = sums.normal()
    return spectra.mean[0].astype(np.float32), np.maximum(spectra.variance[0], 1e-3).astype(
        np.float32
    )


def _residual(values: Any, channels: int) -> Any:
    layers = keras.layers
    inner = layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False)(values)
    inner = layers.ReLU()(layers.BatchNormalization()(inner))
    inner = layers.BatchNormalization()(
        layers.Conv2D(channels, 3, padding="same", use_bias=False)(inner)
    )
    shortcut = layers.BatchNormalization()(
        layers.Conv2D(channels, 1, strides=2, padding="same", use_bias=False)(values)
    )
    return layers.ReLU()(layers.Add()([inner, shortcut]))
