"""Reading recordings: decode, check, choose a channel, resample."""

import io
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import soundfile

from stethoscope.counts import count
from stethoscope.errors import AudioError
from stethoscope.sound.ffmpeg import convert
from stethoscope.sound.formats import EMPTY, UNREADABLE, WAV, Format, find_format
from stethoscope.sound.plain import PlainWav, open_sound
from stethoscope.sound.resampling import Samples as Samples
from stethoscope.sound.resampling import resample
from stethoscope.system import explain_access

MAX_SECONDS = 3600.0
"""Longest recording that is decoded, in seconds: a small file can declare days of silence."""

MAX_SAMPLES = 8 * 3600 * 16_000
"""Most samples of all channels together that are decoded: an hour of eight channels at 16 kHz."""

MAX_RATIO = 1000
"""Most bytes of decoded samples per byte of a recording; Opus at its lowest rate has 256."""

RATIO_ALLOWANCE = 64 << 20
"""Bytes of decoded samples that are allowed before `MAX_RATIO` applies."""

_LOSSLESS = ("PCM_", "FLOAT", "DOUBLE", "ALAC", "FLAC")

_ITEM = 4  # bytes of a decoded sample

_MOST_CHUNKS = 64
"""Most parts of a WAV file before its samples."""

FEWEST_MISSING = 1e-3
"""Shortest missing end of a recording that is reported, in seconds."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded recording.

    Attributes
    ----------
    samples : np.ndarray [shape=(n_channels, n_samples), dtype=float32]
        Integer formats are scaled to -1..1, floats are left as they are.
    sample_rate : int
        In Hz.
    format : Format
    coding : str
        How the samples are coded, such as ``PCM_16``, ``VORBIS`` or ``AAC``.
    missing_seconds : float
        How much longer the recording is by its header than its samples; 0 for a whole one.
    """

    samples: Samples
    sample_rate: int
    format: Format
    coding: str
    missing_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """Duration."""
        return float(self.samples.shape[1] / self.sample_rate)

    @property
    def lossy(self) -> bool:
        """Whether the samples were coded with loss, as in an MP3."""
        return not self.coding.startswith(_LOSSLESS)

    def channels(self, wanted: Sequence[int], *, name: str = "") -> Samples:
        """Return channels by index, from 0; a mono recording is repeated on all of them.

        Returns
        -------
        np.ndarray [shape=(len(wanted), n_samples), dtype=float32]

        Raises
        ------
        AudioError
            If a channel does not exist.
        """
        if len(self.samples) == 1 and len(wanted) > 1:
            return np.repeat(self.samples, len(wanted), axis=0)
        for channel in wanted:
            if not 0 <= channel < len(self.samples):
                raise AudioError(
                    f"{name or 'recording'}: has {count(len(self.samples), 'channel')},"
                    f" channel {channel} does not exist; channels are counted from 0"
                )
        if len(wanted) == 1:  # which a mono recording gives without a copy
            return np.ascontiguousarray(self.samples[wanted[0] : wanted[0] + 1])
        return np.ascontiguousarray(self.samples[list(wanted)])


def decode(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    *,
    name: str = "",
    max_seconds: float = MAX_SECONDS,
    max_samples: int = MAX_SAMPLES,
) -> Decoded:
    """Decode a recording in one of the formats of :data:`stethoscope.sound.formats.FORMATS`.

    The format is determined from the first bytes. Content in any other format is refused before
    any decoder reads it.

    Parameters
    ----------
    source : path, bytes or binary file
        The recording.
    name : str
        Name in error messages; the path by default.
    max_seconds : float
        Longest duration that is accepted, in seconds.
    max_samples : int
        Most samples that are accepted, over all channels.

    Returns
    -------
    Decoded

    Raises
    ------
    AudioError
        If the recording is in no known format, cannot be decoded, is empty, too long, or holds
        NaN or infinity. A recording that is too long by its header is not decoded.
    """
    if not name:
        name = str(source) if isinstance(source, (str, os.PathLike)) else "recording"
    try:
        with opened(source) as file:
            decoded = _decode(file, source, name, Bounds(max_seconds, max_samples))
    except FileNotFoundError as error:
        raise AudioError(f"{name}: no such file") from error
    except (soundfile.LibsndfileError, OSError, TypeError, ValueError, MemoryError) as error:
        raise AudioError(f"{name}: {explain_access(error) or UNREADABLE}") from error
    if decoded.samples.size == 0:
        raise AudioError(f"{name}: {EMPTY}")
    if not (decoded.coding == "PCM_16" or np.isfinite(decoded.samples).all()):
        raise AudioError(f"{name}: holds NaN or infinite samples; record or convert it again")
    return decoded


def opened(source: str | os.PathLike[str] | bytes | BinaryIO) -> AbstractContextManager[BinaryIO]:
    """Return a context with the file of a recording; one that was given is not closed."""
    if isinstance(source, (str, os.PathLike)):
        return Path(source).open("rb")
    return io.BytesIO(source) if isinstance(source, bytes) else nullcontext(source)


