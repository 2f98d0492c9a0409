"""How recordings are divided into jobs, which run in any thread."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from stethoscope.datasets.archives import Reader
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.splits import Cutting
from stethoscope.errors import AudioError, DatasetError
from stethoscope.features.outcomes import LeftOut, Outcome
from stethoscope.features.target import DecodedPart, Target
from stethoscope.sound.audio import Decoded, decode, load
from stethoscope.sound.parts import Interval, LongSource, equal_parts, is_long

Content = Reader | Path
"""What reads a recording, or the file of a large one."""

Work = list[tuple[Target, list[Clip]]]
"""The stores that need a recording, with the clips that each takes from it."""


@dataclass(frozen=True)
class Done:
    """What became of clips of a recording, which is given by source and path."""

    recording: tuple[str, str]
    outcomes: list[tuple[Target, Clip, Outcome]]


Job = Callable[[], Done]


@dataclass(frozen=True)
class Jobs:
    """Divides recordings into jobs.

    Attributes
    ----------
    cutting : Cutting or None
        How long recordings are cut into clips.
    """

    cutting: Cutting | None

    def of(self, recordings: Iterable[tuple[Work, Content]]) -> Iterator[Job]:
        """Yield a job for each recording, and for each clip of a large one."""
        for work, content in recordings:
            _set_rates(work, content)
            if isinstance(content, Path):
                yield from self._of_file(work, content)
            else:
                yield partial(self._recording, work, content)

    def _of_file(self, work: Work, path: Path) -> Iterator[Job]:
        """Yield a job for each clip of a long recording, which is read clip by clip."""
        name = work[0][1][0].path
        try:
            with LongSource(path, name=name) as source:
                intervals = self._intervals(work, source.n_samples, source.sample_rate)
                if not intervals:
                    yield partial(self._decoded, work, source.whole())
                    return
                rows = self._rows(work, intervals, source.sample_rate)
                for number, (_, decoded) in enumerate(source.read(intervals)):
                    part = DecodedPart(decoded, name, is_clip=True)
                    yield partial(_compute, [(rows[number], part)])
        except AudioError as error:
            yield partial(_leave, work, error)

    def _recording(self, work: Work, read: Reader) -> Done:
        try:
            return self._decoded(work, decode(read(), name=work[0][1][0].path))
        except (AudioError, DatasetError) as error:
            return _leave(work, error)

    def _decoded(self, work: Work, decoded: Decoded) -> Done:
        """Compute the clips of a recording that is decoded as a whole."""
        n_samples, rate = decoded.samples.shape[1], decoded.sample_rate
        name = work[0][1][0].path
        intervals = self._intervals(work, n_samples, rate)
        if not intervals:
            return _compute([(work, DecodedPart(decoded, name, is_clip=False))])
        parts = (
            replace(
                decoded,
                samples=decoded.samples[:, start:stop],
                missing_seconds=decoded.missing_seconds if stop == n_samples else 0.0,
            )
            for start, stop in intervals
        )
        rows = self._rows(work, intervals, rate)
        return _compute(
            (row, DecodedPart(part, name, is_clip=True))
            for row, part in zip(rows, parts, strict=True)
        )

    def _intervals(self, work: Work, n_samples: int, rate: int) -> list[Interval]:
        """Return where a recording is cut; nothing for a short one, or one with labels in it."""
        seconds = self.cutting.seconds if self.cutting else 0.0
        labelled = any(clip.end for _, clips in work for clip in clips)
        if labelled or not is_long(n_samples / rate, seconds):
            return []
        return equal_parts(n_samples, rate, seconds)

    def _rows(self, work: Work, intervals: Sequence[Interval], rate: int) -> list[Work]:
        """Return the clips of each interval: for each store one, and its altered versions."""
        assert self.cutting is not None  # noqa: S101  # nothing is cut without it
        times = [(start / rate, stop / rate) for start, stop in intervals]
        cut = [(store, [self.cutting.cut(clip, times) for clip in clips]) for store, clips in work]
        return [
            [(store, [parts[number] for parts in clips]) for store, clips in cut]
            for number in range(len(times))
        ]


def _set_rates(work: Work, content: Content) -> None:
    """Set the sample rates that are still open to that of this recording, if it is readable."""
    waiting = [store for store, _ in work if not store.feature.sample_rate]
    if waiting:
        with suppress(AudioError, DatasetError):
            rate = _rate(content)
            for store in waiting:
                store.feature = store.feature.at_rate(rate)


def _rate(content: Content) -> int:
    """Return the sample rate of a readable recording, of a file by its header alone."""
    if not isinstance(content, Path):
        return load(content())[1]
    with LongSource(content) as source:
        return source.sample_rate


def _compute(parts: Iterable[tuple[Work, DecodedPart]]) -> Done:
    """Compute clips, each of a decoded recording or of a part of one."""
    outcomes: list[tuple[Target, Clip, Outcome]] = []
    recording = ("", "")
    for work, part in parts:
        for store, clips in work:
            recording = clips[0].source, clips[0].path
            try:
                part.samples(store.feature)
            except AudioError as error:
                outcomes += [(store, clip, LeftOut(str(error))) for clip in clips]
            else:
                outcomes += [(store, clip, store.compute(clip, part)) for clip in clips]
    return Done(recording, outcomes)


def _leave(work: Work, error: AudioError | DatasetError) -> Done:
    first = work[0][1][0]
    left = LeftOut(str(error))
    return Done(
        (first.source, first.path), [(store, clip, left) for store, clips in work for clip in clips]
    )
