"""Four poolings of a clip's spectra. NumPy only."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stethoscope.sound.definition import Frames

Array = npt.NDArray[np.float64]

VIEWS = ("steady", "mean", "events", "rhythm")
"""Names of the four views, as the poolings of a clip are called."""

MIN_FRAMES = 4
"""Frames that a rhythm needs at least."""

_LEAST_POWER = 1e-9  # dB²: far below any audible fluctuation, so that a silent band has no rhythm


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """How a clip's frames are pooled, and how its segments make one figure.

    A machine runs all the time, while the sounds around it come and go: the quietest frames and the
    quieter seconds of a clip hold the machine alone. Short sounds, such as the stroke of a valve,
    are in the loudest frames, and repeated ones in the modulation.

    Attributes
    ----------
    segment_seconds : float
        Length of the segments that `mean` and `events` are computed from. A shorter clip is one
        segment.
    quiet_share : float
        Fraction of the frames, the quietest in every band, that `steady` averages.
    event_order : float
        `events` weights the n-th loudest frame of a segment by this to the power of n: 1 is the
        mean, 0 the maximum.
    lowest_hz : float
        Slowest rhythm.
    per_octave : int
        Rhythms per octave.
    quiet_quantile : float
        Quantile over a clip's segments that is taken for the clip: a lasting fault is in the quiet
        seconds too.

    References
    ----------
    J. Guan et al., "Time-weighted frequency domain audio representation with GMM estimator for
    anomalous sound detection", ICASSP 2023, for pooling by rank.
    """

    segment_seconds: float = 1.0
    quiet_share: float = 0.1
    event_order: float = 0.5
    lowest_hz: float = 0.5
    per_octave: int = 6
    quiet_quantile: float = 0.25

    def __call__(self, frames: Frames, rate: float) -> dict[str, Array]:
        """Pool a clip.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_bands)]
            Log-mel spectrogram in decibels.
        rate : float
            Frames per second.

        Returns
        -------
        dict of str to np.ndarray [shape=(n_segments, n_values)]
            By view. `steady` and `rhythm` have the whole clip as their only segment.
        """
        values = np.asarray(frames, dtype=np.float64)
        length = min(max(1, round(self.segment_seconds * rate)), len(values))
        segments = values[: len(values) // length * length].reshape(-1, length, values.shape[1])
        quietest = max(1, round(self.quiet_share * len(values)))
        quiet = np.partition(values, quietest - 1, axis=0)[:quietest].mean(axis=0)
        ranked = np.sort(segments, axis=1)[:, ::-1]
        weights = self.event_order ** np.arange(length)
        return {
            "steady": (quiet - quiet.mean())[np.newaxis],
            "mean": segments.mean(axis=1),
            "events": np.einsum("stb,t->sb", ranked, weights / weights.sum()),
            "rhythm": self._rhythm(values, rate)[np.newaxis],
        }

    def _rhythm(self, values: Array, rate: float) -> Array:
        """Return the prominence of rhythms over the floor of each band.

        Rhythms are spaced evenly by octaves; the lower half of the bands comes first, then the
        upper half.
        """
        hz = np.fft.rfftfreq(len(values), 1 / rate)[1:]
        window = np.hanning(len(values))[:, np.newaxis]
        spectrum = np.fft.rfft((values - values.mean(axis=0)) * window, axis=0)[1:]
        power = np.abs(spectrum) ** 2 + _LEAST_POWER
        audible = hz >= min(1.0, hz[-1])
        prominence = power / np.median(power[audible], axis=0)
        # The root of the mean square gives weight to the few bands that show a rhythm.
        halves = [
            np.sqrt((half**2).mean(axis=1))
            for half in np.array_split(prominence, 2, axis=1)
            if half.size
        ]
        steps = np.arange(max(1, int(np.log2(rate / 2 / self.lowest_hz) * self.per_octave) + 1))
        squared = (np.log2(hz / self.lowest_hz) * self.per_octave - steps[:, np.newaxis]) ** 2
        # The nearest line of the spectrum has full weight, even if it is far away as in a short
        # clip: otherwise all weights could vanish.
        kernel = np.exp(0.5 * (squared.min(axis=1, keepdims=True) - squared))
        kernel /= kernel.sum(axis=1, keepdims=True)
        heights: Array = np.log(np.concatenate([kernel @ half for half in halves]))
        return heights
