"""Time-stretching: a sound that runs faster or slower at the same pitch."""

import numpy as np
import numpy.typing as npt

from stethoscope.sound.audio import Samples

_N_FFT = 2048
_HOP = _N_FFT // 4


def stretch(samples: Samples, rate: float) -> Samples:
    """Change how fast a sound runs without changing its pitch, by a phase vocoder.

    Frames of the spectrogram are read at steps of `rate`. The level of each comes from its two
    neighbours, the phase from that of the frame before and the frequency between the two, so that
    tones run on without a break. Blows are smeared a little, as with every vocoder. Equals
    librosa's ``effects.time_stretch``.

    Parameters
    ----------
    samples : np.ndarray [shape=(..., n_samples), dtype=float32]
    rate : float
        2 takes half the time, 0.5 twice the time.

    Returns
    -------
    np.ndarray [shape=(..., round(n_samples / rate)), dtype=float32]

    References
    ----------
    J. L. Flanagan and R. M. Golden, "Phase vocoder", Bell System Technical Journal 45, 1966. D. P.
    W. Ellis, "A phase vocoder in Matlab", 2002.
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
    share = (steps - before)[:, np.newaxis]
    level = (1 - share) * np.abs(following[before]) + share * np.abs(following[before + 1])
    # What the phase gains from frame to frame, beyond what a bin's own frequency gains, tells the
    # frequency within the bin.
    expected = 2 * np.pi * _HOP * np.arange(spectrum.shape[1]) / _N_FFT
    gained = (
        np.angle(following[before + 1]).astype(np.float64) - np.angle(following[before]) - expected
    )
    gained += expected - 2 * np.pi * np.round(gained / (2 * np.pi))
    phase = np.angle(spectrum[0]) + np.concatenate(
        [np.zeros_like(gained[:1]), np.cumsum(gained[:-1], axis=0)]
    )
    vocoded: npt.NDArray[np.complex64] = (level * np.exp(1j * phase)).astype(np.complex64)
    return vocoded


def _overlap_add(spectrum: npt.NDArray[np.complex64], length: int) -> Samples:
    frames = np.fft.irfft(spectrum, n=_N_FFT, axis=-1) * _WINDOW
    total = np.zeros(_N_FFT + _HOP * (len(frames) - 1))
    weight = np.zeros_like(total)
    for place, frame in enumerate(frames):
        span = slice(place * _HOP, place * _HOP + _N_FFT)
        total[span] += frame
        weight[span] += _WINDOW**2
    total /= np.where(weight > np.finfo(np.float32).tiny, weight, 1.0)
    kept = total[_N_FFT // 2 : _N_FFT // 2 + length]
    return np.pad(kept, (0, length - len(kept))).astype(np.float32)


_WINDOW = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_N_FFT) / _N_FFT)
