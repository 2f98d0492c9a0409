"""Time-stretching: change the speed of a sound without changing its pitch.

The result equals that of librosa's ``effects.time_stretch``, which is not used: a clip takes about
as long with both, but the first call of librosa in a new container takes 15 s or more, because its
compiler runs, and librosa with its compiler adds 210 MB to the image (``benchmarks/stretch.py``).
"""

import numpy as np
import numpy.typing as npt

from stethoscope.sound.audio import Samples

_N_FFT = 2048
_HOP = _N_FFT // 4


def stretch(samples: Samples, rate: float) -> Samples:
    """Change the speed of a sound without changing its pitch, by a phase vocoder.

    The spectrogram is read at steps of `rate` frames. The magnitude of each new frame is
    interpolated between its two neighbours. Its phase continues that of the new frame before, by
    the frequency between the two neighbours, so that tones are not interrupted. Short impacts are
    smeared a little, as by every phase vocoder.

    Parameters
    ----------
    samples : np.ndarray [shape=(..., n_samples), dtype=float32]
    rate : float
        Factor of the speed: 2 halves the duration, 0.5 doubles it.

    Returns
    -------
    np.ndarray [shape=(..., round(n_samples / rate)), dtype=float32]

    References
    ----------
    J. L. Flanagan and R. M. Golden, "Phase vocoder", Bell System Technical Journal 45, 1966.

    D. P. W. Ellis, "A phase vocoder in Matlab", 2002.
    """
    length = round(samples.shape[-1] / rate)
    if samples.ndim > 1:
        return np.stack([stretch(channel, rate) for channel in samples])
    return _overlap_add(_vocode(_spectrum(samples), rate), length)


def _spectrum(samples: Samples) -> npt.NDArray[np.complex64]:
    padded = np.pad(samples, _N_FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::_HOP]
    spectrum: npt.NDArray[np.complex64] = np.fft.rfft(frames * _WINDOW, axis=-1).astype(
        np.complex64
    )
    return spectrum


def _vocode(spectrum: npt.NDArray[np.complex64], rate: float) -> npt.NDArray[np.complex64]:
    """Return the spectrum [shape=(n_frames, n_bins)] at steps of `rate` frames."""
    steps = np.arange(0, len(spectrum), rate)
    before = steps.astype(np.intp)
    following = np.concatenate([spectrum, np.zeros_like(spectrum[:2])])
    weight = (steps - before)[:, np.newaxis]
    magnitude = (1 - weight) * np.abs(following[before]) + weight * np.abs(following[before + 1])
    # The phase advances from frame to frame by that of the bin's centre frequency and a rest, which
    # gives the frequency within the bin.
    centre = 2 * np.pi * _HOP * np.arange(spectrum.shape[1]) / _N_FFT
    advance = (
        np.angle(following[before + 1]).astype(np.float64) - np.angle(following[before]) - centre
    )
    advance += centre - 2 * np.pi * np.round(advance / (2 * np.pi))
    phase = np.angle(spectrum[0]) + np.concatenate(
        [np.zeros_like(advance[:1]), np.cumsum(advance[:-1], axis=0)]
    )
    vocoded: npt.NDArray[np.complex64] = (magnitude * np.exp(1j * phase)).astype(np.complex64)
    return vocoded


def _overlap_add(spectrum: npt.NDArray[np.complex64], length: int) -> Samples:
    frames = np.fft.irfft(spectrum, n=_N_FFT, axis=-1) * _WINDOW
    total = np.zeros(_N_FFT + _HOP * (len(frames) - 1))
    weight = np.zeros_like(total)
    for number, frame in enumerate(frames):
        samples = slice(number * _HOP, number * _HOP + _N_FFT)
        total[samples] += frame
        weight[samples] += _WINDOW**2
    total /= np.where(weight > np.finfo(np.float32).tiny, weight, 1.0)
    kept = total[_N_FFT // 2 : _N_FFT // 2 + length]
    return np.pad(kept, (0, length - len(kept))).astype(np.float32)


_WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_N_FFT) / _N_FFT)
