"""Split clips so that no recording is both in training and held out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.clips import Clip
from stethoscope.datasets.names import natural_order

HELD_BACK = 0.25
"""Smallest fraction of a machine's normal recordings that are test recordings."""

_MOST_HELD_BACK = 0.5
_BLOCKS = 10  # of the clips of a lone recording
_ENOUGH_SESSIONS = 3  # of a machine, so that one can be held out


def divide_plainly(clips: list[Clip]) -> list[Clip]:
    """Divide the clips of a set that states no test recordings, or only some.

    Anomalous recordings are test recordings. A machine without a normal test recording gets some:
    the last ones by name, as many as it has anomalous ones, but at least a quarter and at most half
    of its normal recordings. The last ones, because a model judges what is recorded after it was
    trained. Sessions are not split where that leaves one to train on.
    """
    rows = [replace(c, split="test") if c.condition == "anomaly" else c for c in clips]
    machines: defaultdict[str, list[Clip]] = defaultdict(list)
    for clip in rows:
        machines[clip.machine].append(clip)
    back = {(machine, name) for machine, ours in machines.items() for name in _held_back(ours)}
    return [replace(c, split="test") if (c.machine, c.recording) in back else c for c in rows]


def _held_back(clips: Sequence[Clip]) -> set[str]:
    """Return the recordings of a machine that become test recordings."""
    normal = sorted(
        {(c.session, c.recording) for c in clips if c.condition == "normal"},
        key=lambda pair: (natural_order(pair[0]), natural_order(pair[1])),
    )
    if any(clip.split == "test" and clip.condition != "anomaly" for clip in clips):
        return set()
    n_anomaly = len({clip.recording for clip in clips if clip.condition == "anomaly"})
    least, most = round(HELD_BACK * len(normal)), int(_MOST_HELD_BACK * len(normal))
    count = min(max(n_anomaly, least, 1), most)
    if not count:
        return set()
    first = len(normal) - count
    sessions = [session for session, _ in normal]
    # Whole sessions: from the start of the one in which the cut lies, or else from the next one.
    starts = [i for i in range(1, len(normal)) if sessions[i] != sessions[i - 1]]
    allowed = [start for start in starts if len(normal) - start <= most]
    if allowed:
        first = min(allowed, key=lambda start: abs(start - first))
    return {recording for _, recording in normal[first:]}


@dataclass(frozen=True)
class Cutting:
    """How the recordings of a set are cut into clips.

    Attributes
    ----------
    seconds : float
        Length of a clip; 0 if recordings are not cut.
    lone : dict of str to (str, bool)
        For each machine with a single normal training recording, its name, and whether its end is
        held back, because the machine has no normal test recording either.
    """

    seconds: float
    lone: Mapping[str, tuple[str, bool]]

    @classmethod
    def of(cls, clips: Sequence[Clip], seconds: float) -> Self:
        """Look up the lone recordings in the table of all clips of a set."""
        training: defaultdict[str, set[str]] = defaultdict(set)
        tested = set()
        for clip in clips:
            if clip.condition == "normal" and clip.split == "train":
                training[clip.machine].add(clip.recording)
            elif clip.condition == "normal" and clip.split == "test":
                tested.add(clip.machine)
        return cls(
            seconds,
            {
                machine: (next(iter(names)), machine not in tested)
                for machine, names in training.items()
                if len(names) == 1
            },
        )

    def cut(self, clip: Clip, intervals: Sequence[tuple[float, float]]) -> list[Clip]:
        """Return the clips of a recording.

        They stay together as one recording. Only a lone one is divided, so that there is something
        to hold out: its last quarter becomes test recordings if the machine has none, and
        neighbouring clips are taken together as recordings of their own.

        Parameters
        ----------
        clip : Clip
            The whole recording.
        intervals : sequence of (float, float)
            Start and end of each of its clips, in seconds.
        """
        parts = [replace(clip, start=start, end=end) for start, end in intervals]
        name, hold_back = self.lone.get(clip.machine, ("", False))
        if name != clip.recording or clip.condition != "normal" or len(parts) < 2:
            return parts
        tested = max(1, round(HELD_BACK * len(parts))) if hold_back else 0
        trained = len(parts) - tested
        blocks = min(_BLOCKS, trained)
        return [
            replace(
                part,
                recording=f"{name} part {min(index * blocks // trained, blocks) + 1:02d}",
                split=part.split if index < trained else "test",
            )
            for index, part in enumerate(parts)
        ]


def known_sessions(clips: Sequence[Clip]) -> list[str]:
    """Return the recording session of each clip of a machine.

    If one of the clips names none, the sessions are not known, and all are empty.
    """
    sessions = [clip.session for clip in clips]
    return sessions if "" not in sessions else [""] * len(clips)


def sessions_as_recordings(clips: Sequence[Clip]) -> list[Clip]:
    """Return clips whose recordings are whole recording sessions.

    This is done for machines with three known sessions or more. Of fewer, none can be spared.
    """
    machines: defaultdict[str, list[int]] = defaultdict(list)
    for index, clip in enumerate(clips):
        machines[clip.machine].append(index)
    rows = list(clips)
    for indices in machines.values():
        sessions = known_sessions([clips[index] for index in indices])
        if len(set(sessions)) >= _ENOUGH_SESSIONS:
            for index, session in zip(indices, sessions, strict=True):
                rows[index] = replace(clips[index], recording=session)
    return rows


def hold_out(clips: Sequence[Clip], share: float, *, seed: int) -> npt.NDArray[np.bool_]:
    """Choose the recordings that are held out from training, per machine id.

    Parameters
    ----------
    clips : sequence of Clip
    share : float
        Fraction of each machine's recordings, from 0 to below 1, rounded. If it is above 0, at
        least one recording of each machine is held out, and at least one is kept.
    seed : int

    Returns
    -------
    np.ndarray [shape=(n_clips,), dtype=bool]
        True for the clips that are held out; all clips of a recording have the same value.
    """
    recordings: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        recordings[clip.machine].add(clip.recording)
    rng = np.random.default_rng(seed)
    held_out: set[tuple[str, str]] = set()
    for machine in sorted(recordings):
        names = sorted(recordings[machine])
        count = min(max(round(share * len(names)), 1 if share > 0 else 0), len(names) - 1)
        held_out |= {(machine, str(name)) for name in rng.permutation(names)[:count]}
    return np.array([(clip.machine, clip.recording) in held_out for clip in clips], dtype=bool)
