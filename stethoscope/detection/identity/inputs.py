"""What the network of the id-classifier reads of a clip. NumPy only.

It reads windows of three spectrograms of different resolution, and the spectrum of the whole clip.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.sampled import SampledLogMel

Float32 = npt.NDArray[np.float32]

STEP = 4
"""Windows are a multiple of so many frames long, and begin at such a multiple.

So many frames of the short resolution fall on one of the feature's, and so many of these on one of
the long resolution.
"""

_LEAST_POWER = 1e-10  # of a bin of the spectrum, far below any recording


@dataclass(frozen=True, slots=True)
class ClipInputs:
    """What is read of a clip.

    Attributes
    ----------
    rows : np.ndarray [shape=(n_frames, n_columns), dtype=float32]
        The spectrograms: in each row `STEP` short frames, a frame of the feature, and a part of a
        long frame, in dB above the mean of each spectrogram.
    spectrum : np.ndarray [shape=(spectrum_bins,), dtype=float32]
        In dB above its mean.
    """

    rows: Float32
    spectrum: Float32

    def windows(self, window: int) -> Float32:
        """Return windows that cover the clip and overlap by half, each with the spectrum.

        Returns
        -------
        np.ndarray [shape=(n_windows, window * n_columns + spectrum_bins), dtype=float32]
        """
        rows = at_least(self.rows, window)
        last = len(rows) - window
        count = 1 + -(-last // max(STEP, window // 2))
        starts = np.linspace(0, last // STEP, count).round().astype(int) * STEP
        return np.stack(
            [
                np.concatenate([rows[start : start + window].ravel(), self.spectrum])
                for start in starts
            ]
        )


@dataclass(frozen=True)
class Resolutions:
    """The spectrograms and the spectrum of clips.

    Attributes
    ----------
    feature : SampledLogMel
        Its bands are the middle resolution.
    spectrum_bins : int
        Bins of equal width, from 0 Hz to half the sample rate.
    """

    feature: SampledLogMel
    spectrum_bins: int = 4096

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Frames per `STEP` frames of the feature, and bands, of each spectrogram."""
        return (
            (STEP * STEP, self.short.n_mels),
            (STEP, self.feature.n_mels),
            (1, self.long.n_mels),
        )

    @property
    def n_columns(self) -> int:
        """Values per row of the spectrograms."""
        return sum(frames * bands // STEP for frames, bands in self.shapes)

    @cached_property
    def short(self) -> LogMel:
        """The short resolution: a quarter of the feature's frame, step and bands."""
        mel = self.feature
        return LogMel(
            sample_rate=mel.sample_rate,
            n_fft=max(16, mel.n_fft // STEP),
            hop_length=max(1, mel.hop_length // STEP),
            n_mels=max(1, mel.n_mels // STEP),
        )

    @cached_property
    def long(self) -> LogMel:
        """The long resolution: four times the feature's frame, step and bands."""
        mel = self.feature
        return LogMel(
            sample_rate=mel.sample_rate,
            n_fft=mel.n_fft * STEP,
            hop_length=mel.hop_length * STEP,
            n_mels=mel.n_mels * STEP,
        )

    def of(self, frames: Frames, change: Frames | None = None) -> ClipInputs:
        """Return the inputs of a clip.

        Every spectrogram is taken relative to its mean: the level of a recording depends on the
        gain and the place of the microphone.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, feature.size), dtype=float32]
            At least `STEP` frames; those above a multiple of it at the end are not used.
        change : np.ndarray [shape=(n_frames, n_mels)], optional
            Added to the bands in dB, at the same time and pitch in every spectrogram, but not in
            the spectrum.
        """
        count = len(frames) // STEP * STEP
        bands, samples = np.split(frames[:count], [self.feature.n_mels], axis=1)
        samples = np.ascontiguousarray(samples).ravel()
        spectrograms: list[Float32] = [
            self.short.extract(samples)[: count * STEP],
            bands,
            self.long.extract(samples)[: count // STEP],
        ]
        if change is not None:
            spectrograms = [one + _resized(change[:count], *one.shape) for one in spectrograms]
        rows = [(one - one.mean()).reshape(count, -1) for one in spectrograms]
        spectrum = mean_spectrum(samples, self.spectrum_bins)
        return ClipInputs(np.concatenate(rows, axis=1), spectrum - spectrum.mean())


def _resized(change: Frames, n_frames: int, n_bands: int) -> Frames:
    """Return a picture at another resolution, of nearest values."""
    rows = np.arange(n_frames) * len(change) // n_frames
    columns = np.arange(n_bands) * change.shape[1] // n_bands
    return change[rows][:, columns]


def mean_spectrum(samples: Float32, n_bins: int) -> Float32:
    """Return the power of a whole clip in bins of equal width, in dB.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples,)]
        Zeros are added to a clip that has too few samples for the bins.
    n_bins : int

    Returns
    -------
    np.ndarray [shape=(n_bins,), dtype=float32]
    """
    n = max(len(samples), 2 * n_bins)
    power = np.abs(np.fft.rfft(samples, n)[1:]) ** 2 / n
    starts = np.arange(n_bins) * len(power) // n_bins
    means = np.add.reduceat(power, starts) / np.diff(starts, append=len(power))
    decibels: Float32 = (10.0 * np.log10(means + _LEAST_POWER)).astype(np.float32)
    return decibels


def at_least(rows: Float32, window: int) -> Float32:
    """Return rows, repeated from the first on if there are fewer than a window needs."""
    if len(rows) >= window:
        return rows
    return np.resize(rows, (window, rows.shape[1]))
