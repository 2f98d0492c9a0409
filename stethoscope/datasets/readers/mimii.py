"""The layout of MIMII, and the division of its baseline."""

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import PurePosixPath

from stethoscope.datasets.archives import Archive
from stethoscope.datasets.clips import Clip, Condition
from stethoscope.datasets.readers.layout import Layout
from stethoscope.datasets.readers.names import machine_of_path, snr_of_path
from stethoscope.datasets.readers.sessions import session_of_path

_ID = re.compile(r"id_(\d+)")
_CONDITIONS: dict[str, Condition] = {"normal": "normal", "abnormal": "anomaly"}


def _read(archive: Archive) -> list[Clip]:
    clips = []
    for member in archive.recordings():
        session, path = session_of_path(PurePosixPath(member.name))
        machine_id = _ID.fullmatch(path.parent.parent.name)
        condition = path.parent.name
        if machine_id is None or condition not in _CONDITIONS:
            continue
        machine_type = machine_of_path(path.parent.parent.parent, archive.name)
        clips.append(
            Clip(
                path=member.name,
                recording="/".join(
                    filter(None, (machine_type, machine_id[0], condition, session, path.stem))
                ),
                machine_type=machine_type,
                machine_id=machine_id[1],
                condition=_CONDITIONS[condition],
                snr_db=snr_of_path(path, archive.name),
                session=session,
            )
        )
    return clips


def _divide(clips: list[Clip]) -> list[Clip]:
    """Divide as MIMII's baseline does.

    All abnormal recordings are test recordings, and as many of the first normal ones by name; the
    other normal ones train. Recordings are counted per machine over all signal-to-noise ratios, so
    that the versions of one recording stay on one side. Where every ratio has the same recordings,
    as in the public set, this is the baseline's division of each.

    If there are not more normal than abnormal recordings, the baseline has none left to train on.
    Then half of the normal ones, rounded up, train.
    """
    recordings: defaultdict[str, dict[Condition, set[str]]] = defaultdict(lambda: defaultdict(set))
    for clip in clips:
        recordings[clip.machine][clip.condition].add(clip.recording)
    test: set[str] = set()
    for of_machine in recordings.values():
        normal, anomaly = sorted(of_machine["normal"]), of_machine["anomaly"]
        test |= anomaly
        test.update(normal[: len(anomaly) if len(anomaly) < len(normal) else len(normal) // 2])
    return [replace(clip, split="test" if clip.recording in test else "train") for clip in clips]


MIMII = Layout("mimii", "fan/id_00/normal/00000000.wav", _read, _divide)
