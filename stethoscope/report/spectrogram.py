"""Spectrograms: one scaling, one colour map and the axes of each kind of feature."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stethoscope.report.charts import Axis, framed, frequency_axis
from stethoscope.report.html import Html
from stethoscope.report.media import colour_scale, picture
from stethoscope.report.words import number
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.definition import Frames
from stethoscope.sound.display import DYNAMIC_RANGE, dynamic_range
from stethoscope.sound.feature import Feature
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes

COLOURS = "bone"
"""Colour map of spectrograms, from quiet to loud."""

_DARKEST, _BRIGHTEST = 3.0, 99.7  # percentiles of the values


Levels = tuple[float, float]
"""Values of a feature that are drawn darkest and brightest."""


def spectrogram(
    frames: Frames,
    feature: Feature,
    description: str,
    *,
    start: float = 0.0,
    levels: Levels | None = None,
) -> Html:
    """Return the spectrogram of a clip with its axes.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, feature.size)]
        Of several channels, the first is shown.
    feature : Feature
        By which the frames were computed.
    description : str
        For readers who cannot see it.
    start : float
        Time of the first frame, in seconds.
    levels : (float, float), optional
        Common levels of several clips, by :func:`levels_of`; those of this clip by default.
    """
    one = feature.of if isinstance(feature, Planes) else feature
    shown = np.asarray(frames)[:, : one.size]
    time = time_axis(len(shown), feature, start=start)
    dark, bright = levels or levels_of([shown], feature)
    values = (shown - np.float32(dark)) / np.float32(max(bright - dark, 1e-6))
    return framed(picture(values, COLOURS), time, value_axis(one), description)


def levels_of(clips: Sequence[Frames], feature: Feature) -> Levels:
    """Return the values that are drawn darkest and brightest in the spectrograms of clips.

    They are the lowest and the highest of the clips' percentiles, at most
    :func:`~stethoscope.sound.display.dynamic_range` apart.

    Parameters
    ----------
    clips : sequence of np.ndarray [shape=(n_frames, feature.size)]
        At least one.
    feature : Feature
    """
    one = feature.of if isinstance(feature, Planes) else feature
    ends = [np.percentile(clip[:, : one.size], [_DARKEST, _BRIGHTEST]) for clip in clips]
    bright = max(float(high) for _, high in ends)
    return max(min(float(low) for low, _ in ends), bright - dynamic_range(one)), bright


def level_scale(levels: Levels, feature: Feature) -> Html:
    """Return the colours of spectrograms with their levels, in dB below the brightest."""
    one = feature.of if isinstance(feature, Planes) else feature
    span = levels[1] - levels[0]
    if isinstance(one, Mfcc):
        return colour_scale(number(levels[0]), number(levels[1]), COLOURS)
    decibels = span * DYNAMIC_RANGE / dynamic_range(one)
    return colour_scale(f"−{decibels:.0f} dB", "0 dB", COLOURS)


def time_axis(n_frames: int, feature: Feature, *, start: float = 0.0) -> Axis:
    """Return the axis of time of so many frames, of which the first is at `start` seconds."""
    seconds = max(n_frames - 1, 1) * feature.hop_length / feature.sample_rate
    return Axis.linear(start, start + seconds, "time, s", ticks=6)


def value_axis(feature: LogMel | BandSpectrum | Mfcc) -> Axis:
    """Return the axis of the values of a frame: frequencies, or numbers of coefficients."""
    if isinstance(feature, LogMel):
        return frequency_axis(band_centres(feature))
    if isinstance(feature, BandSpectrum):
        highest = feature.n_bands * feature.sample_rate / feature.n_fft / 1000
        return Axis.linear(0, highest, "frequency, kHz", ticks=3)
    return Axis.linear(0, feature.size, "coefficient", ticks=4)


def band_centres(feature: LogMel) -> npt.NDArray[np.float64]:
    """Return the centre frequencies of the mel bands, in Hz [shape=(n_mels,)]."""
    filters = feature.filters.astype(np.float64)
    weight = filters.sum(axis=1)
    filled = np.flatnonzero(weight)  # filters narrower than a line of the spectrum can be empty
    lines = np.fft.rfftfreq(feature.n_fft, 1 / feature.sample_rate)
    means = filters[filled] @ lines / weight[filled]
    centres: npt.NDArray[np.float64] = np.interp(np.arange(len(filters)), filled, means)
    return centres
