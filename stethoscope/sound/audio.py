"""Reading recordings: decode, check, choose a channel, resample."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from stethoscope.errors import AudioError

Samples = npt.NDArray[np.float32]

MAX_SECONDS = 3600.0
"""Longest recording that is decoded, in seconds: a small file can declare days of silence."""

SUFFIXES = (".wav", ".flac", ".ogg")
"""File name endings of recordings, in lower case."""


def decode(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    *,
    name: str = "",
    max_seconds: float = MAX_SECONDS,
) -> tuple[Samples, int]:
    """Decode a WAV, FLAC or OGG recording.

    Parameters
    ----------
    source : path, bytes or binary file
        The recording.
    name : str
        Name in error messages; the path by default.
    max_seconds : float
        Longest duration that is accepted, in seconds.

    Returns
    -------
    samples : np.ndarray [shape=(n_channels, n_samples), dtype=float32]
        Samples; integer formats are scaled to -1..1, floats are left as they are.
    sample_rate : int
        In Hz.

    Raises
    ------
    AudioError
        If the recording cannot be decoded, is empty, longer than `max_seconds`, or holds NaN or
        infinity.
    """
    if not name:
        name = str(source) if isinstance(source, (str, os.PathLike)) else "recording"
    try:
        with soundfile.SoundFile(
            io.BytesIO(source) if isinstance(source, bytes) else source
        ) as file:
            if file.frames > max_seconds * file.samplerate:
                raise AudioError(
                    f"{name}: lasts {file.frames / file.samplerate:.0f} s,"
                    f" at most {max_seconds:.0f} s are taken; cut it into clips"
                )
            samples = file.read(dtype="float32", always_2d=True)
            sample_rate = int(file.samplerate)
    except FileNotFoundError as error:
        raise AudioError(f"{name}: no such file") from error
    except (soundfile.LibsndfileError, OSError, TypeError, ValueError, MemoryError) as error:
        reason = (
            "no such file" if _is_absent(source) else "not a readable WAV, FLAC or OGG recording"
        )
        raise AudioError(f"{name}: {reason}") from error
    if samples.size == 0:
        raise AudioError(f"{name}: holds no samples; record it again")
    if not np.isfinite(samples).all():
        raise AudioError(f"{name}: holds NaN or infinite samples; record or convert it again")
    return samples.T, sample_rate


def load(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    *,
    sample_rate: int = 0,
    channel: int = 0,
    name: str = "",
    max_seconds: float = MAX_SECONDS,
) -> tuple[Samples, int]:
    """Load one channel of a recording at a given rate.

    Parameters
    ----------
    source, name, max_seconds
        As for :func:`decode`.
    sample_rate : int
        Rate of the result, in Hz; 0 keeps the recording's own.
    channel : int
        Index of the channel, from 0.

    Returns
    -------
    samples : np.ndarray [shape=(n_samples,), dtype=float32]
    sample_rate : int
        In Hz.

    Raises
    ------
    AudioError
        As :func:`decode`, and if the channel does not exist.
    """
    samples, rate = load_channels(
        source, (channel,), sample_rate=sample_rate, name=name, max_seconds=max_seconds
    )
    return samples[0], rate


def load_channels(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    channels: Sequence[int],
    *,
    sample_rate: int = 0,
    name: str = "",
    max_seconds: float = MAX_SECONDS,
) -> tuple[Samples, int]:
    """Load several channels of a recording at a given rate.

    A mono recording is repeated on all of them.

    Parameters
    ----------
    source, sample_rate, name, max_seconds
        As for :func:`load`.
    channels : sequence of int
        Indices of the channels, from 0.

    Returns
    -------
    samples : np.ndarray [shape=(n_channels, n_samples), dtype=float32]
    sample_rate : int
        In Hz.

    Raises
    ------
    AudioError
        As :func:`decode`, and if a channel does not exist.
    """
    samples, native_rate = decode(source, name=name, max_seconds=max_seconds)
    if len(samples) == 1 and len(channels) > 1:
        samples = np.repeat(samples, max(channels) + 1, axis=0)
    for channel in channels:
        if not 0 <= channel < len(samples):
            raise AudioError(
                f"{name or 'recording'}: has {len(samples)} channel(s),"
                f" channel {channel} does not exist; choose one from 0"
            )
    chosen = np.ascontiguousarray(samples[list(channels)])
    if sample_rate in (0, native_rate):
        return chosen, native_rate
    return np.stack([resample(one, native_rate, sample_rate) for one in chosen]), sample_rate


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Resample with soxr at high quality.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples,), dtype=float32]
    from_rate, to_rate : int
        In Hz.

    Returns
    -------
    np.ndarray [shape=(about n_samples * to_rate / from_rate,), dtype=float32]
    """
    return np.asarray(soxr.resample(samples, from_rate, to_rate, quality="HQ"), dtype=np.float32)


def _is_absent(source: object) -> bool:
    return isinstance(source, (str, os.PathLike)) and not Path(source).exists()
