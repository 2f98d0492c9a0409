"""What is measured of every recording besides its feature: level, length, clipping, gaps, bands."""

import math
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

_BLOCK_SECONDS = 0.01
_BANDS = 20
# In units of the range of a clip: samples this close to its ends are at the limit of a converter.
_AT_LIMIT = 5e-4
# A block with less than this fraction of the clip's range is constant, also after resampling.
_CONSTANT = 3e-6
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
        edges = _edges(frames.shape[1])
        levels = np.add.reduceat(frames.mean(axis=0), edges[:-1]) / np.diff(edges)
        return replace(self, bands=tuple((levels - np.median(levels)).tolist()))

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
    lowest, highest = float(samples.min()), float(samples.max())
    peak = max(abs(lowest), abs(highest))
    # In units of the peak: squares of float32 overflow from 1e19 on.
    scaled = samples / np.float32(peak) if peak else samples
    mean = float(scaled.mean(dtype=np.float64))
    power = float(np.dot(scaled, scaled)) / len(scaled)
    rms = math.sqrt(max(power - mean * mean, 0.0))
    spread = (highest - lowest) / peak if peak else 0.0
    changes, powers = _blocks(scaled, max(1, round(_BLOCK_SECONDS * sample_rate)))
    return Measurement(
        seconds=len(samples) / sample_rate,
        sample_rate=float(sample_rate),
        level=_decibels(rms * peak) if spread else SILENCE_DB,
        floor=_floor(powers, rms) if spread else 0.0,
        peak=peak,
        offset=abs(mean) / rms if rms and spread else 0.0,
        clipped=_clipped(scaled, spread) if spread else 0.0,
        gaps=float(np.mean(changes <= _CONSTANT * spread)),
        lossy=float(decoded.lossy) if decoded else 0.0,
        missing_seconds=decoded.missing_seconds if decoded else 0.0,
    )


@lru_cache(maxsize=8)
def _edges(n_mels: int) -> npt.NDArray[np.intp]:
    """Return where the groups of bands begin, and where the last one ends."""
    groups = np.array_split(np.arange(n_mels), min(_BANDS, n_mels))
    return np.array([group[0] for group in groups] + [n_mels])


def _blocks(
    samples: Samples, length: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the range and the variance of every whole block; of a short clip as one block."""
    length = min(length, len(samples))
    blocks = samples[: len(samples) // length * length].reshape(-1, length)
    means = blocks @ np.full(length, 1.0 / length, dtype=np.float32)
    powers = np.einsum("ij,ij->i", blocks, blocks) / np.float32(length) - means * means
    return blocks.max(axis=1) - blocks.min(axis=1), np.maximum(powers, 0.0)


def _floor(powers: npt.NDArray[np.float32], rms: float) -> float:
    count = max(1, round(_QUIETEST * len(powers)))
    quietest = np.partition(powers, count - 1)[:count]
    return _decibels(math.sqrt(float(quietest.mean())) / rms) if rms else 0.0


def _clipped(samples: Samples, spread: float) -> float:
    margin = np.float32(_AT_LIMIT * spread)
    above = int(np.count_nonzero(samples >= samples.max() - margin))
    below = int(np.count_nonzero(samples <= samples.min() + margin))
    # The two extremes themselves are there in any clip.
    return max(0, above + below - 2) / len(samples)


def _decibels(magnitude: float) -> float:
    return max(SILENCE_DB, 20.0 * math.log10(magnitude)) if magnitude > 0.0 else SILENCE_DB
