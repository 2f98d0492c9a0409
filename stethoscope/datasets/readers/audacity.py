"""The layout of recordings with Audacity's label files beside them."""

import re
from dataclasses import replace
from pathlib import PurePosixPath

from stethoscope.datasets.archives import Archive
from stethoscope.datasets.audacity import parse_labels
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.readers.layout import Layout
from stethoscope.datasets.readers.names import machine_of_path
from stethoscope.datasets.readers.text import decode_text

_RECORDING = re.compile(r"audio_(.+)")
_LABELS = re.compile(r"labels?_(.+)\.txt")


def _read(archive: Archive) -> list[Clip]:
    """Read ``audio_<id>`` with ``labels_<id>.txt`` beside it.

    There is a row for the recording and one for each labelled interval. A recording without a label
    file is left out, because its events are unknown.
    """
    label_files = {}
    for member in archive.members():
        path = PurePosixPath(member.name)
        if named := _LABELS.fullmatch(path.name):
            label_files[path.parent, named[1]] = member.name
    clips = []
    for member in archive.recordings():
        path = PurePosixPath(member.name)
        named = _RECORDING.fullmatch(path.stem)
        labels = named and label_files.get((path.parent, named[1]))
        if not named or not labels:
            continue
        machine_type = machine_of_path(path.parent, archive.name)
        recording = Clip(
            path=member.name, recording=f"{machine_type}/{named[1]}", machine_type=machine_type
        )
        text = decode_text(archive.read(labels))
        clips.append(recording)
        clips += [
            replace(recording, label=one.label, start=one.start, end=one.end)
            for one in parse_labels(text, f"{archive.name}: {labels}")
        ]
    return clips


AUDACITY = Layout("audacity", "bell/audio_01.wav with bell/labels_01.txt", _read)
