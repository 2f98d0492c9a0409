"""Mel-frequency cepstral coefficients in float32 numpy, equal to librosa's."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from stethoscope.errors import ParameterError
from stethoscope.sound.audio import Samples
from stethoscope.sound.logmel import Frames, LogMel

QUIETEST_DB = -100.0
"""Level that quieter bands are raised to."""


@dataclass(frozen=True, kw_only=True)
class Mfcc:
    """The definition of mel-frequency cepstral coefficients: the orthonormal cosine transform of
    the mel bands' decibels.

    Attributes
    ----------
    sample_rate : int
        Rate that recordings are brought to, in Hz; 0 until the first recording decides.
    channel : int
        Channel that is read, from 0.
    n_fft : int
        Length of a frame and of its Hann window, in samples.
    hop_length : int
        Step from frame to frame, in samples; the frames are centred, the recording extended by
        zeros.
    n_mels : int
        Number of mel bands.
    n_mfcc : int
        Coefficients kept, from the first, at most `n_mels`.
    top_db : float
        Bands quieter than the clip's loudest by more than this many decibels are raised to that
        level.

    References
    ----------
    S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word
    recognition in continuously spoken sentences", IEEE Transactions on Acoustics, Speech, and
    Signal Processing 28, 1980.
    """

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

    def to_json(self) -> dict[str, Any]:
        """Return the definition as JSON values, ``{"kind": "mfcc", ...}``."""
        return {"kind": "mfcc", **asdict(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Build the definition from :meth:`to_json`'s value."""
        return cls(**{key: item for key, item in value.items() if key != "kind"})
