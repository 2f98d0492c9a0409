"""Another sample rate without loss of the highest frequencies.

The filters of common resamplers begin to fall at 91 % of half the rate. A model that was fitted to
recordings at their own rate finds the uppermost bands of every resampled recording too quiet. Here
the spectrum is cut at half the lower rate and nowhere before.
"""

from math import gcd
from typing import Literal

import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.float32]

Resampling = Literal["full_band", "soxr"]

BLOCK_SECONDS = 20.0
"""Longest part of a recording that is transformed at once, in seconds."""

_MARGIN_SECONDS = 0.1
"""Part beyond both ends of a block, in seconds: the filter reaches that far to -68 dB."""

_FACTORS = (2, 3, 5)


def resample(
    samples: Samples, from_rate: int, to_rate: int, *, method: Resampling = "soxr"
) -> Samples:
    """Resample a channel.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples,), dtype=float32]
    from_rate, to_rate : int
        In Hz.
    method : {"full_band", "soxr"}
        ``full_band`` keeps everything below half of the lower rate. ``soxr`` is faster and weakens
        what is above 91 % of that.

    Returns
    -------
    np.ndarray [shape=(about n_samples * to_rate / from_rate,), dtype=float32]
    """
    if from_rate == to_rate:
        return samples
    if method == "soxr":
        found = soxr.resample(samples, from_rate, to_rate, quality="HQ")
        return np.asarray(found, dtype=np.float32)
    return _full_band(samples, from_rate, to_rate)


def _full_band(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    divisor = gcd(from_rate, to_rate)
    step, new_step = from_rate // divisor, to_rate // divisor
    # Blocks and margins are whole numbers of steps, so that samples of both rates coincide there.
    margin = step * max(1, round(_MARGIN_SECONDS * from_rate / step))
    block = step * max(1, round(BLOCK_SECONDS * from_rate / step))
    result = np.empty(round(len(samples) * new_step / step), np.float32)
    for start in range(0, len(samples), block):
        end = min(start + block, len(samples))
        part = samples[max(0, start - margin) : end + margin]
        before = min(start, margin)
        begin = start // step * new_step
        count = min(len(result) - begin, -(-(end - start) * new_step // step))
        first = (margin + before) // step * new_step
        result[begin : begin + count] = _transformed(part, step, new_step, margin)[
            first : first + count
        ]
    return result


def _transformed(part: Samples, step: int, new_step: int, margin: int) -> Samples:
    """Return a part at the new rate, with its own margins of mirrored samples at both ends."""
    length = step * _smooth(-(-(len(part) + 2 * margin) // step))
    behind = length - margin - len(part)
    mode = "reflect" if len(part) > max(margin, behind) else "constant"
    spectrum = np.fft.rfft(np.pad(part, (margin, behind), mode=mode))  # type: ignore[call-overload]
    new_length = length // step * new_step
    found = np.fft.irfft(spectrum[: new_length // 2 + 1], new_length) * (new_length / length)
    return np.asarray(found, dtype=np.float32)


def _smooth(count: int) -> int:
    """Return the least number from `count` on without prime factors above 5."""
    while True:
        rest = count
        for factor in _FACTORS:
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return count
        count += 1
