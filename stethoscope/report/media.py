"""Sounds and pictures inside a page, as data addresses."""

import base64
import contextlib
import io
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import soundfile

from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.playable import part_name
from stethoscope.errors import AudioError, DatasetError
from stethoscope.progress import track
from stethoscope.report.colours import coloured
from stethoscope.report.html import Html, tag
from stethoscope.report.words import short
from stethoscope.sound.parts import LongSource
from stethoscope.sound.resampling import Samples, resample

MAX_SAMPLE_RATE = 16000
"""Highest sample rate of sounds in a page, in Hz."""

_PEAK = 0.9  # of the loudest sample after amplification
_QUALITY = 82  # of WebP; spectrograms show no blocks at it

K = TypeVar("K", bound=Hashable)
RecordingKey = tuple[str, str]
"""Source and path of a recording."""
ClipKey = tuple[str, str, float]
"""Source, path and start of a clip."""
Excerpts = Mapping[ClipKey, tuple[float, float]]
"""Start and end of what is wanted of each clip, in seconds of the recording; an end of 0 is the
recording's end."""


class Recorded(Protocol):
    """What knows its recording: a clip of any kind."""

    @property
    def source(self) -> str:
        """Archive of the recording."""

    @property
    def path(self) -> str:
        """Path in the archive."""


class Interval(Recorded, Protocol):
    """What knows its interval of a recording."""

    @property
    def start(self) -> float:
        """In seconds."""

    @property
    def end(self) -> float:
        """In seconds; 0 means the recording's end."""


def clip_key(clip: Interval) -> ClipKey:
    """Return source, path and start of a clip: several may be cut from one recording."""
    return clip.source, clip.path, clip.start


def clip_name(clip: Interval) -> str:
    """Return the path of a clip, and its interval if it was cut from a recording."""
    return f"{clip.path} {clip.start:.0f}-{clip.end:.0f} s" if clip.end else clip.path


def recording_key(clip: Recorded) -> RecordingKey:
    """Return source and path of the recording of a clip."""
    return clip.source, clip.path


@dataclass(frozen=True)
class Sound:
    """Samples with their rate.

    Attributes
    ----------
    samples : np.ndarray [shape=(n_samples,) or (channels, n_samples)]
        From -1 to 1.
    rate : int
        In Hz.
    """

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        """Its duration."""
        return int(self.samples.shape[-1]) / self.rate

    @property
    def peak(self) -> float:
        """Largest absolute value of its samples."""
        return float(np.abs(self.samples).max(initial=0.0))

    def cut(self, start: float, end: float) -> "Sound":
        """Return the part from `start` to `end`, in seconds."""
        first, last = round(start * self.rate), round(end * self.rate)
        return Sound(self.samples[..., first:last], self.rate)

    def limited(self) -> "Sound":
        """Return the sound at :data:`MAX_SAMPLE_RATE` at most."""
        if self.rate <= MAX_SAMPLE_RATE:
            return self
        channels = [
            resample(channel, self.rate, MAX_SAMPLE_RATE) for channel in np.atleast_2d(self.samples)
        ]
        samples = np.stack(channels) if self.samples.ndim > 1 else channels[0]
        return Sound(samples, MAX_SAMPLE_RATE)


def read_sounds(
    archives: Sequence[Path],
    wanted: Collection[RecordingKey],
    decode: Callable[[bytes, str], Sound],
) -> Iterator[tuple[RecordingKey, Sound]]:
    """Yield recordings, read in one pass over each archive.

    Recordings and archives that can no longer be read are left out: they cost the sound, not the
    report.

    Parameters
    ----------
    archives : sequence of Path
    wanted : collection of (str, str)
        Source and path of each recording.
    decode : callable
        From content and name of a recording to its sound.
    """
    contents = track(_contents(archives, wanted), label="clips", total=len(wanted))
    for source, path, content in contents:
        if isinstance(content, DatasetError):
            continue
        with contextlib.suppress(AudioError):
            whole = content.read_bytes() if isinstance(content, Path) else content
            yield (source, path), decode(whole, path)


def _contents(
    archives: Sequence[Path], wanted: Collection[RecordingKey]
) -> Iterator[tuple[str, str, bytes | Path | DatasetError]]:
    names: dict[str, list[str]] = {}
    for source, name in wanted:
        names.setdefault(source, []).append(name)
    for path in archives:
        if path.name in names:
            with contextlib.suppress(DatasetError), open_archive(path) as archive:
                for name, content in archive.stream_files(names[path.name]):
                    yield path.name, name, content


