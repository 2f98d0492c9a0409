"""How figures are said."""

import math

from stethoscope.detection.scores import ScoredClip
from stethoscope.report.html import Html, join, tag
from stethoscope.stats.figure import Figure

_UNIT = "\u00a0%"


def count(n: int, noun: str) -> str:
    """Return ``1 clip``, ``2 clips``, ``1,200 clips``."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def percent(share: float) -> str:
    """Return a share in per cent, with a decimal below 10 and above 99; only all is 100 %, only
    none is 0 %.
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
    """Return a range of frequencies in words, in Hz below 1 kHz."""
    unit, scale, digits = ("Hz", 1.0, 0) if high < 1000 else ("kHz", 1000.0, 1)
    first, last = f"{low / scale:.{digits}f}", f"{high / scale:.{digits}f}"
    return f"{first} {unit}" if first == last else f"{first} to {last} {unit}"


def figure(value: Figure, *, share: bool = False) -> Html:
    """Return a figure with its interval below it, or why there is none."""
    if value.value is None:
        return tag("span", "n/a", tag("small", value.reason), class_="na")
    say = percent if share else "{:.3f}".format
    text = say(value.value)
    if value.low is None or value.high is None:
        return join(text)
    return join(text, tag("small", interval(value, share=share)))


def interval(value: Figure, *, share: bool = False) -> str:
    """Return a figure's 95 % interval."""
    assert value.low is not None  # both ends or none  # noqa: S101
    assert value.high is not None  # noqa: S101
    if share:
        low, _, _ = percent(value.low).partition(_UNIT)
        return f"{low} to {percent(value.high)}"
    return f"{value.low:.3f} to {value.high:.3f}"


def found(clips: list[ScoredClip]) -> str:
    """Return what was found among test clips, as a sentence without a stop."""
    anomalous = [clip.decision for clip in clips if clip.condition == "anomaly"]
    normal = [clip.decision for clip in clips if clip.condition == "normal"]
    unknown = [clip.decision for clip in clips if clip.condition == "unknown"]
    parts = []
    if anomalous:
        parts.append(f"{sum(anomalous):,} of {count(len(anomalous), 'anomalous clip')} found")
    if normal:
        parts.append(
            f"{count(sum(normal), 'false alarm') if any(normal) else 'no false alarm'} in {count(len(normal), 'normal clip')}"
        )
    if unknown:
        parts.append(
            f"{sum(unknown):,} of {count(len(unknown), 'clip')} of unknown condition called anomalous"
        )
    if normal and not anomalous and not unknown:
        parts.append("no anomalous clip to find")
    if anomalous and not normal:
        parts.append("no normal clip to measure false alarms on")
    return ", ".join(parts)


def separation(auc: Figure) -> str:
    """Return in words how well normal and anomalous clips are told apart."""
    if auc.value is None:
        return ""
    if auc.low is not None and auc.low <= 0.5:
        return "not shown to be better than guessing"
    steps = (
        (0.97, "told apart almost perfectly"),
        (0.9, "told apart well"),
        (0.8, "told apart fairly well"),
        (0.65, "told apart in part"),
    )
    return next((words for least, words in steps if auc.value >= least), "hardly told apart")


def short(path: str, length: int = 90) -> str:
    """Return a path with its middle left out if it is longer than `length`."""
    return path if len(path) <= length else f"{path[: length // 2 - 1]}…{path[-length // 2 :]}"
