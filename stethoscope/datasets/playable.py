"""Recordings that a report may play, as archives of one channel that take little space.

They are archives in the place of the original ones: with the same names, and under the same paths
the same recordings, but only those that are wanted, each with one channel, as FLAC. The clips of a
recording that was cut are members of their own.
"""

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from zipfile import ZipFile, ZipInfo

import numpy as np
import soundfile

from stethoscope.datasets.clips import Clip
from stethoscope.sound.audio import Samples

_FULL_SCALE = 32768.0  # of 16-bit samples


class PlayableWriter:
    """Write archives of recordings that can be played.

    Parameters
    ----------
    folder : path
        A new folder, for one archive per source.
    wanted : callable
        Whether a clip is to be played.
    """

    def __init__(self, folder: str | os.PathLike[str], wanted: Callable[[Clip], bool]) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._wanted = wanted
        self._archives: dict[str, ZipFile] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for archive in self._archives.values():
            archive.close()

    def encode(self, clip: Clip, samples: Samples, sample_rate: int) -> bytes:
        """Return the content of a clip, empty if it is not wanted; in any thread.

        Parameters
        ----------
        clip : Clip
        samples : np.ndarray [shape=(n_samples,), dtype=float32]
            Of one channel, as it was recorded.
        sample_rate : int
            In Hz.
        """
        return encode(samples, sample_rate) if self._wanted(clip) else b""

    def add(self, clip: Clip, content: bytes) -> None:
        """Add the content of a clip to the archive of its source."""
        if clip.source not in self._archives:
            self._archives[clip.source] = ZipFile(self._folder / clip.source, "w")
        archive = self._archives[clip.source]
        name = part_name(clip.path, clip.start) if clip.start or clip.end else clip.path
        if name not in archive.NameToInfo:
            archive.writestr(ZipInfo(name), content)


def encode(samples: Samples, sample_rate: int) -> bytes:
    """Return samples as FLAC, without loss if they have 16 bits, otherwise with 24.

    What FLAC cannot hold is written as 32-bit WAV: samples beyond full scale, rare sample rates.
    """
    scaled = samples * np.float32(_FULL_SCALE)
    whole = np.rint(scaled)
    file = io.BytesIO()
    if whole.min(initial=0.0) >= -_FULL_SCALE and whole.max(initial=0.0) < _FULL_SCALE:
        exact = np.array_equal(whole, scaled)
        content = whole.astype(np.int16) if exact else samples
        subtype = "PCM_16" if exact else "PCM_24"
        with contextlib.suppress(soundfile.LibsndfileError):
            soundfile.write(file, content, sample_rate, format="FLAC", subtype=subtype)
            return file.getvalue()
    soundfile.write(file, samples, sample_rate, format="WAV", subtype="FLOAT")
    return file.getvalue()


def part_name(path: str, start: float) -> str:
    """Return the name in an archive of the part of a recording that begins at `start` seconds."""
    return f"{path}@{start!r}"


def spread_normal(clips: Sequence[Clip], most: int) -> set[tuple[str, str, float]]:
    """Return source, path and start of at most `most` normal training clips of each machine.

    They are taken at even distances from the table.
    """
    machines: dict[str, list[Clip]] = {}
    for clip in clips:
        if clip.split == "train" and clip.condition == "normal" and not clip.augmentation:
            machines.setdefault(clip.machine, []).append(clip)
    chosen = (
        ours[index]
        for ours in machines.values()
        for index in np.linspace(0, len(ours) - 1, min(len(ours), most)).round().astype(int)
    )
    return {(clip.source, clip.path, clip.start) for clip in chosen}
