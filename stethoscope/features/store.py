"""The feature store: the frames of all clips in a memory-mapped file, and a table of the clips."""

import json
import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.clips import Clip, Skipped, read_clips, write_clips
from stethoscope.errors import ModelError
from stethoscope.files import read_csv, read_json, write_json
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import Feature, feature_from_json
from stethoscope.sound.measurement import Measurement
from stethoscope.sound.sampled import SampledLogMel

_FRAMES, _CLIPS, _FEATURE, _SKIPPED = "frames.npy", "clips.csv", "feature.json", "skipped.json"
_MEASURED = "measured.npy"


@dataclass(frozen=True)
class FeatureStore:
    """Features of a set of clips.

    Attributes
    ----------
    frames : np.ndarray [shape=(total_frames, n_values), dtype=float32]
        Memory-mapped, read-only.
    clips : list of Clip
    first_frame, n_frames : np.ndarray [shape=(n_clips,), dtype=int64]
        First row of each clip in `frames`, and number of its rows.
    feature : Feature
        The definition by which the frames were computed.
    skipped : list of Skipped
        Recordings that are not in the store, and why.
    measured : list of Measurement
        Of each clip; empty if the clips were not measured.
    """

    frames: Frames
    clips: list[Clip]
    first_frame: npt.NDArray[np.int64]
    n_frames: npt.NDArray[np.int64]
    feature: Feature
    skipped: list[Skipped]
    measured: list[Measurement] = field(default_factory=list, kw_only=True)

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Self:
        """Open a store written by :class:`FeatureWriter`.

        Raises
        ------
        ModelError
            If the folder is not a finished store.
        """
        folder = Path(folder)
        unfinished = ModelError(
            f"{folder}: is not a finished feature store; extract the features again"
        )
        if not (folder / _FEATURE).is_file():
            raise unfinished
        spans = [
            (int(row["first_frame"]), int(row["n_frames"])) for row in read_csv(folder / _CLIPS)
        ]
        first_frame, n_frames = np.array(spans, dtype=np.int64).reshape(-1, 2).T
        try:
            frames = np.load(folder / _FRAMES, mmap_mode="r")
            measured = _read_measured(folder / _MEASURED)
        except (EOFError, ValueError) as error:  # as a power cut leaves them
            raise unfinished from error
        if len(frames) != n_frames.sum() or len(measured) not in (0, len(spans)):
            raise unfinished
        return cls(
            frames=frames,
            clips=read_clips(folder / _CLIPS),
            first_frame=first_frame,
            n_frames=n_frames,
            feature=feature_from_json(read_json(folder / _FEATURE)),
            skipped=[
                Skipped(**row)
                for row in json.loads((folder / _SKIPPED).read_text(encoding="utf-8"))
            ],
            measured=measured,
        )

    def clip_frames(self, index: int) -> Frames:
        """Return the frames of one clip [shape=(n_frames, n_values), dtype=float32]."""
        start = self.first_frame[index]
        return self.frames[start : start + self.n_frames[index]]

    def without_samples(self) -> Self:
        """Return the same store with the bands of a spectrogram alone, if it holds samples too."""
        if not isinstance(self.feature, SampledLogMel):
            return self
        bands = self.frames[:, : self.feature.n_mels]
        return replace(self, frames=bands, feature=self.feature.log_mel)

    def metadata(self) -> dict[str, Any]:
        """Return what the user interface shows of a store: numbers of clips, and the feature."""
        return {
            "clips": len(self.clips),
            "skipped": len(self.skipped),
            **self.feature.to_json(),
        }

    def release(self) -> None:
        """Release the pages that were read from this process's memory.

        They stay in the system's cache.
        """
        mapped = getattr(self.frames, "_mmap", None)
        if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)

    def where(self, wanted: Callable[[Clip], bool]) -> npt.NDArray[np.intp]:
        """Return the indices of the clips for which `wanted` is true, in the store's order."""
        return np.flatnonzero([wanted(clip) for clip in self.clips])

    def by_type(
        self, indices: Sequence[int] | npt.NDArray[np.intp]
    ) -> Iterator[tuple[str, npt.NDArray[np.intp]]]:
        """Yield each machine type with those of `indices` that belong to it, types sorted."""
        types = np.array([self.clips[index].machine_type for index in indices])
        for machine_type in np.unique(types):
            yield str(machine_type), np.asarray(indices)[types == machine_type]


class FeatureWriter:
    """Write a feature store clip by clip.

    The folder becomes a valid store only by :meth:`finish`. The frames are not forced onto the
    disk: a run does that with all outputs of a step, and a store that a power cut left incomplete
    is refused when it is opened.

    Examples
    --------
    >>> with FeatureWriter(folder) as writer:
    ...     writer.add(clip, feature.extract(samples))
    ...     writer.finish(feature)
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / _FEATURE).unlink(missing_ok=True)
        (self._folder / _MEASURED).unlink(missing_ok=True)
        self._file = (self._folder / _FRAMES).open("wb")
        self._clips: list[Clip] = []
        self._spans: list[tuple[int, int]] = []
        self._measured: list[Measurement] = []
        self._total = 0
        self._size = 0
        self.skipped: list[Skipped] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._clips)

    def add(self, clip: Clip, frames: Frames, measured: Measurement | None = None) -> None:
        """Append a clip's frames [shape=(n_frames, n_values), dtype=float32].

        The store holds measurements if every clip has one.
        """
        if not self._clips:
            self._size = frames.shape[1]
            self._write_header()
        self._file.write(np.ascontiguousarray(frames, dtype="<f4").data)
        self._clips.append(clip)
        self._spans.append((self._total, len(frames)))
        self._total += len(frames)
        if measured is not None:
            self._measured.append(measured)

    def skip(self, clip: Clip, reason: str, kind: str = "") -> None:
        """Note that a recording could not be used, as in :class:`Skipped`."""
        self.skipped.append(Skipped(clip.source, clip.path, reason, kind))

    def finish(self, feature: Feature) -> None:
        """Write the table and, last, the definition, which makes the folder a valid store."""
        self._write_header()
        self._file.close()
        first_frame, n_frames = zip(*self._spans, strict=True) if self._spans else ((), ())
        write_clips(self._folder / _CLIPS, self._clips, first_frame=first_frame, n_frames=n_frames)
        write_json(
            self._folder / _SKIPPED,
            [asdict(one) for one in self.skipped],
        )
        if self._clips and len(self._measured) == len(self._clips):
            np.save(self._folder / _MEASURED, [one.to_row() for one in self._measured])
        write_json(self._folder / _FEATURE, feature.to_json())

    def _write_header(self) -> None:
        # numpy pads the header so that the first dimension can grow without moving the data.
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(
            self._file, {"descr": "<f4", "fortran_order": False, "shape": (self._total, self._size)}
        )


def _read_measured(path: Path) -> list[Measurement]:
    return [Measurement.from_row(row) for row in np.load(path)] if path.is_file() else []
