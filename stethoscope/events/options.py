"""How an event detector is built and fitted; known without TensorFlow, so that values can be
checked before anything is downloaded.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from stethoscope.classification.options import whole_numbers
from stethoscope.errors import refuse

Division = Literal["recording", "sequential"]


@dataclass(frozen=True, kw_only=True)
class EventFit:
    """How the event detector is built and fitted.

    Attributes
    ----------
    window, stride : int
        Frames per window, and from window to window.
    filters : tuple of int
        Filters of each convolution, in order.
    strides : tuple of int
        Frames from output to output of each convolution; one number holds for all.
    kernel : int
        Frames that a convolution spans.
    dropout : float
        Share of values dropped before the last layer while training, 0 to below 1.
    augmentation : bool
        Train on windows at more places, louder and softer, with what other windows hold outside
        events mixed in.
    epochs, patience, batch_size : int
        Most epochs; epochs without a lower validation loss before training stops; windows per step.
    positive : str
        Labels that count, separated by commas; empty takes all.
    division : {"recording", "sequential"}
        Training, validation and test get 60, 20 and 20 % of the recordings, drawn at random, or of
        the windows, in order.
    interval : float
        Expected time from event to event where the detector will listen, in seconds.
    hold_off : int
        As of :class:`stethoscope.events.decoder.Decoder`.
    tolerance : float
        How far start and end of a found event may lie from the true ones when the threshold is
        chosen, in seconds.
    seed : int
    """

    window: int = 32
    stride: int = 8
    filters: tuple[int, ...] = (8, 8)
    strides: tuple[int, ...] = (1,)
    kernel: int = 3
    dropout: float = 0.0
    augmentation: bool = False
    epochs: int = 100
    patience: int = 16
    batch_size: int = 128
    positive: str = ""
    division: Division = "recording"
    interval: float = 45.0
    hold_off: int = 4
    tolerance: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        problems = [
            f"event_{name} is {getattr(self, name)}; it must be at least 1"
            for name in (
                "window",
                "stride",
                "kernel",
                "epochs",
                "patience",
                "batch_size",
                "hold_off",
            )
            if getattr(self, name) < 1
        ]
        problems += [
            f"event_{name} is {getattr(self, name)}; it must be a positive number of seconds"
            for name in ("interval", "tolerance")
            if not 0 < getattr(self, name) < math.inf
        ]
        layers = len(self.filters)
        if not self.filters or min(self.filters) < 1:
            problems.append(
                f"event_filters is {self.filters}; give the filters of each convolution, such as 8,8"
            )
        if self.stride > self.window:
            problems.append(
                f"event_stride is {self.stride}; it must not exceed event_window, {self.window}"
            )
        if len(self.strides) not in (1, layers) or min(self.strides) < 1:
            problems.append(
                f"event_strides is {self.strides}; give one number, or one for each of {layers} convolutions"
            )
        elif self._shortest() < 1:
            problems.append(
                f"event_window is {self.window}; {layers} convolutions of {self.kernel} frames need more"
            )
        if not 0 <= self.dropout < 1:
            problems.append(f"event_dropout is {self.dropout}; it must lie from 0 to below 1")
        if self.division not in get_args(Division):
            problems.append(
                f"event_division is {self.division!r}; choose one of {', '.join(get_args(Division))}"
            )
        if self.seed < 0:
            problems.append(f"seed is {self.seed}; give a number that is not negative")
        refuse(problems)

    def _shortest(self) -> int:
        """Return the frames that are left behind the convolutions."""
        length = self.window
        for stride in self.layer_strides:
            length = (length - self.kernel) // stride + 1 if length >= self.kernel else 0
        return length

    @property
    def layer_strides(self) -> tuple[int, ...]:
        """A stride for every convolution."""
        return self.strides * len(self.filters) if len(self.strides) == 1 else self.strides


def event_fit(*, filters: str = "8,8", strides: str = "1", **options: Any) -> EventFit:
    """Return how a detector is fitted, from the pipeline's parameters: lists of numbers are texts
    there.
    """
    return EventFit(
        filters=whole_numbers(filters, "event_filters"),
        strides=whole_numbers(strides, "event_strides"),
        **options,
    )


def read_fit(model: dict[str, Any]) -> EventFit:
    """Return how a model was fitted, from its ``model.json``."""
    fit = model["fit"]
    return EventFit(**{**fit, "filters": tuple(fit["filters"]), "strides": tuple(fit["strides"])})
