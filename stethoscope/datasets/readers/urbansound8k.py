"""The layout of UrbanSound8K: recordings in folds, and a table of their classes."""

import csv
import io
from collections.abc import Iterator
from pathlib import PurePosixPath

from stethoscope.datasets.archives import Archive
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.readers.layout import Layout
from stethoscope.datasets.readers.text import decode_text, naming_line
from stethoscope.errors import DatasetError
from stethoscope.progress import warn

_TABLE = ("metadata", "UrbanSound8K.csv")
_COLUMNS = ("slice_file_name", "fold", "class", "fsID")


def _read(archive: Archive) -> list[Clip]:
    """Read the recordings that ``metadata/UrbanSound8K.csv`` lists, in ``audio/fold<N>`` beside it.

    Recordings that are listed but missing are left out. Slices of one field recording have the same
    fsID and are never split.
    """
    available = {member.name for member in archive.recordings()}
    tables = [
        member.name
        for member in archive.members()
        if PurePosixPath(member.name).parts[-2:] == _TABLE
    ]
    listed = [clip for table in tables for clip in _listed(archive, table)]
    missing = [clip.path for clip in listed if clip.path not in available]
    if missing and len(missing) == len(listed):
        raise DatasetError(
            f"{archive.name}: none of {len(missing)} recordings listed in {tables[0]} is there,"
            f" for example {missing[0]}"
        )
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        warn(
            f"{archive.name}: {missing[0]}{more} is listed in {tables[0]}, but not there,"
            " and left out"
        )
    return [clip for clip in listed if clip.path in available]


def _listed(archive: Archive, table: str) -> Iterator[Clip]:
    """Yield the clips that a table lists."""
    root = PurePosixPath(table).parent.parent
    for name, fold, label, recording in _rows(archive.read(table), f"{archive.name}: {table}"):
        path = str(root / "audio" / f"fold{fold}" / name)
        yield Clip(path=path, recording=recording, label=label, fold=fold)


def _rows(content: bytes, name: str) -> Iterator[tuple[str, int, str, str]]:
    """Yield file name, fold, class and fsID of each row."""
    rows = csv.DictReader(io.StringIO(decode_text(content), newline=""))
    with naming_line(rows, name):
        if absent := set(_COLUMNS) - set(rows.fieldnames or ()):
            raise DatasetError(
                f"{name}: column {', '.join(sorted(absent))} is missing;"
                " take the table as UrbanSound8K publishes it"
            )
        seen: set[tuple[str, str]] = set()
        for row in rows:
            file, fold, label, recording = ((row[column] or "").strip() for column in _COLUMNS)
            if not all((file, fold, label, recording)) or not fold.isdecimal():
                raise DatasetError(
                    f"{name}, line {rows.line_num}: {','.join((file, fold, label, recording))!r}"
                    " is no file, fold, class and fsID; correct the row"
                )
            if (fold, file) in seen:
                raise DatasetError(
                    f"{name}, line {rows.line_num}: {file} in fold {fold} is listed twice;"
                    " remove one of the rows"
                )
            seen.add((fold, file))
            yield file, int(fold), label, recording


URBANSOUND8K = Layout(
    "urbansound8k", "audio/fold1/7061-6-0-0.wav with metadata/UrbanSound8K.csv", _read
)
