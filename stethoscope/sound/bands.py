"""The band spectrum: a short spectrum cheap enough for a microcontroller."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from stethoscope.errors import refuse
from stethoscope.sound.audio import Samples
from stethoscope.sound.definition import FeatureDefinition, Frames

INT16_UNITS = 32768.0
"""Value of a sample of 1.0 in the units of a 16-bit converter."""


@dataclass(frozen=True, kw_only=True)
class BandSpectrum(FeatureDefinition):
    """The definition of a band spectrum, ``log(1 + |X|)`` of the lowest bins of short frames.

    Samples are in the units of a 16-bit converter, because log(1 + x) depends on the unit. The mean
    of each frame is removed; then the frame is multiplied by a Hamming window and transformed.
    There is no padding, so that a stream gives the same frames as a file.

    Attributes
    ----------
    sample_rate : int
        Rate to which recordings are resampled, in Hz; 0 takes that of the first recording.
    channel : int
        Channel that is read, from 0.
    n_fft : int
        Length of a frame, in samples; a power of two.
    hop_length : int
        Step from frame to frame, in samples.
    n_bands : int
        Number of bins, from the lowest, at most ``1 + n_fft // 2``.
    """

    kind: ClassVar[str] = "bands"

    sample_rate: int = 16000
    channel: int = 0
    n_fft: int = 256
    hop_length: int = 128
    n_bands: int = 48

    def __post_init__(self) -> None:
        problems = [
            f"event_{name} is {getattr(self, name)}; it must be at least {least}"
            for name, least in (
                ("sample_rate", 0),
                ("channel", 0),
                ("n_fft", 16),
                ("hop_length", 1),
                ("n_bands", 1),
            )
            if getattr(self, name) < least
        ]
        if self.n_fft >= 16 and self.n_fft & (self.n_fft - 1):
            problems.append(f"event_n_fft is {self.n_fft}; it must be a power of two, such as 256")
        if self.hop_length > self.n_fft:
            problems.append(
                f"event_hop_length is {self.hop_length}; it must not exceed event_n_fft, {self.n_fft}"
            )
        if self.n_bands > self.n_fft // 2 + 1:
            problems.append(
                f"event_n_bands is {self.n_bands}; frames of {self.n_fft} samples have {self.n_fft // 2 + 1} bins"
            )
        refuse(problems)

    @property
    def size(self) -> int:
        """Values per frame."""
        return self.n_bands

    def n_frames(self, n_samples: int) -> int:
        """Return the number of whole frames of a recording of `n_samples` samples."""
        return max(0, 1 + (n_samples - self.n_fft) // self.hop_length)

    def extract(self, samples: Samples) -> Frames:
        """Compute the band spectrum of one channel.

        Parameters
        ----------
        samples : np.ndarray [shape=(n_samples,), dtype=float32]
            At ``sample_rate``, -1..1.

        Returns
        -------
        np.ndarray [shape=(n_frames, n_bands), dtype=float32]
        """
        if self.n_frames(len(samples)) == 0:
            return np.empty((0, self.n_bands), dtype=np.float32)
        # Single precision would round away a quiet band beside a loud one.
        frames = np.lib.stride_tricks.sliding_window_view(
            np.asarray(samples, dtype=np.float64), self.n_fft
        )[:: self.hop_length]
        centred = (frames - frames.mean(axis=1, keepdims=True)) * (INT16_UNITS * self.window)
        return np.log1p(np.abs(np.fft.rfft(centred, axis=1)[:, : self.n_bands])).astype(np.float32)

    @cached_property
    def window(self) -> npt.NDArray[np.float64]:
        """Hamming window [shape=(n_fft,)], symmetric."""
        return np.hamming(self.n_fft)
