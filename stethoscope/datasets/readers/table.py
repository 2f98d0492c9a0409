"""Recordings that a CSV table beside them describes, whatever their names are."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from stethoscope.counts import count
from stethoscope.datasets.archives import Archive
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.readers.layout import Layout
from stethoscope.datasets.readers.names import machine_of_name, snr_of_path
from stethoscope.datasets.readers.plain_words import condition_of, split_of
from stethoscope.datasets.readers.text import decode_text, naming_line
from stethoscope.datasets.splits import divide_plainly
from stethoscope.errors import DatasetError, shown
from stethoscope.machines import split_key
from stethoscope.progress import warn

_REQUIRED = {"path", "condition"}
_COLUMNS = ("path", "machine", "condition", "session", "label", "split")
_MOST_BYTES = 64 << 20


def _read(archive: Archive) -> list[Clip]:
    """Read the recordings that tables list; a path is relative to the folder of its table."""
    recordings = {member.name for member in archive.recordings()}
    clips: dict[str, Clip] = {}
    absent: list[str] = []
    for member in archive.members():
        if not member.name.lower().endswith(".csv"):
            continue
        where = f"{archive.name}: {member.name}"
        if member.size > _MOST_BYTES:
            warn(f"{where}: has {member.size:,} bytes, over {_MOST_BYTES:,}; split it")
            continue
        for line, row in _rows(archive.read(member.name), where):
            path = _path(row["path"], member.name, recordings)
            if path is None:
                absent.append(f"{shown(row['path'])} ({where}, line {line})")
            elif path in clips:
                raise DatasetError(f"{where}, line {line}: {path} is listed twice; remove a row")
            else:
                clips[path] = _clip(path, row, archive.name, f"{where}, line {line}")
    if absent and not clips:
        raise DatasetError(
            f"{absent[0]}: there is no such recording, nor any other that is listed;"
            " give paths relative to the folder of the table"
        )
    if absent:
        warn(f"{count(len(absent), 'recording')} listed but not there; the first is {absent[0]}")
    return list(clips.values())


def _rows(content: bytes, where: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield number and values of each line; nothing if the columns are those of another table."""
    text = decode_text(content)
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)  # a spreadsheet may write semicolons
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
    except csv.Error:
        return
    if not set(header) >= _REQUIRED:
        return
    with naming_line(rows, where):
        for values in rows:
            row = dict(zip(header, (value.strip() for value in values), strict=False))
            if row.get("path"):
                yield rows.line_num, {name: row.get(name, "") for name in _COLUMNS}


def _path(listed: str, table: str, recordings: set[str]) -> str | None:
    """Return the recording of a row, None if there is none."""
    name = PurePosixPath(listed.replace("\\", "/"))
    inside = (str(PurePosixPath(table).parent / name), str(name))
    return next((path for path in inside if path in recordings), None)


def _clip(path: str, row: Mapping[str, str], archive_name: str, where: str) -> Clip:
    condition = condition_of(row["condition"])
    if condition is None and row["condition"]:
        raise DatasetError(
            f"{where}: condition is {shown(row['condition'])}; give normal, anomaly or unknown"
        )
    split = split_of(row["split"])
    if split is None and row["split"]:
        raise DatasetError(
            f"{where}: split is {shown(row['split'])}; give train or test, or nothing"
        )
    machine_type, machine_id = split_key(row["machine"] or machine_of_name(archive_name))
    return Clip(
        path=path,
        recording=str(PurePosixPath(path).with_suffix("")),
        machine_type=machine_type,
        machine_id=machine_id,
        split=split or "train",
        condition=condition or "unknown",
        label=row["label"],
        session=row["session"],
        snr_db=snr_of_path(PurePosixPath(path), archive_name),
    )


TABLE = Layout(
    "table",
    "any names, with a table such as recordings.csv: path,machine,condition",
    _read,
    divide_plainly,
)