def read_excerpts(archives: Sequence[Path], excerpts: Excerpts) -> Iterator[tuple[ClipKey, Sound]]:
    """Yield parts of recordings, of which no more than the parts is kept in memory.

    As in :func:`read_sounds`, what can no longer be read is left out.

    Parameters
    ----------
    archives : sequence of Path
        Archives with the first channel of recordings, as
        :class:`~stethoscope.datasets.playable.PlayableWriter` writes them.
    excerpts : dict of ClipKey to (float, float)
    """
    members = members_of(archives)
    wanted: dict[RecordingKey, list[ClipKey]] = {}
    for key in sorted(excerpts, key=lambda key: (key[:2], excerpts[key])):
        if member := member_of(key, members):
            wanted.setdefault(member, []).append(key)
    contents = track(_contents(archives, wanted), label="clips", total=len(wanted))
    for source, name, content in contents:
        if isinstance(content, DatasetError):
            continue
        keys = wanted[source, name]
        with contextlib.suppress(AudioError), LongSource(content, name=name) as opened:
            rate, n_samples = opened.sample_rate, opened.n_samples
            intervals = []
            for key in keys:
                start, end = excerpts[key]
                before = 0.0 if name == key[1] else key[2]  # a part begins at its own start
                last = round((end - before) * rate) if end else n_samples
                intervals.append((round((start - before) * rate), last))
            for key, (_, part) in zip(keys, opened.read(intervals), strict=False):
                yield key, Sound(part.channels([0], name=name)[0], rate)


def member_of(clip: ClipKey, members: Collection[RecordingKey]) -> RecordingKey | None:
    """Return what holds a clip: a part of its recording, or the recording; None if neither."""
    source, path, start = clip
    either = (source, part_name(path, start)), (source, path)
    return next((one for one in either if one in members), None)


def members_of(archives: Sequence[Path]) -> set[RecordingKey]:
    """Return source and path of all members of archives that can be read."""
    found: set[RecordingKey] = set()
    for path in archives:
        with contextlib.suppress(DatasetError), open_archive(path) as archive:
            found |= {(path.name, member.name) for member in archive.members()}
    return found


def sound_addresses(sounds: Mapping[K, Sound]) -> tuple[dict[K, str], float]:
    """Return sounds as data addresses, all amplified by the same gain, and the gain."""
    gain = _gain(max((sound.peak for sound in sounds.values()), default=0.0))
    return {key: _flac_address(sound, gain) for key, sound in sounds.items()}, gain


def sound_address(sound: Sound) -> str:
    """Return a sound as a data address, amplified to full level."""
    return _flac_address(sound, _gain(sound.peak))


def player(address: str | None, name: str) -> Html:
    """Return the player of a sound; a sentence without an address."""
    if address is None:
        return tag("p", "The recording is not included in this file.", class_="soft")
    return tag(
        "audio",
        controls=True,
        preload="metadata",
        src=address,
        aria_label=f"Recording {short(name)}",
    )


def picture(values: npt.NDArray[np.floating], colours: str) -> Html:
    """Return values as a picture.

    Parameters
    ----------
    values : np.ndarray [shape=(n_frames, n_bands)]
        From 0 to 1; the first band is drawn at the bottom.
    colours : str
        A key of :data:`~stethoscope.report.colours.COLOUR_MAPS`.
    """
    # Without the plugin of the format, Pillow would import those of all formats.
    from PIL import Image, WebPImagePlugin  # noqa: F401

    file = io.BytesIO()
    Image.fromarray(coloured(values.T[::-1], colours)).save(file, "webp", quality=_QUALITY)
    return tag("img", src=_data_address("image/webp", file.getvalue()), alt="")


def colour_scale(low: str, high: str, colours: str) -> Html:
    """Return a colour map as a strip between the names of its ends."""
    gradient = ",".join("#" + bytes(stop).hex() for stop in coloured(np.linspace(0, 1, 7), colours))
    strip = tag("i", style=f"background:linear-gradient(90deg,{gradient})")
    return tag("span", low, strip, high, class_="scale")


def _gain(peak: float) -> float:
    return _PEAK / peak if peak else 1.0


def _flac_address(sound: Sound, gain: float) -> str:
    file = io.BytesIO()
    samples = sound.samples.T * np.float32(gain)
    soundfile.write(file, samples, sound.rate, format="FLAC", subtype="PCM_16")
    return _data_address("audio/flac", file.getvalue())


def _data_address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
