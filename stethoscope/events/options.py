"""The parameters of event detection; no TensorFlow is loaded to know them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from stethoscope.datasets.download.addresses import check_address, split_addresses
from stethoscope.datasets.options import dataset_parameters
from stethoscope.model.options import MAX_DROP
from stethoscope.options import (
    Group,
    Options,
    Parameter,
    ParameterSet,
    Problem,
    option,
    seed_option,
)
from stethoscope.progress import warn
from stethoscope.sound.bands import BandSpectrum

Division = Literal["recording", "sequential"]
Classes = Literal["one", "each"]
NetworkName = Literal["wide", "teaching"]

TEACHING: dict[str, Any] = {
    "filters": (8, 8),
    "strides": (1,),
    "kernel": 3,
    "dropout": 0.0,
    "augmentation": False,
}
TEACHING_BANDS = 48
"""The network and the bands of the field's teaching example."""


@dataclass(frozen=True, kw_only=True)
class EventFit(Options):
    """How the event detector is built and fitted."""

    network: NetworkName = option(
        "wide",
        "Network of the detector: wide, as the other parameters say, or teaching, that of the "
        "field's teaching example, with 48 bands, 8,8 filters and no augmentation.",
    )
    window: int = option(32, "Frames per window of the network.", least=1)
    stride: int = option(8, "Frames from window to window.", least=1)
    filters: tuple[int, ...] = option(
        (12, 12), "Filters of each convolution, separated by commas.", least=1
    )
    strides: tuple[int, ...] = option(
        (1,),
        "Frames from output to output of each convolution, separated by commas; one number holds "
        "for all.",
        least=1,
    )
    kernel: int = option(3, "Frames per convolution kernel.", least=1)
    dropout: float = option(
        0.2,
        "Fraction of values that are dropped before the last layer while training.",
        least=0,
        below=1,
    )
    augmentation: bool = option(
        True,
        "Train also on windows at more positions, at other levels, with the background of other "
        "recordings mixed in.",
    )
    epochs: int = option(100, "Largest number of epochs of training.", least=1)
    patience: int = option(
        16, "Epochs without a lower validation loss before training stops.", least=1
    )
    batch_size: int = option(128, "Windows per training step.", least=1)
    positive: str = option(
        "", "Labels that count as events, separated by commas; empty takes all labels."
    )
    classes: Classes = option(
        "one",
        "What the classes of events are: all labels together are one class (one), or each label is "
        "a class of its own, with its own threshold, found beside the others (each).",
    )
    division: Division = option(
        "recording",
        "What is divided into training, validation and test (60, 20 and 20 %): the recordings, "
        "drawn at random (recording), or all windows in order (sequential).",
    )
    interval: float = option(
        45.0,
        "Expected time between events where the detector will be used, in seconds; rarer events "
        "need more evidence.",
        above=0,
    )
    false_per_hour: float = option(
        0.0,
        "Largest number of false events per hour that is wanted, of each class. Of the thresholds "
        "that keep to it on the validation sounds, the one with the highest F1 is taken; if none "
        "keeps to it, the highest one. With 0 all thresholds are compared.",
        least=0,
    )
    hold_off: int = option(
        4, "Windows after the end of an event until the event is final.", least=1
    )
    tolerance: float = option(
        0.3,
        "Largest difference between the true and the found start and end of an event, in seconds.",
        above=0,
    )
    seed: int = seed_option()

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between several fields."""
        layers = len(self.filters)
        if not self.filters:
            yield Problem("filters", "is empty; give the filters of each convolution, such as 8,8")
        if self.stride > self.window:
            text = f"is {self.stride}; it must not exceed {{window}}, {self.window}"
            yield Problem("stride", text)
        if len(self.strides) not in (1, layers):
            text = f"give one number, or one for each of {layers} convolutions"
            yield Problem("strides", f"is {','.join(map(str, self.strides))!r}; {text}")
        elif self._shortest() < 1:
            text = f"is {self.window}; {layers} convolutions of {self.kernel} frames need more"
            yield Problem("window", text)

    def _shortest(self) -> int:
        """Return the number of frames after the last convolution."""
        length = self.window
        for stride in self.layer_strides:
            length = (length - self.kernel) // stride + 1 if length >= self.kernel else 0
        return length

    @property
    def layer_strides(self) -> tuple[int, ...]:
        """A stride for every convolution."""
        return self.strides * len(self.filters) if len(self.strides) == 1 else self.strides


def read_fit(model: dict[str, Any]) -> EventFit:
    """Return how a model was fitted, from its ``model.json``."""
    fit = model["fit"]
    return EventFit(**{**fit, "filters": tuple(fit["filters"]), "strides": tuple(fit["strides"])})


def _check_background(given: Mapping[str, Any]) -> None:
    if given["event_background"]:
        for address, _ in split_addresses(given["event_background"]):
            check_address(address)


BAND_SPECTRUM = Group(BandSpectrum, "event_", without=("resampling",), defaults={"n_bands": 96})
EVENT_FIT = Group(EventFit, "event_", names={"positive": "event_labels", "seed": "seed"})

EVENT_BACKGROUND = Parameter(
    "event_background",
    str,
    "",
    "Recordings without events, given like dataset_url: training mixes them in, and false events "
    "per hour are counted on a part that is kept apart; empty for none.",
)

EVENTS = ParameterSet(
    dataset_parameters(url="simulated/bells", layout="audacity"),
    EVENT_BACKGROUND,
    BAND_SPECTRUM,
    EVENT_FIT,
    MAX_DROP,
    checks=[_check_background],
)
"""The parameters of the pipeline that detects events."""


def event_fit(given: Mapping[str, Any]) -> EventFit:
    """Return how the detector is fitted, from a pipeline's values."""
    fit = EVENT_FIT.of(given)
    return replace(fit, **TEACHING) if fit.network == "teaching" else fit


def event_bands(given: Mapping[str, Any]) -> BandSpectrum:
    """Return the feature of the detector, from a pipeline's values."""
    feature = BAND_SPECTRUM.of(given)
    teaching = EVENT_FIT.of(given).network == "teaching"
    return replace(feature, n_bands=TEACHING_BANDS) if teaching else feature


def warn_of_ignored(given: Mapping[str, Any]) -> None:
    """Warn of the parameters that the user set and that the chosen network does not use."""
    if ignored := ignored_parameters(given):
        warn(f"{', '.join(ignored)}: not used with event_network=teaching")


def ignored_parameters(given: Mapping[str, Any]) -> list[str]:
    """Return the parameters that the user set and that the chosen network does not use."""
    fit = EVENT_FIT.of(given)
    if fit.network != "teaching":
        return []
    fixed = {EVENT_FIT[field].name for field in TEACHING} | {BAND_SPECTRUM["n_bands"].name}
    changed = EVENT_FIT.changed(fit) + BAND_SPECTRUM.changed(BAND_SPECTRUM.of(given))
    return [name for name in changed if name in fixed]
