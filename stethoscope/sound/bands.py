"""The band spectrum: a short spectrum cheap enough for a microcontroller."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from stethoscope.options import Problem, option
from stethoscope.sound.audio import Samples
from stethoscope.sound.definition import FeatureDefinition, Frames
from stethoscope.sound.framing import Framing, hop_length_option, n_fft_option, sample_rate_option

INT16_UNITS = 32768.0
"""Value of a sample of 1.0 in the units of a 16-bit converter."""


@dataclass(frozen=True, kw_only=True)
class BandSpectrum(Framing, FeatureDefinition):
    """The definition of a band spectrum, ``log(1 + |X|)`` of the lowest bins of short frames.

    Samples are in the units of a 16-bit converter, because log(1 + x) depends on the unit. The mean
    of each frame is removed; then the frame is multiplied by a Hamming window and transformed.
    There is no padding, so that a stream gives the same frames as a file.
    """

    kind: ClassVar[str] = "bands"

    sample_rate: int = sample_rate_option(16000)
    n_fft: int = n_fft_option(256)
    hop_length: int = hop_length_option(128)
    n_bands: int = option(
        48, "Number of bins of the spectrum that are kept, from the lowest.", least=1
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between several fields."""
        yield from super().problems()
        if self.n_fft & (self.n_fft - 1):
            yield Problem("n_fft", f"is {self.n_fft}; it must be a power of two, such as 256")
        bins = self.n_fft // 2 + 1
        if self.n_bands > bins:
            text = f"is {self.n_bands}; frames of {self.n_fft} samples have {bins} bins"
            yield Problem("n_bands", text)

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
