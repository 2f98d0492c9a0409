"""The networks of a classifier, and the learning rate that ``mel-cnn`` is trained with."""

from typing import Any

from stethoscope.classification.options import ClassFit
from stethoscope.model.tensorflow import keras
from stethoscope.sound.definition import Frames

_MOMENTUM = 0.9  # of the batch statistics: small sets have few batches
_PITCH_FILTERS = 8  # values kept for every frequency at the end of mel-cnn
_RISE = 0.3  # fraction of the steps in which the learning rate rises
_START = 1 / 25  # of the highest learning rate
_LEAST = 1e-4  # of the highest learning rate


def build(
    fit: ClassFit, window: int, mean: Frames, variance: Frames, *, n_classes: int, planes: int = 1
) -> keras.Model:
    """Return the untrained network, from windows to the probabilities of the classes.

    The network standardises its input by the statistics of the training set. The answer to a clip
    therefore does not depend on the clips beside it.

    Parameters
    ----------
    fit : ClassFit
    window : int
        Frames per window.
    mean, variance : np.ndarray [shape=(n_values,)]
        Of the values of a frame, over the training set.
    n_classes : int
    planes : int
        Channels whose values stand side by side in a frame.
    """
    layers = keras.layers
    given = keras.Input((window, len(mean)))
    values = layers.Normalization(mean=mean, variance=variance)(given)
    if planes > 1:
        side_by_side = layers.Reshape((window, planes, len(mean) // planes))(values)
        values = layers.Permute((1, 3, 2))(side_by_side)
    else:
        values = layers.Reshape((window, len(mean), 1))(values)
    values = _mel_cnn(values, fit) if fit.network == "mel-cnn" else _mfcc_cnn(values, fit)
    return keras.Model(given, layers.Dense(n_classes, activation="softmax")(values))


def _mel_cnn(values: Any, fit: ClassFit) -> Any:
    layers = keras.layers
    for index, filters in enumerate(fit.filters):
        size = 3 if index else 5
        values = layers.Conv2D(filters, size, strides=2, padding="same", use_bias=False)(values)
        values = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM)(values))
    # Layers draw their seeds when they are made: in another order, a seed gives another network.
    dropout = layers.Dropout(fit.dropout)
    both = layers.Concatenate()
    return dropout(both([layers.GlobalAveragePooling2D()(values), _by_frequency(values)]))


def _mfcc_cnn(values: Any, fit: ClassFit) -> Any:
    layers = keras.layers
    for filters in fit.filters:
        values = layers.Conv2D(filters, 2, padding="same", activation="relu")(values)
        values = layers.Dropout(fit.dropout)(layers.MaxPooling2D(2, padding="same")(values))
    return layers.GlobalAveragePooling2D()(values)


def _by_frequency(values: Any) -> Any:
    """Return a few values per frequency, each the mean over time.

    Parameters
    ----------
    values : Keras tensor [shape=(n, n_times, n_frequencies, n_filters)]

    Notes
    -----
    The mean over all times and frequencies is the same for sounds that differ only in pitch. This
    narrow branch keeps the frequency. It is dropped for half of the clips while training, so that
    the network does not rely on it where pitch does not matter.
    """
    layers = keras.layers
    narrow = layers.Conv2D(_PITCH_FILTERS, 1, use_bias=False)(values)
    narrow = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM)(narrow))
    narrow = layers.Flatten()(layers.AveragePooling2D((narrow.shape[1], 1))(narrow))
    return layers.Dropout(0.5, noise_shape=(None, 1))(narrow)


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises and falls once, linearly.

    Parameters
    ----------
    highest : float
    steps : int
        Training steps of all epochs.
    """

    def __init__(self, highest: float, steps: int) -> None:
        self.highest = highest
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        """Return the rate at a step."""
        done = keras.ops.cast(step, "float32") / self.steps
        rising = _START + (1 - _START) * done / _RISE
        falling = (1 - done) / (1 - _RISE)
        return self.highest * keras.ops.maximum(keras.ops.minimum(rising, falling), _LEAST)

    def get_config(self) -> dict[str, float]:
        """Return the parameters."""
        return {"highest": self.highest, "steps": self.steps}
