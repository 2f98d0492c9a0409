"""The layout of one folder per class."""

from pathlib import PurePosixPath

from stethoscope.datasets.archives import Archive
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.readers.layout import Layout


def _read(archive: Archive) -> list[Clip]:
    """Read recordings whose class is the name of their folder."""
    clips = []
    for member in archive.recordings():
        path = PurePosixPath(member.name)
        if label := path.parent.name:
            recording = str(path.with_suffix(""))
            clips.append(Clip(path=member.name, recording=recording, label=label))
    return clips


FOLDERS = Layout(
    "folders", "dog/01.wav, cat/01.wav; only when chosen by name", _read, automatic=False
)
