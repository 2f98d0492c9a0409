"""Spectrograms: one scaling, one colour map and the axes of each kind of feature."""

import numpy as np
import numpy.typing as npt

from stethoscope.report.charts import Axis, framed, frequency_axis
from stethoscope.report.html import Html
from stethoscope.report.media import picture
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.definition import Frames
from stethoscope.sound.display import dynamic_range
from stethoscope.sound.feature import Feature
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes

COLOURS = "bone"
"""Colour map of spectrograms, from quiet to loud."""

_DARKEST, _BRIGHTEST = 3.0, 99.7  # percentiles of the values


def spectrogram(frames: Frames, feature: Feature, description: str, *, start: float = 0.0) -> Html:
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
    """
    one = feature.of if isinstance(feature, Planes) else feature
    shown = np.asarray(frames)[:, : one.size]
    time = time_axis(len(shown), feature, start=start)
    return framed(picture(scaled(shown, one), COLOURS), time, value_axis(one), description)


def scaled(frames: Frames, feature: LogMel | BandSpectrum | Mfcc) -> Frames:
    """Return values of a spectrogram, scaled so that 0 is dark and 1 is bright.

    The ends are percentiles of the values, at most
    :func:`~stethoscope.sound.display.dynamic_range` apart.

    Parameters
    ----------
    frames : np.ndarray [shape=(n_frames, feature.size)]
    feature : LogMel, BandSpectrum or Mfcc
    """
    dark, bright = np.percentile(frames, [_DARKEST, _BRIGHTEST])
    dark = max(dark, bright - dynamic_range(feature))
    return (frames - np.float32(dark)) / np.float32(max(bright - dark, 1e-6))


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
