"""Windows of a sound that arrives without end, from a sound card or a pipe."""

import io
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

from stethoscope.errors import AudioError, ParameterError
from stethoscope.files import atomic_file
from stethoscope.watch.folder import NewRecording

STANDARD_INPUT = "-"

_BYTES = 2  # of a sample, 16 bit
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFormat:
    """Raw samples of 16 bit, little-endian: `rate` per second on each of `channels`."""

    rate: int = 16_000
    channels: int = 1

    def __post_init__(self) -> None:
        if not 1000 <= self.rate <= 384_000:
            raise ParameterError(f"--rate is {self.rate}; give 1000 to 384000 samples per second")
        if not 1 <= self.channels <= 64:
            raise ParameterError(f"--channels is {self.channels}; give 1 to 64")

    def wav(self, samples: bytes) -> bytes:
        """Return samples as a WAV file."""
        frames = np.frombuffer(samples, dtype="<i2").reshape(-1, self.channels)
        with io.BytesIO() as file:
            soundfile.write(file, frames, self.rate, format="WAV", subtype="PCM_16")
            return file.getvalue()


@contextmanager
def open_source(source: str, form: SoundFormat) -> Iterator[IO[bytes]]:
    """Open standard input (``-``), or a sound card by its ALSA name through ``arecord``.

    Raises
    ------
    AudioError
        If ``arecord`` is not installed, or the sound card cannot be opened.
    """
    if source == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    program = shutil.which("arecord")
    if program is None:
        raise AudioError(
            f"--stream {source}: a sound card is read through arecord, which is not installed;"
            " install alsa-utils, or pipe samples: ... | stethoscope watch BUNDLE --stream -"
        )
    command = [program, "-q", "-D", source, "-t", "raw", "-f", "S16_LE"]
    command += ["-r", str(form.rate), "-c", str(form.channels)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        assert process.stderr is not None  # noqa: S101
        try:
            yield process.stdout
        finally:
            process.terminate()
            told = process.stderr.read().decode("utf-8", "replace").strip().splitlines()
        if process.wait() > 0:
            reason = told[-1] if told else f"exit status {process.returncode}"
            raise AudioError(f"--stream {source}: {reason}; `arecord -L` lists the sound cards")


def windows(
    file: IO[bytes], form: SoundFormat, stopped: threading.Event, *, seconds: float
) -> Iterator[tuple[bytes, NewRecording]]:
    """Yield each window as a WAV with its name and time, until the sound ends or it is stopped.

    An incomplete last window is left out.
    """
    size = round(seconds * form.rate) * form.channels * _BYTES
    while samples := _read(file, size, stopped):
        started = time.time() - seconds
        name = datetime.fromtimestamp(started).strftime("%Y-%m-%d_%H-%M-%S.%f")[:-3]
        key = (f"{name}.flac", size, round(started * 1e9))
        yield form.wav(samples), NewRecording(Path(key[0]), key, started)


def _read(file: IO[bytes], size: int, stopped: threading.Event) -> bytes:
    """Return as many bytes; none if the sound ends before, or it is stopped."""
    parts = bytearray()
    while len(parts) < size and not stopped.is_set():
        # A read that waits would keep a signal from ending the program.
        if not select.select([file], [], [], _POLL_SECONDS)[0]:
            continue
        part = os.read(file.fileno(), size - len(parts))
        if not part:
            break
        parts += part
    return bytes(parts) if len(parts) == size else b""


def keep_clip(folder: Path, name: str, wav: bytes) -> None:
    """Write a window as FLAC into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    samples, rate = soundfile.read(io.BytesIO(wav), dtype="int16", always_2d=True)
    with atomic_file(folder / name) as temporary:
        soundfile.write(temporary, samples, rate, format="FLAC", subtype="PCM_16")
