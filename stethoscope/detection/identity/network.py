"""The embedding network and the loss layer of the id-classifier."""

import math
from typing import Any

import keras

from stethoscope.sound.definition import Frames

_CHANNELS = (16, 32, 64, 128)
_EMBEDDING = 128
_SUB_CLUSTERS = 16


class SubClusterAdaCos(keras.layers.Layer):
    """Softmax over cosines to several centres per class, with a scale that follows the training.

    It is called with embeddings [shape=(batch, size)] and labels [shape=(batch, n_classes)], which
    may be mixed, and returns the probabilities of the classes. The scale is adapted to the median
    angle between the embeddings of a batch and their classes, so that the gradient does not vanish
    (equation 11 of the AdaCos paper, with the sub-clusters of Wilkinghoff).

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
    """Return the untrained embedding network.

    It is a strided convolution and four residual blocks of 16 to 128 channels.

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
