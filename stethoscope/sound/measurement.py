"""What is measured of every recording besides its feature: level, length, clipping, gaps, bands."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.sound.audio import Decoded, Samples
from stethoscope.sound.definition import Frames

SILENCE_DB = -200.0
"""Level of digital silence, in dB; the logarithm of 0 has no value."""

# Between these peaks, squares of float32 neither overflow nor vanish.
_SMALLEST, _LARGEST = 1e-9, 1e9
_BLOCK_SECONDS = 0.01
_BANDS = 20
# In units of the range of a clip: samples this close to its ends are at the limit of a converter.
_AT_LIMIT = 5e-4
# A block with less than this fraction of the clip's range is constant, also after resampling.
_CONSTANT = 3e-6
# A block with more than this fraction of the largest possible sum of squares is not constant.
_MAYBE_CONSTANT = 1e-3
_QUIETEST = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Properties of one clip, as it was recorded.

    Attributes
    ----------
    seconds : float
        Duration.
    sample_rate : float
        Of the recording, before resampling, in Hz.
    level : float
        Root mean square without the constant part, in dB of full scale.
    floor : float
        Level of the quietest tenth of all 10-ms blocks, in dB relative to `level`.
    peak : float
        Largest magnitude.
    offset : float
        Magnitude of the constant part, relative to the root mean square of the rest.
    clipped : float
        Fraction of the samples that lie at the largest or smallest value.
    gaps : float
        Fraction of the 10-ms blocks without any change.
    lossy : float
        1 if the recording was coded with loss, else 0.
    missing_seconds : float
        As in :class:`stethoscope.sound.audio.Decoded`.
    bands : tuple of float
        Mean level of 20 groups of neighbouring mel bands, in dB relative to their median; empty
        where no log-mel spectrogram was computed.
    """

    seconds: float
    sample_rate: float
    level: float
    floor: float
    peak: float
    offset: float
    clipped: float
    gaps: float
    lossy: float = 0.0
    missing_seconds: float = 0.0
    bands: tuple[float, ...] = ()

    def with_bands(self, frames: Frames) -> Self:
        """Return the measurement with the bands of a log-mel spectrogram.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_mels)]
            In dB.
        """
        starts, sizes = _groups(frames.shape[1])
        levels = np.add.reduceat(frames.mean(axis=0), starts) / sizes
        middle = statistics.median(levels.tolist())
        return replace(self, bands=tuple((levels - middle).tolist()))

    def to_row(self) -> list[float]:
        """Return the values as one row of a table, the bands at its end."""
        return [getattr(self, name) for name in NUMBERS] + list(self.bands)

    @classmethod
    def from_row(cls, row: Sequence[float]) -> Self:
        """Build the measurement from the value of :meth:`to_row`."""
        values = [float(value) for value in row]
        numbers = dict(zip(NUMBERS, values, strict=False))
        return cls(**numbers, bands=tuple(values[len(NUMBERS) :]))


NUMBERS = tuple(field.name for field in fields(Measurement) if field.name != "bands")
"""The properties that are one number."""


def measure(samples: Samples, sample_rate: int, decoded: Decoded | None = None) -> Measurement:
    """Measure a clip.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples,), dtype=float32]
        One channel, not resampled; at least one sample.
    sample_rate : int
        In Hz.
    decoded : Decoded, optional
        The recording of the clip: how it was coded, and whether its end is missing.
    """
    least, most = samples.min(), samples.max()
    peak = max(abs(float(least)), abs(float(most)))
    # Less the middle of the range, because a constant part uses up the digits of float32.
    middle, unit = np.float32((float(least) + float(most)) / 2.0), np.float32(1.0)
    centred = samples - middle
    if peak and not _SMALLEST < peak < _LARGEST:
        unit = np.float32(peak)
        centred /= unit
    lowest, highest = float((least - middle) / unit), float((most - middle) / unit)
    spread = highest - lowest
    blocks = _Blocks.of(centred, max(1, round(_BLOCK_SECONDS * sample_rate)))
    mean, power = blocks.mean_and_power()
    rms = math.sqrt(max(power - mean * mean, 0.0))
    return Measurement(
        seconds=len(samples) / sample_rate,
        sample_rate=float(sample_rate),
        level=_decibels(rms * float(unit)) if spread else SILENCE_DB,
        floor=_decibels(math.sqrt(blocks.floor()) / rms) if rms and spread else 0.0,
        peak=peak,
        offset=abs(float(middle / unit) + mean) / rms if rms and spread else 0.0,
        clipped=_clipped(centred, lowest, highest) if spread else 0.0,
        gaps=blocks.constant(_CONSTANT * spread, spread),
        lossy=float(decoded.lossy) if decoded else 0.0,
        missing_seconds=decoded.missing_seconds if decoded else 0.0,
    )


