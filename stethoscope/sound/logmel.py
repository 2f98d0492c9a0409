"""Log-mel spectrograms in float32 numpy, equal to librosa's."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from stethoscope.options import Problem, option
from stethoscope.sound.audio import Samples
from stethoscope.sound.definition import FeatureDefinition, Frames
from stethoscope.sound.far import background_gain
from stethoscope.sound.fourier import EnergySpectrum
from stethoscope.sound.framing import Framing

PadMode = Literal["reflect", "constant"]

EPSILON = float(np.finfo(np.float64).eps)
"""Added to the mel spectrum before the logarithm, as in the DCASE baseline."""

_FAR_SECONDS = 1.0  # over which the powers of both channels are averaged
_GROUP = 32  # mel bands whose filters are multiplied at once


@dataclass(frozen=True, kw_only=True)
class LogMel(Framing, FeatureDefinition):
    """The definition of a log-mel spectrogram, ``20 / power * log10(mel + eps)``.

    Mel bands lie on Slaney's scale from 0 Hz to half the sample rate, with area normalisation.
    Frames have a Hann window and are centred: the recording is extended by ``n_fft // 2`` samples
    at both ends.

    With a far channel, the background that it receives is subtracted from the mel bands
    (:func:`~stethoscope.sound.far.background_gain`).
    """

    kind: ClassVar[str] = "logmel"

    n_mels: int = option(128, "Number of mel bands.", least=1)
    power: float = option(
        2.0, "Exponent of the magnitude spectrum: 1 for magnitude, 2 for energy.", above=0
    )
    pad_mode: PadMode = option(
        "reflect", "How both ends of a clip are extended: reflect, or constant (zeros)."
    )

    far_channel: int = option(
        -1,
        "Channel of a microphone that stands farther from the machine, from 0: the background that "
        "it receives is subtracted. -1 for none.",
        least=-1,
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between several fields."""
        yield from super().problems()
        if self.far_channel == self.channel:
            yield Problem("far_channel", f"is {self.far_channel}, as {{channel}}; name another one")
        if self.n_mels > self.n_fft // 2:
            text = f"is {self.n_mels}; at most half of {{n_fft}}, {self.n_fft // 2}, bands exist"
            yield Problem("n_mels", text)

    @property
    def size(self) -> int:
        """Values per frame."""
        return self.n_mels

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a recording of `n_samples` samples."""
        return 1 + n_samples // self.hop_length

    def extract(self, samples: Samples) -> Frames:
        """Compute the log-mel spectrogram of one channel.

        Parameters
        ----------
        samples : np.ndarray [shape=(n_samples,) or, with a far channel, (2, n_samples)]
            At ``sample_rate``, float32. The far channel comes second.

        Returns
        -------
        np.ndarray [shape=(n_frames, n_mels), dtype=float32]
            In decibels, ``n_frames = 1 + n_samples // hop_length``.
        """
        if self.far_channel < 0:
            mel = self._mel(samples)
        else:
            mel, far = (self._mel(channel) for channel in samples)
            smoothing = round(_FAR_SECONDS * self.sample_rate / self.hop_length) | 1
            mel *= background_gain(mel.T, far.T, smoothing).T.astype(np.float32)
        mel += np.float32(EPSILON)
        np.log10(mel, out=mel)
        mel *= np.float32(20.0 / self.power)
        return mel

    def _mel(self, samples: Samples) -> Frames:
        """Return the mel spectrogram before the logarithm [shape=(n_frames, n_mels)]."""
        padded = _extended(samples, self.n_fft // 2, self.pad_mode)
        mel = np.empty((self.n_frames(len(samples)), self.n_mels), dtype=np.float32)
        for frames, energy in self._spectrum.blocks(padded):
            if self.power != 2.0:
                energy **= np.float32(self.power / 2.0)
            for bands, bins, filters in self._groups:
                np.matmul(energy[:, bins], filters, out=mel[frames, bands])
        return mel

    @cached_property
    def filters(self) -> Frames:
        """Mel filter bank [shape=(n_mels, 1 + n_fft // 2), dtype=float32]."""
        return mel_filters(self.sample_rate, self.n_fft, self.n_mels)

    @cached_property
    def _groups(self) -> list[tuple[slice, slice, Frames]]:
        """Groups of neighbouring bands, the bins in which their filters are not 0, and the filters.

        Most of the filter bank is 0.
        """
        groups = []
        for start in range(0, self.n_mels, _GROUP):
            bands = slice(start, min(start + _GROUP, self.n_mels))
            used = np.flatnonzero(self.filters[bands].any(axis=0))
            bins = slice(int(used[0]), int(used[-1]) + 1) if len(used) else slice(0, 0)
            groups.append((bands, bins, np.ascontiguousarray(self.filters[bands, bins].T)))
        return groups

    @cached_property
    def _spectrum(self) -> EnergySpectrum:
        n = np.arange(self.n_fft)
        return EnergySpectrum(0.5 - 0.5 * np.cos(2.0 * np.pi * n / self.n_fft), self.hop_length)


def _extended(samples: Samples, length: int, mode: PadMode) -> Samples:
    """Return samples as float32, extended at both ends by a length."""
    n_samples = len(samples)
    if n_samples <= length:  # numpy mirrors such a clip repeatedly, and so does librosa
        return np.pad(np.asarray(samples, dtype=np.float32), length, mode=mode)
    padded = np.empty(n_samples + 2 * length, dtype=np.float32)
    padded[length:-length] = samples
    reflects = mode == "reflect"
    padded[:length] = samples[length:0:-1] if reflects else 0.0
    padded[-length:] = samples[-2 : -2 - length : -1] if reflects else 0.0
    return padded


@lru_cache(maxsize=8)
def mel_filters(sample_rate: int, n_fft: int, n_mels: int) -> Frames:
    """Return triangular mel filters of equal area on Slaney's scale.

    Parameters
    ----------
    sample_rate : int
        In Hz; the filters cover 0 to half of it.
    n_fft : int
        Length of the transform, in samples.
    n_mels : int
        Number of filters.

    Returns
    -------
    np.ndarray [shape=(n_mels, 1 + n_fft // 2), dtype=float32]

    References
    ----------
    M. Slaney, "Auditory Toolbox", version 2, Interval Research Corporation, 1998.
    """
    frequencies = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(sample_rate / 2.0), n_mels + 2))
    widths = np.diff(edges)
    distance = edges[:, None] - frequencies
    rising = -distance[:-2] / widths[:-1, None]
    falling = distance[2:] / widths[1:, None]
    filters = np.maximum(0.0, np.minimum(rising, falling))
    filters *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return filters.astype(np.float32)


# Slaney's scale is linear to 1 kHz, then logarithmic with 27 mels for a factor of 6.4.
_HZ_PER_MEL = 200.0 / 3.0
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    return hz / _HZ_PER_MEL if hz < _KNEE_HZ else _KNEE_MEL + math.log(hz / _KNEE_HZ) / _LOG_STEP


def _mel_to_hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(
        mel < _KNEE_MEL, mel * _HZ_PER_MEL, _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL))
    )
