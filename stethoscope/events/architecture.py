"""The network of the event detector."""

from stethoscope.events.options import EventFit
from stethoscope.model.tensorflow import keras


def build(fit: EventFit, n_bands: int, n_classes: int) -> keras.Model:
    """Return the untrained network: windows [shape=(n, window, n_bands)] to scores of each class.

    The scores [shape=(n, n_classes)] are independent: several classes can sound at once. One class,
    48 bands and 8,8 filters give the 1,585 parameters of the field's teaching example.
    """
    inputs = keras.Input((fit.window, n_bands))
    values = inputs
    for filters, stride in zip(fit.filters, fit.layer_strides, strict=True):
        values = keras.layers.Conv1D(filters, fit.kernel, strides=stride, activation="relu")(values)
    values = keras.layers.Flatten()(values)
    if fit.dropout:
        values = keras.layers.Dropout(fit.dropout)(values)
    return keras.Model(inputs, keras.layers.Dense(n_classes, activation="sigmoid")(values))
