"""Recordings in plain folders, as people keep them.

The names of the folders above a recording state its split (``train``, ``test``), its condition
(``normal``, ``faulty``) and its session (``2024-05-01``, ``day 2``), in any order and each only if
there is one. The others are the machine. Where no folder states a condition, the names of the files
may (``ok_01.wav``). A recording of which nothing is stated is one of the healthy machine. Where no
name states a session, hours between the times of the files do.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from stethoscope.datasets.archives import Archive
from stethoscope.datasets.clips import Clip, Condition, Split
from stethoscope.datasets.readers.layout import Layout
from stethoscope.datasets.readers.names import machine_of_name, snr_of_path
from stethoscope.datasets.readers.plain_words import (
    condition_of,
    condition_of_file,
    split_of,
)
from stethoscope.datasets.readers.sessions import session_of_path, sessions_of_times
from stethoscope.datasets.splits import divide_plainly

_NUMBERED = re.compile(r"(?P<type>.*?)[ _-]*(?P<id>\d+)")


@dataclass(frozen=True, slots=True)
class _Stated:
    """What the folders above a recording state.

    `machine` are the folders that state nothing, `below` those of them inside the folder of the
    condition.
    """

    split: Split | None
    condition: Condition | None
    session: str
    machine: tuple[str, ...]
    below: tuple[str, ...] = ()


def _read(archive: Archive) -> list[Clip]:
    paths = [PurePosixPath(member.name) for member in archive.recordings()]
    stated = _without_wrappers(_with_machines_below([_of_folders(path) for path in paths]))
    of_files = _conditions_of_files(paths, stated)
    clips = [
        _clip(path, archive.name, one, condition)
        for path, one, condition in zip(paths, stated, of_files, strict=True)
    ]
    times = {member.name: member.modified for member in archive.recordings()}
    return _with_sessions_of_times(clips, times)


def _with_sessions_of_times(clips: Sequence[Clip], times: Mapping[str, float]) -> list[Clip]:
    """Give recordings the sessions that the times of their files tell, where no name states one."""
    machines: defaultdict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        machines[clip.machine].append(clip)
    found: dict[str, str] = {}
    for ours in machines.values():
        if not any(clip.session for clip in ours):
            sessions = sessions_of_times([times[clip.path] for clip in ours])
            found |= {clip.path: name for clip, name in zip(ours, sessions, strict=True)}
    return [replace(clip, session=found.get(clip.path, clip.session)) for clip in clips]


def _of_folders(path: PurePosixPath) -> _Stated:
    split: Split | None = None
    condition: Condition | None = None
    inside = None  # where the folders inside that of the condition begin
    session, path = session_of_path(path)
    machine: list[str] = []
    for folder in path.parent.parts:
        if found := split_of(folder):
            split = found
        elif stated := condition_of(folder):
            condition, inside = stated, len(machine)
        else:
            machine.append(folder)
    below = machine[inside:] if condition else []
    return _Stated(split, condition, session, tuple(machine[:inside]), tuple(below))


def _with_machines_below(stated: Sequence[_Stated]) -> list[_Stated]:
    """Take the folders inside ``normal`` and ``faulty`` as machines if both hold them.

    Others are kinds of faults, or whatever else divides the recordings.
    """
    of_conditions: dict[Condition | None, set[tuple[str, ...]]] = {}
    for one in stated:
        of_conditions.setdefault(one.condition, set()).add(one.below)
    machines = set.intersection(*of_conditions.values()) if of_conditions else set()
    return [
        replace(one, machine=one.machine + one.below) if one.below in machines else one
        for one in stated
    ]


def _without_wrappers(stated: Sequence[_Stated]) -> list[_Stated]:
    """Drop the outer folders that all recordings have in common, but for a type and an id."""
    machines = [one.machine for one in stated]
    surplus = 0
    while (
        min((len(folders) for folders in machines), default=0) - surplus > 2
        and len({folders[surplus] for folders in machines}) == 1
    ):
        surplus += 1
    return [replace(one, machine=one.machine[surplus:]) for one in stated]


def _conditions_of_files(
    paths: Sequence[PurePosixPath], stated: Sequence[_Stated]
) -> list[Condition | None]:
    """Return what the file names state, if no folder states a condition; else None for each."""
    if any(one.condition for one in stated):
        return [None] * len(paths)
    return [condition_of_file(path.stem) for path in paths]


def _clip(
    path: PurePosixPath, archive_name: str, stated: _Stated, of_file: Condition | None
) -> Clip:
    machine_type, machine_id = _machine(stated.machine, archive_name)
    # Evaluation recordings without a condition are unknown; all other recordings are healthy.
    condition = stated.condition or of_file or ("unknown" if stated.split == "test" else "normal")
    return Clip(
        path=str(path),
        recording=str(path.with_suffix("")),
        machine_type=machine_type,
        machine_id=machine_id,
        split=stated.split or "train",
        condition=condition,
        label=path.parent.name,
        session=stated.session,
        snr_db=snr_of_path(path, archive_name),
    )


def _machine(folders: tuple[str, ...], archive_name: str) -> tuple[str, str]:
    """Return type and id of a machine by the names of its folders.

    The last of several folders is the id. A single one is the type, and a number at its end the id:
    machines of one type, ``pump 1`` and ``pump 2``, share what is learned of their sound.
    """
    *outer, last = folders or (machine_of_name(archive_name),)
    if outer:
        return " ".join(outer), last
    numbered = _NUMBERED.fullmatch(last) if folders else None
    if numbered is None:
        return last, ""
    return numbered["type"] or machine_of_name(archive_name), numbered["id"]


FOLDERS = Layout(
    "folders",
    "pump/normal/01.wav, pump/faulty/01.wav; or dog/01.wav, cat/01.wav for classes of sounds",
    _read,
    divide_plainly,
    fallback=True,
)
