"""Figures as text."""

import math

from stethoscope.report.html import Html, join, tag
from stethoscope.stats.figure import Figure

_UNIT = "\u00a0%"


def percent(share: float) -> str:
    """Return a share in per cent, with a decimal below 10 and above 99.

    Only a share of 1 gives 100 %, and only a share of 0 gives 0 %.
    """
    if share in (0, 1) or 0.0995 <= share < 0.99:
        text = f"{100 * share:.0f}"
    else:
        text = f"{100 * min(max(share, 0.001), 0.999):.1f}".removesuffix(".0")
    return text + _UNIT


def number(value: float) -> str:
    """Return a score with four significant digits."""
    return f"{value:.4g}".replace("-", "−")


def decibels(gain: float) -> str:
    """Return a gain in dB, with its sign."""
    return f"{20 * math.log10(gain):+.0f} dB".replace("-", "−")


def hertz(low: float, high: float) -> str:
    """Return a range of frequencies, in Hz below 1 kHz, else in kHz."""
    unit, scale, digits = ("Hz", 1.0, 0) if high < 1000 else ("kHz", 1000.0, 1)
    first, last = f"{low / scale:.{digits}f}", f"{high / scale:.{digits}f}"
    return f"{first} {unit}" if first == last else f"{first} to {last} {unit}"


def figure(value: Figure, *, share: bool = False) -> Html:
    """Return a figure with its interval below it, or the reason why there is none.

    Parameters
    ----------
    value : Figure
    share : bool
        Write it in per cent.
    """
    if value.value is None:
        return tag("span", "n/a", tag("small", value.reason), class_="na")
    text = percent(value.value) if share else f"{value.value:.3f}"
    if value.low is None or value.high is None:
        return join(text)
    return join(text, tag("small", interval(value, share=share)))


def share_with_interval(value: Figure) -> str:
    """Return a share with its interval: ``92 % (95 % interval 84 to 96 %)``."""
    return f"{percent(value.value or 0.0)} (95 % interval {interval(value, share=True)})"


def plain(label: str) -> str:
    """Return a label for people: ``dog_bark`` is dog bark."""
    return label.replace("_", " ")


def interval(value: Figure, *, share: bool = False) -> str:
    """Return the 95 % interval of a figure: ``0.841 to 0.962``, ``84 to 96 %``."""
    assert value.low is not None  # both ends or none  # noqa: S101
    assert value.high is not None  # noqa: S101
    if share:
        low, _, _ = percent(value.low).partition(_UNIT)
        return f"{low} to {percent(value.high)}"
    return f"{value.low:.3f} to {value.high:.3f}"


def short(path: str, length: int = 90) -> str:
    """Return a path, without its middle if it is longer than `length`."""
    return path if len(path) <= length else f"{path[: length // 2 - 1]}…{path[-length // 2 :]}"
