"""The parameters of the training of classifiers and their ranges; no TensorFlow is loaded to know
them.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from stethoscope.errors import ParameterError, refuse

Architecture = Literal["mel-cnn", "mfcc-cnn"]


@dataclass(frozen=True, kw_only=True)
class ClassFit:
    """How a classifier is built and fitted.

    Attributes
    ----------
    network : {"mel-cnn", "mfcc-cnn"}
        ``mel-cnn``: convolutions of stride 2 with batch normalisation, one-cycle learning rate;
        ``mfcc-cnn``: convolutions of size 2 with max-pooling and dropout, constant learning rate.
    window : int
        Frames that the network hears at once; 0 takes the length that the feature brings clips to,
        or else the median length of the training clips.
    filters : tuple of int
        Of each convolution, in order.
    dropout : float
        Share of values dropped before the last layer (after every convolution of ``mfcc-cnn``), 0
        to below 1.
    epochs, batch_size : int
    patience : int
        Epochs without a lower validation loss before training stops; the best weights are kept.
    learning_rate : float
        The highest one.
    weight_decay : float
        Share of every weight, times the learning rate, that is taken off at each step; with 0 AdamW
        is Adam.
    validation_split : float
        Share of every class's recordings that watches the training, 0 to below 1. With 0 all epochs
        are trained and the last weights kept.
    shift : float
        Largest share of their length by which clips are turned round in time, 0 to 1.
    mask : float
        Largest share of each of two masks in time and two in frequency, 0 to 1.
    mixup : float
        Of the beta distribution by which pairs of clips are mixed; 0 mixes none.
    seed : int
    verbose : {0, 1, 2}
        0 silent, 1 a progress bar, 2 a line per epoch.

    References
    ----------
    H. Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018. L. N. Smith and N.
    Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    2017.
    """

    network: Architecture = "mel-cnn"
    window: int = 0
    filters: tuple[int, ...] = (16, 32, 64, 128)
    dropout: float = 0.2
    epochs: int = 120
    patience: int = 40
    batch_size: int = 16
    learning_rate: float = 0.003
    weight_decay: float = 0.01
    validation_split: float = 0.1
    shift: float = 1.0
    mask: float = 0.1
    mixup: float = 0.2
    seed: int = 0
    verbose: int = 1

    def __post_init__(self) -> None:
        problems = [
            f"class_{name} is {getattr(self, name)}; it must be at least 1"
            for name in ("epochs", "patience", "batch_size")
            if getattr(self, name) < 1
        ]
        if self.network not in get_args(Architecture):
            problems.append(
                f"class_network is {self.network!r}; choose one of {', '.join(get_args(Architecture))}"
            )
        if self.window < 0:
            problems.append(
                f"class_window is {self.window}; give frames, or 0 for the clips' own length"
            )
        if not self.filters or min(self.filters) < 1:
            problems.append(
                f"class_filters is {self.filters}; give the filters of each convolution, such as 16,32,64"
            )
        problems += [
            f"class_{name} is {getattr(self, name)}; it must lie from 0 to below 1"
            for name in ("dropout", "validation_split")
            if not 0 <= getattr(self, name) < 1
        ]
        problems += [
            f"class_{name} is {getattr(self, name)}; it must lie from 0 to 1"
            for name in ("shift", "mask")
            if not 0 <= getattr(self, name) <= 1
        ]
        problems += [
            f"class_{name} is {getattr(self, name)}; it must be a number from 0"
            for name in ("mixup", "weight_decay")
            if not 0 <= getattr(self, name) < math.inf
        ]
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            problems.append(
                f"class_learning_rate is {self.learning_rate}; it must be a positive number"
            )
        refuse(problems)


def whole_numbers(value: str, name: str) -> tuple[int, ...]:
    """Return the whole numbers of a text, separated by commas.

    Raises
    ------
    ParameterError
        If there is anything else in it.
    """
    try:
        return tuple(int(part) for part in value.split(","))
    except ValueError as error:
        raise ParameterError(
            f"{name} is {value!r}; give whole numbers separated by commas, such as 8,8"
        ) from error


def check_test_split(share: float) -> None:
    """Refuse a share of test recordings that does not lie above 0 and below 1.

    Raises
    ------
    ParameterError
        If it does not.
    """
    if not 0 < share < 1:
        raise ParameterError(f"class_test_split is {share}; it must lie above 0 and below 1")
