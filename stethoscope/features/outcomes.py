"""What became of the clips of an extraction."""

from collections import defaultdict
from dataclasses import dataclass

from stethoscope.counts import count, format_counts
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.splits import Cutting
from stethoscope.datasets.usage import mixed_lengths
from stethoscope.errors import DatasetError
from stethoscope.machines import format_machine
from stethoscope.progress import warn
from stethoscope.sound.definition import Frames
from stethoscope.sound.measurement import Measurement
from stethoscope.sound.suitability import MOST_USELESS


@dataclass(frozen=True, slots=True)
class Used:
    """The frames of a clip, what was measured of it, and its sound if it is to be played."""

    frames: Frames
    measured: Measurement
    sound: bytes = b""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a clip is left out, as in :class:`~stethoscope.datasets.clips.Skipped`."""

    reason: str
    kind: str = ""


Outcome = Used | LeftOut
_Key = tuple[str, str, float]  # of a clip: source, path, start


class Outcomes:
    """What became of the clips, unaltered ones and their altered versions as one.

    Parameters
    ----------
    cutting : Cutting or None
        What to warn about; None to warn about neither lengths nor lone recordings.
    """

    def __init__(self, cutting: Cutting | None) -> None:
        self._cutting = cutting
        self._divided: dict[str, None] = {}
        self._n_used = 0
        self._training: set[_Key] = set()
        self._useless: dict[_Key, LeftOut] = {}
        self._cut_off: dict[str, None] = {}
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self._first_reason = "the table of clips is empty"

    def add(self, clip: Clip, one: Outcome) -> None:
        """Count a clip."""
        key = clip.source, clip.path, clip.start
        if clip.split == "train":
            self._training.add(key)
        if isinstance(one, LeftOut):
            if one.kind:
                self._useless[key] = one
            if not self._n_used:
                self._first_reason = one.reason
            return
        self._n_used += 1
        if one.measured.missing_seconds > 0:
            self._cut_off[clip.path] = None
        if clip.split == "train" and clip.condition == "normal":
            self._seconds[clip.machine_type].append(one.measured.seconds)
        lone, _ = (self._cutting.lone if self._cutting else {}).get(clip.machine, ("", False))
        if lone and clip.end and clip.condition == "normal" and clip.recording != lone:
            self._divided[clip.machine] = None

    def check(self, n_clips: int) -> None:
        """Refuse a set in which nothing is usable, or too much of the training part is useless."""
        if not self._n_used:
            raise DatasetError(
                f"none of {n_clips} recordings can be used; the first: {self._first_reason}"
            )
        useless = [one for key, one in self._useless.items() if key in self._training]
        if len(useless) > MOST_USELESS * len(self._training):
            raise DatasetError(
                f"{len(useless)} of {len(self._training)} training recordings are useless "
                f"({format_counts(one.kind for one in useless)}), more than "
                f"{MOST_USELESS:.0%}; the first: {useless[0].reason}"
            )

    def warn(self) -> None:
        """Warn about useless clips, which are left out, and about others, which are not."""
        if useless := list(self._useless.values()):
            warn(
                f"{count(len(useless), 'recording')} left out as useless "
                f"({format_counts(one.kind for one in useless)}); the first: {useless[0].reason}"
            )
        if names := list(self._cut_off):
            warn(
                f"{count(len(names), 'recording')} shorter than the header says, the first is "
                f"{names[0]}; the end is missing: copy the recording again"
            )
        for machine in self._divided:
            warn(
                f"{format_machine(machine)}: has a single normal recording to train on, so its "
                "beginning, middle and end stand for different recordings; expect more false "
                "alarms on other days, and record on several days"
            )
        for machine_type, seconds in self._seconds.items() if self._cutting else ():
            if warning := mixed_lengths(machine_type, seconds):
                warn(warning)
