"""The network of the event detector."""

from stethoscope.events.options import EventFit
from stethoscope.model.tensorflow import keras


def build(fit: EventFit, n_bands: int) -> keras.Model:
    """Return the untrained network: windows [shape=(n, window, n_bands)] to scores [shape=(n, 1)].

    The defaults on 48 bands give the 1,585 parameters of the field's teaching example.
    """
    inputs = keras.Input((fit.window, n_bands))
    values = inputs
    for filters, stride in zip(fit.filters, fit.layer_strides, strict=True):
        values = keras.layers.Conv1D(filters, fit.kernel, strides=stride, activation="relu")(values)
    values = keras.layers.Flatten()(values)
    if fit.dropout:
        values = keras.layers.Dropout(fit.dropout)(values)
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(values))
