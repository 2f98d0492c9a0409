"""Mel-frequency cepstral coefficients in float32 numpy, equal to librosa's."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from stethoscope.errors import ParameterError
from stethoscope.sound.audio import Samples
from stethoscope.sound.definition import FeatureDefinition, Frames
from stethoscope.sound.logmel import LogMel

QUIETEST_DB = -100.0
"""Level to which quieter bands are raised."""


@dataclass(frozen=True, kw_only=True)
class Mfcc(FeatureDefinition):
    """The definition of mel-frequency cepstral coefficients.

    They are the orthonormal cosine transform of the decibels of mel bands.

    Attributes
    ----------
    sample_rate : int
        Rate to which recordings are resampled, in Hz; 0 takes that of the first recording.
    channel : int
        Channel that is read, from 0.
    n_fft : int
        Length of a frame and of its Hann window, in samples.
    hop_length : int
        Step from frame to frame, in samples. Frames are centred; the recording is extended by
        zeros.
    n_mels : int
        Number of mel bands.
    n_mfcc : int
        Number of coefficients, from the first, at most `n_mels`.
    top_db : float
        Dynamic range, in dB: quieter bands are raised to this distance from the clip's loudest.

    References
    ----------
    S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word
    recognition in continuously spoken sentences", IEEE Transactions on Acoustics, Speech, and
    Signal Processing 28, 1980.
    """

    kind: ClassVar[str] = "mfcc"

    sample_rate: int = 0
    channel: int = 0
    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 128
    n_mfcc: int = 40
    top_db: float = 80.0

    def __post_init__(self) -> None:
        _ = self.log_mel  # refuses what cannot work
        if not 1 <= self.n_mfcc <= self.n_mels:
            raise ParameterError(
                f"feature_n_mfcc is {self.n_mfcc}; it must lie from 1 to feature_n_mels, {self.n_mels}"
            )
        if not self.top_db > 0:
            raise ParameterError(
                f"feature_top_db is {self.top_db}; it must be a positive number of decibels"
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
