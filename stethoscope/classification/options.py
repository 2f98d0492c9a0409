"""The parameters of the training of classifiers; no TensorFlow is loaded to know them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from stethoscope.datasets.alterations import alterations_problem
from stethoscope.datasets.options import dataset_parameters
from stethoscope.options import (
    Group,
    Options,
    Parameter,
    ParameterSet,
    Problem,
    Range,
    option,
    seed_option,
)
from stethoscope.sound.feature import Feature
from stethoscope.sound.framing import Framing
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes

Architecture = Literal["mel-cnn", "mfcc-cnn"]


@dataclass(frozen=True, kw_only=True)
class ClassFit(Options):
    """How a classifier is built and fitted.

    The network ``mel-cnn`` has convolutions of stride 2 with batch normalisation and a one-cycle
    learning rate; ``mfcc-cnn`` has convolutions of size 2 with max-pooling and dropout, and a
    constant learning rate.

    References
    ----------
    H. Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.

    L. N. Smith and N. Topin, "Super-convergence: very fast training of neural networks using large
    learning rates", 2017.
    """

    network: Architecture = option(
        "mel-cnn", "Network: mel-cnn (64 mel bands) or mfcc-cnn (40 cepstral coefficients)."
    )
    window: int = option(
        0, "Frames of the network's input; 0 takes the clips' median length.", least=0
    )
    filters: tuple[int, ...] = option(
        (16, 32, 64, 128), "Filters of each convolution, separated by commas.", least=1
    )
    dropout: float = option(
        0.2, "Fraction of values that are dropped while training.", least=0, below=1
    )
    epochs: int = option(120, "Largest number of epochs of training.", least=1)
    patience: int = option(
        40, "Epochs without a lower validation loss before training stops.", least=1
    )
    batch_size: int = option(16, "Windows per training step.", least=1)
    epoch_steps: int = option(
        1,
        "Fewest steps of an epoch: in a small set each window comes several times, altered anew.",
        least=1,
    )
    learning_rate: float = option(0.003, "Highest learning rate.", above=0)
    weight_decay: float = option(
        0.01,
        "Fraction of every weight, times the learning rate, that is subtracted at each step.",
        least=0,
    )
    validation_split: float = option(
        0.0,
        "Fraction of every class's recordings used for validation; 0 trains all epochs on all.",
        least=0,
        below=1,
    )
    shift: float = option(
        1.0,
        "Largest circular shift in time while training, as a fraction of the clip.",
        least=0,
        most=1,
    )
    mask: float = option(
        0.1,
        "Largest fraction of each of two masks in time and two in frequency while training.",
        least=0,
        most=1,
    )
    mixup: float = option(
        0.2,
        "Parameter of the beta distribution by which pairs of clips are mixed; 0 mixes none.",
        least=0,
    )
    seed: int = seed_option()
    verbose: int = 1

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong beyond the range of each field."""
        if not self.filters:
            yield Problem("filters", "is empty; give the filters of each convolution")


def _folds_problem(folds: int) -> str:
    wanted = "give at least 2, 1 for a single division, or 0 for the folds of the set"
    return "" if folds >= 0 else wanted


FOLDS = Parameter(
    "class_folds",
    int,
    1,
    "Folds of the test: 1 is a single division by recording (class_test_split), which trains one "
    "network for the test; 0 takes the folds of the set, and 2 or more are drawn by recording.",
    rule=_folds_problem,
)
TEST_SPLIT = Parameter(
    "class_test_split",
    float,
    0.2,
    "Fraction of every class's recordings kept for the test.",
    Range(above=0, below=1),
)
AUGMENTATIONS = Parameter(
    "class_augmentations",
    str,
    "",
    "Altered versions of the clips to train on as well, separated by commas, such as "
    '"noise 0.005, roll 1600, stretch 0.8-1.25".',
    is_list=True,
    rule=alterations_problem,
)
CLASS_FIT = Group(ClassFit, "class_", names={"seed": "seed"}, without=("window",))
FRAMING = Group(Framing, "class_", fields=("sample_rate", "channel"))
PLANES = Group(Planes, "class_", fixed={"of": LogMel()})


def feature_of(parameters: Mapping[str, Any]) -> Feature:
    """Return the feature that the network takes: 40 cepstral coefficients, or 64 mel bands.

    Parameters
    ----------
    parameters : mapping of str to Any
        Values of the pipeline's parameters; those that are missing keep their defaults.

    Raises
    ------
    ParameterError
        If one of them cannot work.
    """
    framing, planes = FRAMING.of(parameters), PLANES.of(parameters)
    rate, channel = framing.sample_rate, framing.channel
    network = CLASS_FIT.of(
        {"class_network": parameters.get("class_network", ClassFit.network)}
    ).network
    of = (
        Mfcc(sample_rate=rate, channel=channel)
        if network == "mfcc-cnn"
        else LogMel(sample_rate=rate, channel=channel, n_mels=64, pad_mode="constant")
    )
    presented = replace(planes, of=of)
    return of if presented == Planes(of=of) else presented


CLASSIFICATION = ParameterSet(
    dataset_parameters(url="simulated/sounds"),
    FRAMING,
    PLANES,
    AUGMENTATIONS,
    CLASS_FIT,
    FOLDS,
    TEST_SPLIT,
)
"""The parameters of the pipeline that classifies sounds."""
