"""The layouts of DCASE 2020 Task 2, and of DCASE 2021 to 2026 and MIMII DG."""

import re
from functools import partial
from pathlib import PurePosixPath
from typing import cast, get_args

from stethoscope.datasets.archives import Archive
from stethoscope.datasets.clips import Clip, Condition, Split
from stethoscope.datasets.readers.layout import Layout
from stethoscope.datasets.readers.names import machine_of_path, snr_of_path
from stethoscope.datasets.readers.sessions import session_of_path

_NAME_2020 = re.compile(
    r"(?:(?P<condition>normal|anomaly)_)?id_(?P<id>\d+)_"
    r"(?:\d+|\d{4}-\d\d-\d\d|\d{4}-?\d\d-?\d\d[T_-]\d\d[-.]?\d\d(?:[-.]?\d\d)?)"
)
_NAME_2021 = re.compile(
    r"section_(?P<id>\d+)(?:_(?P<domain>source|target))?(?:_(?:train|test))?"
    r"(?:_(?P<condition>normal|anomaly))?_\d+(?:_(?P<label>.*))?"
)


_NAME_2020_SUPPLEMENT = re.compile(r"(?P<content>noise|machine)_id_(?P<id>\d+)_\d+")
_NAME_2025_SUPPLEMENT = re.compile(
    r"section_(?P<id>\d+)_(?P<content>noise|machine|clean)(?:_(?P<domain>source|target))?"
    r"(?:_[a-z]+)*_\d+(?:_(?P<label>.*))?"
)
_SUPPLEMENT = "supplemental"
_CONDITIONS: dict[str, Condition] = {"noise": "noise", "machine": "normal", "clean": "normal"}


def _read(archive: Archive, *, name: re.Pattern[str], supplement: re.Pattern[str]) -> list[Clip]:
    clips = (_clip(member.name, archive.name, name, supplement) for member in archive.recordings())
    return [clip for clip in clips if clip is not None]


def _clip(
    recording: str, archive_name: str, name: re.Pattern[str], supplement: re.Pattern[str]
) -> Clip | None:
    """Return the clip of a recording, None if it does not fit the layout.

    It fits if it lies in ``<type>/train`` or ``<type>/test`` (or ``source_test``, ``target_test``)
    and its stem matches `name`, apart from the session that both may name. Recordings of the noise
    alone, or of the machine without noise, lie in ``<type>/supplemental`` and match `supplement`.
    """
    session, path = session_of_path(PurePosixPath(recording))
    domain, _, split = path.parent.name.rpartition("_")
    match = (supplement if split == _SUPPLEMENT else name).fullmatch(path.stem)
    if match is None or split not in get_args(Split) or domain not in ("", "source", "target"):
        return None
    parts = match.groupdict()
    label = parts.get("label") or ""
    if split == _SUPPLEMENT:
        condition: str = _CONDITIONS[parts["content"]]
    else:
        # Evaluation files of a challenge carry no condition; all training files are normal there.
        condition = parts["condition"] or ("normal" if split == "train" else "unknown")
    machine_type = machine_of_path(path.parent.parent, archive_name)
    return Clip(
        path=recording,
        recording="/".join(filter(None, (machine_type, split, session, path.stem))),
        machine_type=machine_type,
        machine_id=parts["id"],
        split=cast(Split, split),
        condition=cast(Condition, condition),
        label="" if label == "noAttribute" else label,
        domain=parts.get("domain") or domain,
        snr_db=snr_of_path(path, archive_name),
        session=session,
    )


DCASE2020 = Layout(
    "dcase2020",
    "fan/train/normal_id_00_00000000.wav",
    partial(_read, name=_NAME_2020, supplement=_NAME_2020_SUPPLEMENT),
)
DCASE2021 = Layout(
    "dcase2021",
    "fan/train/section_00_source_train_normal_0000_strength_1.wav",
    partial(_read, name=_NAME_2021, supplement=_NAME_2025_SUPPLEMENT),
)
