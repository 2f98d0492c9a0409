"""The front end: what C needs to compute a feature."""

import numpy as np
import numpy.typing as npt

from stethoscope.edge.c.cost import (
    Operations,
    bands_operations,
    fft_operations,
    mel_operations,
    total,
)
from stethoscope.edge.c.text import Array, Constant, single
from stethoscope.errors import ModelError
from stethoscope.sound.audio import Samples
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import Feature
from stethoscope.sound.logmel import EPSILON, LogMel
from stethoscope.sound.mfcc import Mfcc
from stethoscope.sound.planes import Planes


def arrays(feature: Feature) -> list[Array]:
    """Return the tables of the front end.

    Raises
    ------
    ModelError
        If C cannot compute the feature.
    """
    n, mel = feature.n_fft, _log_mel(feature)
    if isinstance(feature, Planes):
        raise ModelError(
            "the network takes several channels or clips of one length, C takes one channel and "
            "clips of any length; set class_channels=1, class_seconds=0"
        )
    if mel is not None and mel.far_channel >= 0:
        raise ModelError(
            "the feature subtracts what a far microphone receives, C takes one channel; "
            "set feature_far_channel=-1"
        )
    if n & (n - 1) or n < 16:
        raise ModelError(
            f"frames of {n} samples cannot be transformed on a microcontroller; "
            f"use a power of two, such as 1024"
        )
    angles = 2 * np.pi * np.arange(n // 2) / n
    twiddles = np.stack([np.cos(angles), -np.sin(angles)], axis=1)
    if isinstance(feature, BandSpectrum):
        window, name = feature.window, "Hamming"
    else:
        window, name = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n), "Hann, periodic"
    tables = [
        Array("FRAME_WINDOW", window.astype(np.float32), name),
        Array("TWIDDLES", twiddles.astype(np.float32), "cos and -sin of 2 pi k / FRAME_SIZE"),
    ]
    if mel is not None:
        tables += _mel_arrays(mel.filters)
    if isinstance(feature, Mfcc):
        cosines = feature.transform.astype(np.float32)
        tables.append(Array("COSINES", cosines, "of the cosine transform, band after band"))
    return tables


def _mel_arrays(filters: Frames) -> list[Array]:
    """Return the weights of mel filters [shape=(n_mels, n_bins)] without the zeros around them."""
    used = [np.flatnonzero(row) for row in filters]
    first = [int(bins[0]) if len(bins) else 0 for bins in used]
    count = [int(bins[-1] - bins[0]) + 1 if len(bins) else 0 for bins in used]
    weights = [row[low : low + size] for row, low, size in zip(filters, first, count, strict=True)]
    return [
        Array("MEL_FIRST", np.array(first, dtype=np.uint16), "first bin of every band"),
        Array("MEL_COUNT", np.array(count, dtype=np.uint16), "bins of every band"),
        Array(
            "MEL_WEIGHTS",
            np.concatenate(weights).astype(np.float32),
            "of the bins, band after band",
        ),
    ]


def constants(feature: Feature) -> list[Constant]:
    """Return the constants of the front end of mel bands; none for another."""
    mel = _log_mel(feature)
    if mel is None:
        return []
    values = [
        Constant("MEL_BANDS", str(mel.n_mels)),
        Constant("MEL_POWER", single(mel.power), "1 magnitude, 2 energy"),
        Constant("MEL_EPSILON", single(EPSILON)),
    ]
    if isinstance(feature, Mfcc):
        values.append(Constant("CEPSTRA", "1", "the values of a frame are cepstra, not bands"))
    return values


def macs_per_frame(feature: Feature, tables: list[Array]) -> int:
    """Return the multiply-accumulates of one frame.

    There are four multiplications per butterfly of the transform, four per bin that separate the
    spectra of even and odd samples, two for its energy, and one per sample for the window.
    """
    half = feature.n_fft // 2
    sums = sum(table.values.size for table in tables if table.name in ("MEL_WEIGHTS", "COSINES"))
    return 2 * half * (half.bit_length() - 1) + 6 * half + feature.n_fft + sums


def frame_operations(feature: Feature) -> Operations:
    """Return the operations of one frame, for cepstra without their cosine transform."""
    mel = _log_mel(feature)
    bands = (
        bands_operations(feature.n_fft, feature.size)
        if mel is None
        else mel_operations(feature.n_fft, mel.n_mels, mel.power)
    )
    return total([(1, fft_operations(feature.n_fft)), (1, bands)])


def stream_frames(feature: Feature, samples: Samples) -> Frames:
    """Compute the frames of a stream: whole ones from the first sample on, without padding."""
    if isinstance(feature, BandSpectrum):
        return feature.extract(samples)
    # The feature centres its frames. Those that begin before the first sample are dropped, and
    # zeros before it make the next one begin there.
    half = feature.n_fft // 2
    dropped = -(-half // feature.hop_length)
    zeros = np.zeros(dropped * feature.hop_length - half, dtype=np.float32)
    count = 1 + (len(samples) - feature.n_fft) // feature.hop_length
    return feature.extract(np.concatenate([zeros, samples]))[dropped : dropped + count]


def to_float(pcm: npt.NDArray[np.int16]) -> Samples:
    """Return 16-bit PCM as samples from -1 to 1."""
    return pcm.astype(np.float32) / np.float32(32768)


def _log_mel(feature: Feature) -> LogMel | None:
    """Return the log-mel spectrum that is computed on the way to a feature."""
    if isinstance(feature, Mfcc):
        return feature.log_mel
    return feature if isinstance(feature, LogMel) else None