def _decode(
    file: BinaryIO,
    source: str | os.PathLike[str] | bytes | BinaryIO,
    name: str,
    bounds: "Bounds",
) -> Decoded:
    form = find_format(file)
    if form is None:
        raise AudioError(f"{name}: {UNREADABLE if size_of(file) else EMPTY}")
    if form.library_names:
        return _decode_by_library(file, form, name, bounds)
    content = source if isinstance(source, (str, os.PathLike, bytes)) else file.read()
    wav, codec = convert(
        content,
        form,
        name=name,
        max_seconds=bounds.seconds,
        max_bytes=min(bounds.samples * _ITEM, size_of(file) * MAX_RATIO + RATIO_ALLOWANCE),
    )
    decoded = _decode_by_library(wav, WAV, name, bounds)
    return replace(decoded, format=form, coding=codec, missing_seconds=0.0)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Longest duration in seconds, and most samples over all channels."""

    seconds: float
    samples: int

    def check(self, sound: PlainWav | soundfile.SoundFile, n_bytes: int, name: str) -> None:
        """Refuse a recording that is too long by its header."""
        seconds, samples = sound.frames / sound.samplerate, sound.frames * sound.channels
        if seconds > self.seconds:
            raise AudioError(
                f"{name}: lasts {seconds:.0f} s, at most {self.seconds:.0f} s are taken;"
                " cut it into clips"
            )
        if samples > self.samples:
            raise AudioError(
                f"{name}: holds {samples:,} samples, at most {self.samples:,} are taken;"
                " cut it into clips, or take fewer channels or a lower rate"
            )
        if samples * _ITEM > n_bytes * MAX_RATIO + RATIO_ALLOWANCE:
            raise AudioError(
                f"{name}: its {n_bytes:,} bytes unpack to {samples * _ITEM:,}, more than any"
                " recording of a machine; record it again"
            )


def _decode_by_library(file: BinaryIO, form: Format, name: str, bounds: Bounds) -> Decoded:
    missing = missing_bytes(file) if form is WAV else 0
    with open_sound(file) as sound:
        if sound.format not in form.library_names:
            raise AudioError(f"{name}: {UNREADABLE}")
        bounds.check(sound, size_of(file), name)
        declared, rate, coding = sound.frames, int(sound.samplerate), sound.subtype
        samples = read_samples(sound)
    n_samples = len(samples)
    # A WAV's missing samples are as long as the same number of bytes that are there.
    seconds_per_byte = n_samples / rate / max(1, size_of(file))
    missing_seconds = max(missing * seconds_per_byte, (declared - n_samples) / rate)
    return Decoded(
        samples.T,
        rate,
        form,
        coding,
        missing_seconds=missing_seconds if missing_seconds >= FEWEST_MISSING else 0.0,
    )


def read_samples(sound: PlainWav | soundfile.SoundFile, count: int = -1) -> Samples:
    """Read the next samples of an open recording; fewer at its end.

    Parameters
    ----------
    sound : PlainWav or soundfile.SoundFile
    count : int
        Samples per channel; -1 for all that are left.

    Returns
    -------
    np.ndarray [shape=(n_samples, n_channels), dtype=float32]
        As :attr:`Decoded.samples`, transposed.
    """
    if isinstance(sound, PlainWav):
        whole = sound.read_whole(count)
    elif sound.subtype == "PCM_16":
        whole = sound.read(count, dtype="int16", always_2d=True)
    else:
        samples: Samples = sound.read(count, dtype="float32", always_2d=True)
        return samples
    # libsndfile converts samples one by one. A power of two loses nothing.
    scaled: Samples = np.multiply(whole, np.float32(2.0**-15), dtype=np.float32)
    return scaled


def missing_bytes(file: BinaryIO) -> int:
    """Return how many bytes more of samples the header of a WAV declares than the file holds.

    Programs that write to a pipe declare a size near the largest possible one; nothing is missing
    then. The file is left where it was.
    """
    beginning, end = file.tell(), size_of(file)
    try:
        order: Literal["big", "little"] = "big" if file.read(4) == b"RIFX" else "little"
        position, large = beginning + 12, 0
        for _ in range(_MOST_CHUNKS):
            file.seek(position)
            header = file.read(8)
            if len(header) < 8:
                return 0
            kind, size = header[:4], int.from_bytes(header[4:], order)
            if kind == b"ds64":  # sizes of more than 32 bits, EBU Tech 3306
                large = int.from_bytes(file.read(16)[8:], order)
            if kind == b"data":
                size = large if size == 0xFFFFFFFF and large else size
                declared = 0 if 0x7FFF0000 <= size <= 0xFFFFFFFF else size
                return max(0, declared - (end - position - 8))
            position += 8 + size + size % 2
    finally:
        file.seek(beginning)
    return 0


def size_of(file: BinaryIO) -> int:
    """Return the bytes of a file, which is left where it was."""
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(position)
    return size


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
        As :func:`decode`, and if a channel does not exist or nothing is left at this rate.
    """
    decoded = decode(source, name=name, max_seconds=max_seconds)
    chosen, native_rate = decoded.channels(channels, name=name), decoded.sample_rate
    if sample_rate in (0, native_rate):
        return chosen, native_rate
    resampled = np.stack([resample(one, native_rate, sample_rate) for one in chosen])
    if not resampled.size:
        raise AudioError(
            f"{name or 'recording'}: lasts {chosen.shape[1] / native_rate:.2g} s by its rate of "
            f"{native_rate} Hz, less than a sample at {sample_rate} Hz; record it again"
        )
    return resampled, sample_rate
