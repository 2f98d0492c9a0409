"""The embedding network and the loss layer of the id-classifier."""

import math
from collections.abc import Sequence
from typing import Any

from stethoscope.detection.identity.inputs import STEP
from stethoscope.model.tensorflow import keras
from stethoscope.sound.definition import Frames

BRANCH_SIZE = 64
"""Values of each branch's embedding."""

_CHANNELS = (16, 32, 64)  # of the residual blocks; the first convolution has those of the first
_MAP = (64, 32)  # frames and bands that the first convolution leaves, at most
_SUB_CLUSTERS = 16


class SubClusterAdaCos(keras.layers.Layer):
    """Softmax over cosines to several centres per class, with a scale that follows the training.

    It is called with embeddings [shape=(batch, size)] and labels [shape=(batch, n_classes)], which
    may be mixed, and returns the probabilities of the classes. The centres are random and stay as
    they are: a network could otherwise move embeddings and centres to one point. The scale is
    adapted to the median angle between the embeddings of a batch and their classes, so that the
    gradient does not vanish (equation 11 of the AdaCos paper, with Wilkinghoff's sub-clusters).

    References
    ----------
    K. Wilkinghoff, "Sub-cluster AdaCos: learning representations for anomalous sound detection",
    IJCNN 2021.

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
            shape=(shape[-1], n_centres),
            initializer="glorot_uniform",
            trainable=False,
            name="centres",
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


def build(
    window: int, shapes: Sequence[tuple[int, int]], mean: Frames, variance: Frames
) -> keras.Model:
    """Return the untrained embedding network.

    Every spectrogram has a branch of its own, a convolution and three residual blocks, and so has
    the spectrum. The output holds their embeddings one after the other.

    Parameters
    ----------
    window : int
        Rows per window, a multiple of `STEP`.
    shapes : sequence of tuple of int
        Frames per `STEP` rows, and bands, of each spectrogram.
    mean, variance : np.ndarray [shape=(n_bands_of_all_spectrograms + spectrum_bins,)]
        Of the bands of every spectrogram, and of the bins of the spectrum, which the network
        standardises.
    """
    columns = sum(frames * bands // STEP for frames, bands in shapes)
    bins = len(mean) - sum(bands for _, bands in shapes)
    given = keras.Input((window * columns + bins,))
    rows = keras.layers.Reshape((window, columns))(given[:, : window * columns])
    embeddings, column, band = [], 0, 0
    for frames, bands in shapes:
        width = frames * bands // STEP
        values = keras.layers.Reshape((window * frames // STEP, bands))(
            rows[:, :, column : column + width]
        )
        of_bands = slice(band, band + bands)
        values = keras.layers.Normalization(mean=mean[of_bands], variance=variance[of_bands])(
            values
        )
        embeddings.append(_spectrogram_branch(values))
        column, band = column + width, band + bands
    spectrum = keras.layers.Normalization(mean=mean[band:], variance=variance[band:])(
        given[:, window * columns :]
    )
    embeddings.append(_spectrum_branch(spectrum))
    return keras.Model(given, keras.layers.Concatenate()(embeddings))


def _spectrogram_branch(values: Any) -> Any:
    layers, ops = keras.layers, keras.ops
    strides = tuple(max(1, size // most) for size, most in zip(values.shape[1:], _MAP, strict=True))
    kernel = tuple(max(3, stride + 1) for stride in strides)
    values = layers.Reshape((*values.shape[1:], 1))(values)
    values = layers.Conv2D(_CHANNELS[0], kernel, strides=strides, padding="same", use_bias=False)(
        values
    )
    values = layers.ReLU()(layers.BatchNormalization()(values))
    for channels in _CHANNELS:
        values = _residual(values, channels)
    # Over time only: at which frequency something is heard is a mark of the machine.
    pooled = ops.concatenate([ops.max(values, axis=1), ops.mean(values, axis=1)], axis=-1)
    pooled = layers.BatchNormalization()(layers.Flatten()(pooled))
    return layers.Dense(BRANCH_SIZE, use_bias=False)(pooled)


def _spectrum_branch(values: Any) -> Any:
    layers = keras.layers
    values = layers.Reshape((values.shape[1], 1))(values)
    values = layers.ReLU()(layers.Conv1D(32, 64, strides=16, use_bias=False)(values))
    values = layers.Conv1D(32, 16, strides=8, use_bias=False)(values)
    values = layers.Flatten()(layers.ReLU()(layers.BatchNormalization()(values)))
    values = layers.Dense(2 * BRANCH_SIZE, use_bias=False)(values)
    values = layers.ReLU()(layers.BatchNormalization()(values))
    return layers.Dense(BRANCH_SIZE, use_bias=False)(values)


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
