"""Long recordings, read part by part, so that memory does not grow with their length."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import soundfile

from stethoscope.errors import AudioError
from stethoscope.sound.audio import (
    FEWEST_MISSING,
    MAX_SAMPLES,
    MAX_SECONDS,
    Bounds,
    Decoded,
    Samples,
    decode,
    missing_bytes,
    opened,
    read_samples,
    size_of,
)
from stethoscope.sound.formats import EMPTY, UNREADABLE, WAV, Format, find_format
from stethoscope.sound.plain import PlainWav, open_sound
from stethoscope.system import explain_access

Source = str | os.PathLike[str] | bytes | BinaryIO
"""A recording: its path, its content, or an open binary file."""

Interval = tuple[int, int]
"""First sample, and the one behind the last."""

_SKIP = 1 << 16  # samples that are passed over at once

FROM_LENGTHS = 1.5
"""A recording is long from this multiple of the wanted length of its parts on."""


class LongSource:
    """A recording that is decoded as a whole or in parts, as its length demands.

    A context. Opening it reads the header alone, unless the format is one that only ffmpeg reads:
    such a recording is decoded as a whole, with the bounds of
    :func:`~stethoscope.sound.audio.decode`.

    Parameters
    ----------
    source : path, bytes or binary file
    name : str
        Name in messages; the path by default.
    max_seconds : float, optional
        Longest recording that is accepted, in seconds. By default a path has no bound, because
        parts of a file take no more memory than one of them; content has that of `decode`.
    max_samples : int, optional
        Most samples over all channels; by default as for `max_seconds`.

    Attributes
    ----------
    name : str
    n_samples : int
        By its header.
    sample_rate : int
        In Hz.

    Raises
    ------
    AudioError
        If the recording cannot be read, or is too long.
    """

    def __init__(
        self,
        source: Source,
        *,
        name: str = "",
        max_seconds: float | None = None,
        max_samples: int | None = None,
    ) -> None:
        is_path = isinstance(source, (str, os.PathLike))
        self.name = name or (str(source) if is_path else "recording")
        self._source = source
        # These hold for what is decoded as a whole.
        self._whole_seconds = MAX_SECONDS if max_seconds is None else max_seconds
        self._whole_samples = MAX_SAMPLES if max_samples is None else max_samples
        unbounded = is_path and max_seconds is None
        self._bounds = Bounds(
            math.inf if unbounded else self._whole_seconds,
            1 << 62 if is_path and max_samples is None else self._whole_samples,
        )
        self._stack = ExitStack()
        self._decoded: Decoded | None = None
        self._sound: PlainWav | soundfile.SoundFile | None = None
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def seconds(self) -> float:
        """Duration by the header."""
        return float(self.n_samples / self.sample_rate)

    def is_long(self, seconds: float) -> bool:
        """Return whether it is to be read in parts of about `seconds`; 0 means never."""
        return is_long(self.seconds, seconds)

    def whole(self) -> Decoded:
        """Decode it as a whole, with the bounds of :func:`~stethoscope.sound.audio.decode`."""
        if self._decoded is None:
            if not isinstance(self._source, (str, os.PathLike, bytes)):
                self._source.seek(self._beginning)
            self._decoded = decode(
                self._source,
                name=self.name,
                max_seconds=self._whole_seconds,
                max_samples=self._whole_samples,
            )
        return self._decoded

    def read(self, intervals: Sequence[Interval]) -> Iterator[tuple[Interval, Decoded]]:
        """Yield parts, decoded from the start without a jump, so that they are exact.

        Parameters
        ----------
        intervals : list of (int, int)
            In the order of their starts; they may overlap, and are read once.

        Yields
        ------
        interval, part
            A part that is shorter than its interval is the end of a recording whose header states
            too much. Intervals behind it are left out.

        Raises
        ------
        AudioError
            If the content is damaged.
        """
        if self._decoded is not None:
            whole = self._decoded
            for start, stop in intervals:
                yield (start, stop), replace(whole, samples=whole.samples[:, start:stop])
            return
        for interval, samples in self._samples(intervals):
            # What is missing is missing behind the last part.
            missing = self._missing_seconds if interval[1] >= self.n_samples else 0.0
            yield interval, self._checked(samples, missing)

    def _samples(self, intervals: Sequence[Interval]) -> Iterator[tuple[Interval, Samples]]:
        kept, position = self._next(0), 0  # the samples before `position` that are still needed
        for start, stop in intervals:
            while position < start:
                skipped = self._next(min(start - position, _SKIP)).shape[1]
                position += skipped
                if not skipped:
                    return
            kept = kept[:, max(0, kept.shape[1] - (position - start)) :]
            more = self._next(stop - position)
            position += more.shape[1]
            kept = np.concatenate([kept, more], axis=1)
            if kept.size:
                yield (start, stop), kept
            if position < stop:
                return

    def _next(self, count: int) -> Samples:
        """Return the next samples [shape=(n_channels, count)]; fewer at the end."""
        assert self._sound is not None  # noqa: S101  # it is open unless it was decoded
        try:
            samples = read_samples(self._sound, max(0, count))
        except (soundfile.LibsndfileError, OSError, MemoryError) as error:
            raise AudioError(f"{self.name}: {UNREADABLE}") from error
        return samples.T

    def _checked(self, samples: Samples, missing: float) -> Decoded:
        assert self._format is not None  # noqa: S101  # as for the sound
        return Decoded(
            np.ascontiguousarray(samples),
            self.sample_rate,
            self._format,
            self._coding,
            missing_seconds=missing if missing >= FEWEST_MISSING else 0.0,
        )

    def _open(self) -> None:
        try:
            file = self._stack.enter_context(opened(self._source))
            self._beginning = file.tell()
            self._format = find_format(file)
            if self._format is None:
                raise AudioError(f"{self.name}: {UNREADABLE if size_of(file) else EMPTY}")
            if not self._format.library_names:
                whole = self.whole()
                self.n_samples, self.sample_rate = whole.samples.shape[1], whole.sample_rate
                return
            self._read_header(file, self._format)
        except FileNotFoundError as error:
            raise AudioError(f"{self.name}: no such file") from error
        except (soundfile.LibsndfileError, OSError, TypeError, ValueError) as error:
            raise AudioError(f"{self.name}: {explain_access(error) or UNREADABLE}") from error

    def _read_header(self, file: BinaryIO, form: Format) -> None:
        missing = missing_bytes(file) if form is WAV else 0
        n_bytes = size_of(file)
        sound = self._stack.enter_context(open_sound(file))
        if sound.format not in form.library_names:
            raise AudioError(f"{self.name}: {UNREADABLE}")
        self._bounds.check(sound, n_bytes, self.name)
        self._sound, self._coding = sound, sound.subtype
        self.n_samples, self.sample_rate = sound.frames, int(sound.samplerate)
        self._missing_seconds = missing * self.seconds / max(1, n_bytes)


def is_long(seconds: float, wanted: float) -> bool:
    """Return whether a recording is cut into parts of about `wanted` seconds; 0 means never."""
    return wanted > 0 and seconds >= FROM_LENGTHS * wanted


def equal_parts(n_samples: int, sample_rate: int, seconds: float) -> list[Interval]:
    """Divide a recording into equal parts, as near to a length as possible.

    Parameters
    ----------
    n_samples, sample_rate : int
        Of the recording.
    seconds : float
        Wanted length; 0 for one part.
    """
    wanted = seconds * sample_rate
    count = max(1, round(n_samples / wanted)) if wanted else 1
    edges = [n_samples * index // count for index in range(count + 1)]
    return list(pairwise(edges))


def windows_of(n_samples: int, sample_rate: int, seconds: float, step: float) -> list[Interval]:
    """Return windows of one length at a step; the last one ends where the recording ends.

    Parameters
    ----------
    n_samples, sample_rate : int
        Of the recording.
    seconds, step : float
        Length of the windows, and from the start of one to that of the next.
    """
    length, hop = round(seconds * sample_rate), max(1, round(step * sample_rate))
    starts = list(range(0, max(1, n_samples - length + 1), hop))
    if starts[-1] + length < n_samples and hop <= length:
        starts.append(n_samples - length)
    return [(start, min(start + length, n_samples)) for start in starts]
