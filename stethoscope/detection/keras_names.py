"""Whether Keras knows the optimizer and the loss that a user names. Keras takes seconds to load."""

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

from stethoscope.detection.options import FIT, FitOptions
from stethoscope.errors import refuse, shown


def check_keras_names(given: Mapping[str, Any]) -> None:
    """Refuse an optimizer or a loss that Keras does not know; it is not loaded for the defaults.

    Where TensorFlow is not installed, as in the image of the steps that do not train, nothing is
    checked: the training refuses the names.

    Parameters
    ----------
    given : mapping of str to Any
        Values of the parameters ``fit_*``.

    Raises
    ------
    ParameterError
        If Keras does not know one of them.
    """
    fit, defaults = FIT.of(given), FitOptions()
    fields = ("compile_optimizer", "compile_loss")
    if all(getattr(fit, field) == getattr(defaults, field) for field in fields):
        return
    if importlib.util.find_spec("tensorflow") is None:
        return
    from stethoscope.model.tensorflow import keras

    look_ups: dict[str, Callable[[], Any]] = {
        "compile_optimizer": lambda: keras.optimizers.get(fit.optimizer),
        "compile_loss": lambda: keras.losses.get(fit.loss),
    }
    problems = []
    for field, look_up in look_ups.items():
        try:
            look_up()
        except (ValueError, TypeError, KeyError):
            name = FIT[field].name
            text = "which Keras does not know; see its documentation"
            problems.append(f"{name} is {shown(getattr(fit, field))}, {text}")
    refuse(problems)
