"""The signals that simulated sounds are made of: noise, harmonics and slow variations."""

from typing import Any

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.float32]
Numbers = npt.NDArray[Any]

RATE = 16_000
"""Sampling rate of all simulated recordings, in Hz."""

TURN = 1 << 16
"""Samples of the waveform of one turn; an unsigned 16-bit index wraps without a modulo."""

COSINE = np.cos(2.0 * np.pi * np.arange(TURN) / TURN).astype(np.float32)
"""One period of the cosine [shape=(TURN,)]."""


def noise(n: int, knots_hz: Numbers, levels_db: Numbers, rng: np.random.Generator) -> Signal:
    """Return Gaussian noise of unit power with a given spectrum [shape=(n,)].

    The spectrum is given in dB at some frequencies.
    """
    bins = n // 2 + 1
    step = bins // 2000 + 1
    hz = np.arange(0, bins + step, step) * (RATE / n)
    shape = _lines(np.interp(hz, knots_hz, 10.0 ** (levels_db / 20.0), left=0.0), step)[:bins]
    spectrum = rng.standard_normal(2 * bins, dtype=np.float32).view(np.complex64)
    spectrum *= shape * np.float32(0.5 * n / np.sqrt(np.sum(shape**2, dtype=np.float64)))
    return np.fft.irfft(spectrum, n).astype(np.float32, copy=False)


def harmonics(orders: Numbers, levels_db: Numbers, rng: np.random.Generator) -> Signal:
    """Return one period of a sum of harmonics of random phase [shape=(TURN,)]."""
    spectrum = np.zeros(TURN // 2 + 1, np.complex64)
    phases = rng.uniform(0.0, 2.0 * np.pi, orders.shape)
    spectrum[orders] = TURN / np.sqrt(2.0) * 10.0 ** (levels_db / 20.0) * np.exp(1j * phases)
    return np.fft.irfft(spectrum, TURN).astype(np.float32, copy=False)


def angle_index(turns: Numbers) -> npt.NDArray[np.uint16]:
    """Return the index within a waveform of `TURN` samples of each angle, given in turns."""
    return (turns * TURN).astype(np.int64).astype(np.uint16)


def wander(rng: np.random.Generator, n: int, hz: float) -> Signal:
    """Return a slow random variation about 0 with a standard deviation of about 1 [shape=(n,)].

    Its slope changes `hz` times a second.
    """
    step = int(RATE / hz)
    start = int(rng.integers(step))
    return _lines(rng.standard_normal(n // step + 3), step)[start : start + n]


def _lines(knots: Numbers, step: int) -> Signal:
    """Interpolate linearly between knots `step` samples apart [shape=((n_knots - 1) * step,)]."""
    knots = knots.astype(np.float32)[:, np.newaxis]
    weight = np.arange(step, dtype=np.float32) / np.float32(step)
    joined: Signal = (knots[:-1] + np.diff(knots, axis=0) * weight).ravel()
    return joined


def swell(rng: np.random.Generator, n: int, hz: float, decibels: float) -> Signal:
    """Return a slowly varying gain with a standard deviation of `decibels` [shape=(n,)]."""
    gain: Signal = np.exp(np.float32(np.log(10.0) / 20.0 * decibels) * wander(rng, n, hz))
    return gain


def amplitude(decibels: float) -> float:
    """Return the factor of an amplitude for a level in dB."""
    return float(10.0 ** (decibels / 20.0))


def rms(signal: Signal) -> float:
    """Return the root mean square of a signal."""
    return float(np.sqrt(np.mean(np.square(signal), dtype=np.float64)))
