"""Reading formats that libsndfile does not know, through the program ffmpeg."""

import io
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stethoscope.errors import AudioError
from stethoscope.processes import bound_program
from stethoscope.sound.formats import Format

_SECONDS = 120.0
"""Longest time that ffmpeg may take for a recording, in seconds."""

_HEADER = 1 << 16  # bytes, more than the header of a WAV and one packet
_CODEC = re.compile(r"Stream #0:\d+.*?: Audio: (\w+)")

Pass = tuple[int, ...]


def convert(
    source: str | os.PathLike[str] | bytes,
    form: Format,
    *,
    name: str,
    max_seconds: float,
    max_bytes: int,
) -> tuple[io.BytesIO, str]:
    """Convert the first audio track of a recording to a WAV of floats.

    ffmpeg gets the demuxer by name and may open only the recording itself. Where the system can do
    that, it ends when this process is killed.

    Parameters
    ----------
    source : path or bytes
    form : Format
        With a demuxer.
    name : str
        Name in error messages.
    max_seconds : float
        No more than this duration is decoded, and one second, by which the caller can tell.
    max_bytes : int
        Most bytes of decoded samples.

    Returns
    -------
    wav : io.BytesIO
        At the rate and with the channels of the recording.
    codec : str
        Name of the track's coding, in upper case; empty if ffmpeg does not tell.

    Raises
    ------
    AudioError
        If ffmpeg is not installed or cannot decode the recording, or the recording is too large.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise AudioError(
            f"{name}: {form.name} is read through ffmpeg, which is not installed here;"
            " install ffmpeg or convert the recording to WAV or FLAC"
        )
    with _as_file(source) as (path, passed):
        command = bound_program(
            *(program, "-hide_banner", "-nostdin", "-nostats"),
            *("-protocol_whitelist", "file", "-f", form.demuxer, "-i", f"file:{path}"),
            *("-map", "0:a:0", "-t", f"{max_seconds + 1.0:.3f}", "-threads", "1"),
            *("-fs", str(max_bytes + _HEADER)),
            *("-c:a", "pcm_f32le", "-f", "wav", "pipe:1"),
        )
        try:
            done = subprocess.run(  # noqa: S603  # no shell, and every argument is ours
                command,
                capture_output=True,
                timeout=_SECONDS,
                pass_fds=passed,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise AudioError(
                f"{name}: ffmpeg did not finish within {_SECONDS:.0f} s; convert it to WAV or FLAC"
            ) from error
    if not done.stdout:
        raise AudioError(
            f"{name}: holds no sound that ffmpeg can decode; convert it to WAV or FLAC"
        )
    if len(done.stdout) > max_bytes:
        raise AudioError(
            f"{name}: holds more than {max_bytes // 4:,} samples; cut it into clips, or take fewer"
            " channels or a lower rate"
        )
    codec = _CODEC.search(done.stderr.decode("utf-8", "replace"))
    return io.BytesIO(done.stdout), codec[1].upper() if codec else ""


@contextmanager
def _as_file(source: str | os.PathLike[str] | bytes) -> Iterator[tuple[str, Pass]]:
    """Yield a path by which ffmpeg can read a recording, and the descriptors that it needs."""
    if not isinstance(source, bytes):
        yield str(Path(source).absolute()), ()
    elif hasattr(os, "memfd_create"):  # in memory: the service may have no disk that it can write
        descriptor = os.memfd_create("recording")
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(source)
            yield f"/proc/self/fd/{descriptor}", (descriptor,)
        finally:
            os.close(descriptor)
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "recording")
            path.write_bytes(source)
            yield str(path), ()
