"""Plain WAV files: samples of 16 bits right behind the shortest header.

Nearly all data sets and recorders have such files. libsndfile takes longer to open one than to read
it, and threads that open files by it wait for each other. A file is plain only if every field of
its header agrees with the others and with the size of the file; libsndfile reads all others.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_BYTES = 2  # of a sample
_MOST_CHANNELS = 1024  # as libsndfile
_HIGHEST_RATE = 1_000_000


class PlainWav:
    """A plain WAV file, with what is used of :class:`soundfile.SoundFile`.

    Attributes
    ----------
    frames : int
        Samples per channel.
    channels : int
    samplerate : int
        In Hz.
    """

    format = "WAV"
    subtype = "PCM_16"

    def __init__(self, file: BinaryIO, frames: int, channels: int, samplerate: int) -> None:
        self._file = file
        self._left = frames
        self.frames = frames
        self.channels = channels
        self.samplerate = samplerate

    def read_whole(self, count: int = -1) -> npt.NDArray[np.int16]:
        """Read the next samples; -1 for all that are left.

        Returns
        -------
        np.ndarray [shape=(n_samples, n_channels), dtype=int16]
        """
        count = self._left if count < 0 else min(count, self._left)
        self._left -= count
        size = _BYTES * self.channels
        content = self._file.read(count * size)
        # A file that was cut off since its header was read gives fewer.
        whole = np.frombuffer(content, dtype="<i2", count=len(content) // size * self.channels)
        return whole.reshape(-1, self.channels)


@contextmanager
def open_sound(file: BinaryIO) -> Iterator[PlainWav | soundfile.SoundFile]:
    """Open a recording that libsndfile can read, without libsndfile if it is a plain WAV file.

    The file itself stays open.

    Raises
    ------
    soundfile.LibsndfileError, TypeError, ValueError
        As :class:`soundfile.SoundFile`.
    """
    if plain := _open_plain(file):
        yield plain
        return
    with soundfile.SoundFile(file) as sound:
        yield sound


def _open_plain(file: BinaryIO) -> PlainWav | None:
    """Open a plain WAV file; any other file is left where it was.

    References
    ----------
    Microsoft, "Multimedia Programming Interface and Data Specifications 1.0", WAVE form.
    """
    beginning = file.tell()
    header, size = file.read(_HEADER.size), file.seek(0, os.SEEK_END)
    if beginning == 0 and len(header) == _HEADER.size:
        riff, riff_size, wave, fmt, fmt_size, coding, *numbers, data, data_size = _HEADER.unpack(
            header
        )
        channels, rate, byte_rate, block, bits = numbers
        if (
            (riff, wave, fmt, data) == (b"RIFF", b"WAVE", b"fmt ", b"data")
            and (riff_size, fmt_size, coding, bits) == (size - 8, 16, 1, 8 * _BYTES)
            and (block, byte_rate) == (channels * _BYTES, rate * channels * _BYTES)
            and 0 < channels <= _MOST_CHANNELS
            and 0 < rate <= _HIGHEST_RATE
            and data_size == size - _HEADER.size
            and data_size % block == 0
        ):
            file.seek(_HEADER.size)
            return PlainWav(file, data_size // block, channels, rate)
    file.seek(beginning)
    return None
