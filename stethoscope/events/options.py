"""The parameters of event detection; no TensorFlow is loaded to know them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from stethoscope.datasets.options import dataset_parameters
from stethoscope.model.options import MAX_DROP
from stethoscope.options import Group, Options, ParameterSet, Problem, option, seed_option
from stethoscope.sound.bands import BandSpectrum

Division = Literal["recording", "sequential"]


@dataclass(frozen=True, kw_only=True)
class EventFit(Options):
    """How the event detector is built and fitted."""

    window: int = option(32, "Frames per window of the network.", least=1)
    stride: int = option(8, "Frames from window to window.", least=1)
    filters: tuple[int, ...] = option(
        (8, 8), "Filters of each convolution, separated by commas.", least=1
    )
    strides: tuple[int, ...] = option(
        (1,),
        "Frames from output to output of each convolution, separated by commas; one number holds "
        "for all.",
        least=1,
    )
    kernel: int = option(3, "Frames per convolution kernel.", least=1)
    dropout: float = option(
        0.0,
        "Fraction of values that are dropped before the last layer while training.",
        least=0,
        below=1,
    )
    augmentation: bool = option(
        False,
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


BAND_SPECTRUM = Group(BandSpectrum, "event_", without=("resampling",))
EVENT_FIT = Group(EventFit, "event_", names={"positive": "event_labels", "seed": "seed"})

EVENTS = ParameterSet(
    dataset_parameters(url="simulated/bells", layout="audacity"), BAND_SPECTRUM, EVENT_FIT, MAX_DROP
)
"""The parameters of the pipeline that detects events."""