@lru_cache(maxsize=8)
def _groups(n_mels: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return where the groups of bands begin, and their sizes."""
    groups = np.array_split(np.arange(n_mels), min(_BANDS, n_mels))
    return np.array([group[0] for group in groups]), np.array([len(group) for group in groups])


@dataclass(frozen=True, slots=True)
class _Blocks:
    """The whole blocks of a clip, and what is behind them; of a short clip, it is one block.

    Attributes
    ----------
    samples : np.ndarray [shape=(n_blocks, length), dtype=float32]
    rest : np.ndarray [dtype=float32]
        Samples behind the last block.
    roots : np.ndarray [shape=(n_blocks,), dtype=float32]
        Sum of the samples of every block, divided by the root of its length.
    energies : np.ndarray [shape=(n_blocks,), dtype=float32]
        Sum of the squares of the samples of every block.
    quietest : np.ndarray [dtype=float32]
        Sums of the squares without the constant part, of the quietest tenth of all blocks.
    """

    samples: npt.NDArray[np.float32]
    rest: npt.NDArray[np.float32]
    roots: npt.NDArray[np.float32]
    energies: npt.NDArray[np.float32]
    quietest: npt.NDArray[np.float32]

    @classmethod
    def of(cls, samples: Samples, length: int) -> Self:
        length = min(length, len(samples))
        whole = len(samples) // length * length
        blocks = samples[:whole].reshape(-1, length)
        roots = blocks @ np.full(length, 1.0 / math.sqrt(length), dtype=np.float32)
        energies = np.vecdot(blocks, blocks)
        count = max(1, round(_QUIETEST * len(blocks)))
        quietest = np.partition(energies - roots * roots, count - 1)[:count]
        return cls(blocks, samples[whole:], roots, energies, np.maximum(quietest, 0.0))

    def mean_and_power(self) -> tuple[float, float]:
        """Return the means of all samples and of their squares."""
        length, rest = self.samples.shape[1], self.rest.astype(np.float64)
        n_samples = self.samples.size + rest.size
        total = float(self.roots.sum(dtype=np.float64)) * math.sqrt(length) + float(rest.sum())
        energy = float(self.energies.sum(dtype=np.float64)) + float(rest @ rest)
        return total / n_samples, energy / n_samples

    def floor(self) -> float:
        """Return the mean variance of the quietest tenth."""
        return float(self.quietest.mean() / self.samples.shape[1])

    def constant(self, most: float, spread: float) -> float:
        """Return the fraction of the blocks whose values differ by at most `most`.

        `spread` is the range of all values, which lie evenly around 0.
        """
        # No sum of squares is larger. Single precision errs less in it than by this fraction.
        largest = self.samples.shape[1] * (spread / 2.0) ** 2
        if spread and self.quietest.min() > _MAYBE_CONSTANT * largest:
            return 0.0
        changes = self.samples.max(axis=1) - self.samples.min(axis=1)
        return int(np.count_nonzero(changes <= most)) / len(self.samples)


def _clipped(samples: Samples, lowest: float, highest: float) -> float:
    """Return the fraction of the samples at the limits, which are the extremes."""
    margin = _AT_LIMIT * (highest - lowest)
    above = int(np.count_nonzero(samples >= np.float32(highest - margin)))
    below = int(np.count_nonzero(samples <= np.float32(lowest + margin)))
    # The two extremes themselves are there in any clip.
    return max(0, above + below - 2) / len(samples)


def _decibels(magnitude: float) -> float:
    return max(SILENCE_DB, 20.0 * math.log10(magnitude)) if magnitude > 0.0 else SILENCE_DB
