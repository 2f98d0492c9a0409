"""Mel-frequency cepstral coefficients in float32 numpy, equal to librosa's."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from stethoscope.options import OptionError, Problem, option
from stethoscope.sound.audio import Samples
from stethoscope.sound.definition import FeatureDefinition, Frames
from stethoscope.sound.framing import Framing, n_fft_option
from stethoscope.sound.logmel import LogMel

QUIETEST_DB = -100.0
"""Level to which quieter bands are raised."""


@dataclass(frozen=True, kw_only=True)
class Mfcc(Framing, FeatureDefinition):
    """The definition of mel-frequency cepstral coefficients.

    They are the orthonormal cosine transform of the decibels of mel bands. Frames have a Hann
    window and are centred: the recording is extended by zeros.

    References
    ----------
    S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word
    recognition in continuously spoken sentences", IEEE Transactions on Acoustics, Speech, and
    Signal Processing 28, 1980.
    """

    kind: ClassVar[str] = "mfcc"

    n_fft: int = n_fft_option(2048)
    n_mels: int = option(128, "Number of mel bands.", least=1)
    n_mfcc: int = option(40, "Number of cepstral coefficients, from the first.", least=1)
    top_db: float = option(
        80.0,
        "Dynamic range, in dB: quieter bands are raised to this distance from the clip's loudest.",
        above=0,
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between several fields."""
        try:
            _ = self.log_mel
        except OptionError as error:
            yield from error.problems
        if self.n_mfcc > self.n_mels:
            yield Problem(
                "n_mfcc", f"is {self.n_mfcc}; it must not exceed {{n_mels}}, {self.n_mels}"
            )

    @property
    def size(self) -> int:
        """Values per frame."""
        return self.n_mfcc

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a recording of `n_samples` samples."""
        return self.log_mel.n_frames(n_samples)

    def extract(self, samples: Samples) -> Frames:
        """Compute the coefficients of one channel.

        Parameters
        ----------
        samples : np.ndarray [shape=(n_samples,), dtype=float32]
            At ``sample_rate``.

        Returns
        -------
        np.ndarray [shape=(n_frames, n_mfcc), dtype=float32]
            ``n_frames = 1 + n_samples // hop_length``.
        """
        decibels = self.log_mel.extract(samples)
        np.maximum(decibels, max(QUIETEST_DB, float(decibels.max()) - self.top_db), out=decibels)
        return decibels @ self.transform

    @cached_property
    def log_mel(self) -> LogMel:
        """The log-mel spectrogram that is transformed."""
        return LogMel(
            sample_rate=self.sample_rate,
            channel=self.channel,
            n_fft=self.n_fft,
            hop_length=self.hop_length,
            n_mels=self.n_mels,
            pad_mode="constant",
        )

    @cached_property
    def transform(self) -> Frames:
        """Cosine transform of type II, orthonormal [shape=(n_mels, n_mfcc), dtype=float32]."""
        band = np.arange(self.n_mels)[:, np.newaxis] + 0.5
        cosines = np.sqrt(2.0 / self.n_mels) * np.cos(
            np.pi / self.n_mels * band * np.arange(self.n_mfcc)
        )
        cosines[:, 0] = np.sqrt(1.0 / self.n_mels)
        return np.asarray(cosines, dtype=np.float32)
