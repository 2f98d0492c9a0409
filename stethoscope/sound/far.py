"""Subtracting the background that a microphone far from the machine receives. NumPy only."""

import numpy as np
import numpy.typing as npt

Power = npt.NDArray[np.floating]
Array = npt.NDArray[np.float64]

_STEPS = 6  # of the weighted regression; it changes little after the fourth
_LEAST_SHARE = 0.02  # of a band's power that is always left to the machine
_LEAST_GAIN = 0.1  # -10 dB: estimates of the background are too uncertain to subtract more
_LEAST_POWER = 1e-20  # far below any recording


def background_ratio(near: Power, far: Power) -> Array:
    """Return the power of the background at the near microphone over the power at the far one.

    In every band, the power at the near microphone is that of the machine, which is taken as
    constant, plus the ratio times the power at the far microphone. Both are fitted over the frames,
    by least squares of relative errors: the power of noise deviates in proportion to itself.

    Parameters
    ----------
    near, far : np.ndarray [shape=(n_bands, n_frames)]
        Power of simultaneous recordings.

    Returns
    -------
    np.ndarray [shape=(n_bands, 1)]
    """
    unit, far_unit = (
        np.maximum(power.mean(axis=1, keepdims=True, dtype=np.float64), _LEAST_POWER)
        for power in (near, far)
    )
    y, x = near / unit, far / far_unit
    machine, ratio = np.full_like(unit, 0.3), np.full_like(unit, 0.7)
    for _ in range(_STEPS):
        weight = (machine + ratio * x) ** -2
        weight /= weight.sum(axis=1, keepdims=True)
        mean_x, mean_y = ((weight * one).sum(axis=1, keepdims=True) for one in (x, y))
        centred = weight * (x - mean_x)
        covariance = (centred * (y - mean_y)).sum(axis=1, keepdims=True)
        variance = (centred * (x - mean_x)).sum(axis=1, keepdims=True)
        ratio = np.maximum(covariance / (variance + 1e-12), 0.0)
        machine = mean_y - ratio * mean_x
        ratio = np.where(
            machine < _LEAST_SHARE,
            np.maximum(mean_y - _LEAST_SHARE, 0.0) / np.maximum(mean_x, 1e-12),
            ratio,
        )
        machine = np.maximum(machine, _LEAST_SHARE)
    scaled: Array = ratio * unit / far_unit
    return scaled


def background_gain(near: Power, far: Power, smoothing: int) -> Array:
    """Return the gain that removes the background from the near microphone (a Wiener filter).

    Parameters
    ----------
    near, far : np.ndarray [shape=(n_bands, n_frames)]
        Power of simultaneous recordings.
    smoothing : int
        Frames over which the powers are averaged, odd. The gain then follows the background, and
        not the random fluctuation of noise from frame to frame, nor single strokes of a machine.

    Returns
    -------
    np.ndarray [shape=(n_bands, n_frames)]
        Of the power, from 0.1 to 1.

    References
    ----------
    S. F. Boll, "Suppression of acoustic noise in speech using spectral subtraction", IEEE
    Transactions on Acoustics, Speech, and Signal Processing 27, 1979.
    """
    background = background_ratio(near, far) * _smoothed(far, smoothing)
    share = background / np.maximum(_smoothed(near, smoothing), _LEAST_POWER)
    gain: Array = np.maximum(1.0 - share, _LEAST_GAIN)
    return gain


def _smoothed(power: Power, frames: int) -> Array:
    """Return moving averages over frames; the first and the last frame are repeated."""
    padded = np.pad(power.astype(np.float64), ((0, 0), (frames // 2 + 1, frames // 2)), mode="edge")
    sums = padded.cumsum(axis=1)
    means: Array = (sums[:, frames:] - sums[:, :-frames]) / frames
    return means
