"""Layouts of public sets: from the names of recordings to the table of clips.

A layout reads one archive and knows its own recordings; `index` lets every layout try and takes the
one that knows most. A further layout is one more entry of `LAYOUTS`.
"""

import csv
import io
import logging
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import cast

from stethoscope.datasets.archives import Archive, Member, open_archive
from stethoscope.datasets.audacity import parse_labels
from stethoscope.datasets.clips import Clip, Condition, Split
from stethoscope.errors import DatasetError, ParameterError
from stethoscope.progress import warn
from stethoscope.sound.audio import SUFFIXES

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind of set is named.

    Attributes
    ----------
    name : str
    example : str
        Name of a recording in this layout.
    read : callable
        From an open archive to its clips; recordings that the layout does not know are left out.
    divide : callable
        From all clips of a data set, over its archives, to the same clips in training and test.
    automatic : bool
        Whether ``auto`` tries it; a layout that every set fits must be asked for.
    """

    name: str
    example: str
    read: Callable[[Archive], list[Clip]]
    divide: Callable[[list[Clip]], list[Clip]] = list
    automatic: bool = True


@dataclass(frozen=True, slots=True)
class Survey:
    """What archives hold, before any recording is decoded.

    Attributes
    ----------
    clips : list of Clip
    layouts : dict of str to str
        Name of the layout by file name of the archive; ``""`` where none fits.
    strangers : list of tuple of str
        Archive and name of every recording that the layout of its archive does not know.
    """

    clips: list[Clip]
    layouts: dict[str, str]
    strangers: list[tuple[str, str]]


def index(archives: Sequence[str | os.PathLike[str]], layout: str = "auto") -> list[Clip]:
    """Make the table of clips of a data set.

    Parameters
    ----------
    archives : sequence of paths
        Archives or folders that together are the set, for example MIMII's three signal-to-noise
        ratios.
    layout : str
        A name in `LAYOUTS`, or ``auto``.

    Returns
    -------
    list of Clip
        In order of archive and name.

    Raises
    ------
    DatasetError
        If an archive is broken, holds no recordings, or fits no layout.
    ParameterError
        If there is no such layout.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(open_archive(path)) for path in archives]
        found = survey(opened, layout)
        for archive in opened:
            if not found.layouts[archive.name]:
                raise DatasetError(_unknown_layout(archive, layout))
    if found.strangers:
        source, name = found.strangers[0]
        _log.warning(
            "%d recordings are named in no way the layout knows and left out, first %s in %s",
            len(found.strangers),
            name,
            source,
        )
    return found.clips


def survey(archives: Sequence[Archive], layout: str = "auto") -> Survey:
    """Make the table of clips of open archives, and tell what does not fit into it.

    Raises
    ------
    DatasetError
        If there are no archives, two have the same name, or one is broken or holds no recordings.
    ParameterError
        If there is no such layout.
    """
    if layout != "auto" and layout not in LAYOUTS:
        raise ParameterError(f"layout is {layout!r}; choose auto, {', '.join(LAYOUTS)}")
    candidates = (
        [one for one in LAYOUTS.values() if one.automatic]
        if layout == "auto"
        else [LAYOUTS[layout]]
    )
    layouts: dict[str, str] = {}
    clips: defaultdict[str, list[Clip]] = defaultdict(list)
    strangers: list[tuple[str, str]] = []
    for archive in archives:
        if archive.name in layouts:
            raise DatasetError(f"{archive.name}: is given twice; rename one of the archives")
        recordings = archive.recordings()
        if not recordings:
            raise DatasetError(
                f"{archive.name}: holds no recordings ({', '.join(SUFFIXES)}){_instead(archive.members())}"
            )
        chosen, rows = max(
            ((candidate, candidate.read(archive)) for candidate in candidates),
            key=lambda pair: len(pair[1]),
        )
        layouts[archive.name] = chosen.name if rows else ""
        clips[chosen.name] += [
            replace(clip, source=archive.name) for clip in sorted(rows, key=lambda clip: clip.path)
        ]
        if rows:
            known = {clip.path for clip in rows}
            strangers += [
                (archive.name, member.name) for member in recordings if member.name not in known
            ]
    if not layouts:
        raise DatasetError("no archive is given; give a zip, a tar or a folder")
    return Survey(
        [clip for name, rows in clips.items() for clip in LAYOUTS[name].divide(rows)],
        layouts,
        strangers,
    )


def machine_of_name(name: str) -> str:
    """Return the machine type that the file name of an archive tells: ``fan`` for
    ``dev_data_fan.zip`` and ``-6_dB_fan.zip``.
    """
    stem = re.sub(r"\.(zip|tar|tgz|tar\.\w+)$", "", name, flags=re.IGNORECASE)
    return re.sub(
        r"^((dev|eval)_(data_)?)?((train|test)_)?|_(train|test)(_r\d)?$", "", _without_snr(stem)
    )


def snr_of_name(name: str) -> float | None:
    """Return the signal-to-noise ratio in dB that a name tells, -6.0 for ``-6_dB_fan``, or None."""
    match = _SNR.search(name)
    return float(match["snr"]) if match else None


_SNR = re.compile(r"(?<![\d.])(?P<snr>[-+]?\d+(?:\.\d+)?)[_ ]?dB(?![a-z])", re.IGNORECASE)
_DCASE_2020 = re.compile(r"(?:(?P<condition>normal|anomaly)_)?id_(?P<id>\d+)_\d+")
_DCASE_2021 = re.compile(
    r"section_(?P<id>\d+)(?:_(?P<domain>source|target))?(?:_(?:train|test))?(?:_(?P<condition>normal|anomaly))?_\d+(?:_(?P<label>.*))?"
)
_MIMII_ID = re.compile(r"id_(\d+)")
_MIMII_CONDITION: dict[str, Condition] = {"normal": "normal", "abnormal": "anomaly"}


def _dcase(name: re.Pattern[str]) -> Callable[[Archive], list[Clip]]:
    """Read recordings in ``<type>/train`` and ``<type>/test`` (or ``source_test``, ``target_test``)
    whose stem is `name`.
    """

    def read(archive: Archive) -> list[Clip]:
        clips = []
        for member in archive.recordings():
            path = PurePosixPath(member.name)
            domain, _, split = path.parent.name.rpartition("_")
            match = name.fullmatch(path.stem)
            if (
                match is None
                or split not in ("train", "test")
                or domain not in ("", "source", "target")
            ):
                continue
            told = match.groupdict()
            label = told.get("label") or ""
            machine_type = _machine_type(path.parent.parent, archive.name)
            clips.append(
                Clip(
                    path=member.name,
                    recording=f"{machine_type}/{split}/{path.stem}",
                    machine_type=machine_type,
                    machine_id=told["id"],
                    split=cast(Split, split),
                    # Evaluation files of a challenge carry no condition; whatever trains is normal
                    # there.
                    condition=cast(
                        Condition,
                        told["condition"] or ("normal" if split == "train" else "unknown"),
                    ),
                    label="" if label == "noAttribute" else label,
                    domain=told.get("domain") or domain,
                    snr_db=_snr(path, archive.name),
                )
            )
        return clips

    return read


def _read_mimii(archive: Archive) -> list[Clip]:
    clips = []
    for member in archive.recordings():
        path = PurePosixPath(member.name)
        machine_id = _MIMII_ID.fullmatch(path.parent.parent.name)
        condition = path.parent.name
        if machine_id is None or condition not in _MIMII_CONDITION:
            continue
        machine_type = _machine_type(path.parent.parent.parent, archive.name)
        clips.append(
            Clip(
                path=member.name,
                recording=f"{machine_type}/{machine_id[0]}/{condition}/{path.stem}",
                machine_type=machine_type,
                machine_id=machine_id[1],
                condition=_MIMII_CONDITION[condition],
                snr_db=_snr(path, archive.name),
            )
        )
    return clips


_LABELLED = re.compile(r"audio_(.+)")
_LABELS = re.compile(r"labels?_(.+)\.txt")


def _read_audacity(archive: Archive) -> list[Clip]:
    """Read ``audio_<id>`` with ``labels_<id>.txt`` beside it: a row for the recording and one for
    every labelled interval.

    A recording without a file of labels is not known: nobody can tell what is heard in it.
    """
    files = {}
    for member in archive.members():
        path = PurePosixPath(member.name)
        if named := _LABELS.fullmatch(path.name):
            files[path.parent, named[1]] = member.name
    clips = []
    for member in archive.recordings():
        path = PurePosixPath(member.name)
        named = _LABELLED.fullmatch(path.stem)
        labels = named and files.get((path.parent, named[1]))
        if not named or not labels:
            continue
        machine_type = _machine_type(path.parent, archive.name)
        recording = Clip(
            path=member.name, recording=f"{machine_type}/{named[1]}", machine_type=machine_type
        )
        intervals = parse_labels(
            archive.read(labels).decode("utf-8", errors="replace"), f"{archive.name}: {labels}"
        )
        clips.append(recording)
        clips += [
            replace(recording, label=one.label, start=one.start, end=one.end) for one in intervals
        ]
    return clips


def _read_urbansound8k(archive: Archive) -> list[Clip]:
    """Read recordings that ``metadata/UrbanSound8K.csv`` lists, in ``audio/fold<N>`` beside it.

    What is listed but absent is left out. Slices of one field recording have the same fsID and are
    never split.
    """
    there = {member.name for member in archive.recordings()}
    tables = [
        member.name
        for member in archive.members()
        if PurePosixPath(member.name).parts[-2:] == _URBANSOUND_TABLE
    ]
    clips, absent = [], []
    for table in tables:
        root = PurePosixPath(table).parent.parent
        for name, fold, label, recording in _urbansound_rows(
            archive.read(table), f"{archive.name}: {table}"
        ):
            path = str(root / "audio" / f"fold{fold}" / name)
            if path in there:
                clips.append(Clip(path=path, recording=recording, label=label, fold=fold))
            else:
                absent.append(path)
    if absent and not clips:
        raise DatasetError(
            f"{archive.name}: none of {len(absent)} recordings listed in {tables[0]} is there, for example {absent[0]}"
        )
    if absent:
        more = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
        warn(
            f"{archive.name}: {absent[0]}{more} is listed in {tables[0]}, but not there, and left out"
        )
    return clips


_URBANSOUND_TABLE = ("metadata", "UrbanSound8K.csv")


def _urbansound_rows(content: bytes, name: str) -> Iterator[tuple[str, int, str, str]]:
    """Yield file name, fold, class and fsID of every row."""
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline=""))
    missing = {"slice_file_name", "fsID", "fold", "class"} - set(rows.fieldnames or ())
    if missing:
        raise DatasetError(
            f"{name}: column {', '.join(sorted(missing))} is missing; take the table as UrbanSound8K publishes it"
        )
    seen: set[tuple[str, str]] = set()
    for row in rows:
        values = [
            (row[column] or "").strip() for column in ("slice_file_name", "fold", "class", "fsID")
        ]
        if not all(values) or not values[1].isdecimal():
            raise DatasetError(
                f"{name}, line {rows.line_num}: {','.join(values)!r} is no file, fold, class and fsID; correct the row"
            )
        if (values[1], values[0]) in seen:
            raise DatasetError(
                f"{name}, line {rows.line_num}: {values[0]} in fold {values[1]} is listed twice; remove one of the rows"
            )
        seen.add((values[1], values[0]))
        yield values[0], int(values[1]), values[2], values[3]


def _read_folders(archive: Archive) -> list[Clip]:
    """Read a folder per class: a recording's class is the folder it lies in."""
    clips = []
    for member in archive.recordings():
        path = PurePosixPath(member.name)
        if path.parent.name:
            clips.append(
                Clip(path=member.name, recording=str(path.with_suffix("")), label=path.parent.name)
            )
    return clips


def _divide_mimii(clips: list[Clip]) -> list[Clip]:
    """Divide as MIMII's baseline does: all abnormal recordings are tested, and as many of the first
    normal ones by name.

    The rest of the normals trains. Recordings are counted per machine over all signal-to-noise
    ratios together, so that the versions of one recording stay on one side; where every ratio has
    the same recordings, as in the public set, this is the baseline's division of each. With no more
    normals than abnormals the baseline has nothing left to train on: then half of the normals,
    rounded up, trains.
    """
    recordings: defaultdict[str, dict[Condition, set[str]]] = defaultdict(lambda: defaultdict(set))
    for clip in clips:
        recordings[clip.machine][clip.condition].add(clip.recording)
    tested: set[str] = set()
    for of_machine in recordings.values():
        normal, anomaly = sorted(of_machine["normal"]), of_machine["anomaly"]
        tested |= anomaly
        tested.update(normal[: len(anomaly) if len(anomaly) < len(normal) else len(normal) // 2])
    return [replace(clip, split="test" if clip.recording in tested else "train") for clip in clips]


LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("dcase2020", "fan/train/normal_id_00_00000000.wav", _dcase(_DCASE_2020)),
        # DCASE 2021 to 2026 and MIMII DG; recordings in `supplemental/` (clean machine or noise
        # alone) are no clips of either split.
        Layout(
            "dcase2021",
            "fan/train/section_00_source_train_normal_0000_strength_1.wav",
            _dcase(_DCASE_2021),
        ),
        Layout("mimii", "fan/id_00/normal/00000000.wav", _read_mimii, _divide_mimii),
        Layout("audacity", "bell/audio_01.wav with bell/labels_01.txt", _read_audacity),
        Layout(
            "urbansound8k",
            "audio/fold1/7061-6-0-0.wav with metadata/UrbanSound8K.csv",
            _read_urbansound8k,
        ),
        Layout(
            "folders", "dog/01.wav, cat/01.wav; only when asked for", _read_folders, automatic=False
        ),
    )
}


def _machine_type(folder: PurePosixPath, archive_name: str) -> str:
    """Return the nearest folder's name that is more than a signal-to-noise ratio, else what the
    archive's name tells.
    """
    return next(
        filter(None, map(_without_snr, reversed(folder.parts))), machine_of_name(archive_name)
    )


def _snr(path: PurePosixPath, archive_name: str) -> float | None:
    """Return the ratio that the nearest folder tells, else the archive's name."""
    told = (snr_of_name(part) for part in (*reversed(path.parent.parts), archive_name))
    return next((snr for snr in told if snr is not None), None)


def _without_snr(name: str) -> str:
    return _SNR.sub("", name).strip("_- ")


def _unknown_layout(archive: Archive, layout: str) -> str:
    recordings = archive.recordings()
    known = ", ".join(f"{one.name} ({one.example})" for one in LAYOUTS.values())
    misfit = "fit no layout" if layout == "auto" else f"do not fit the layout {layout}"
    return f"{archive.name}: {len(recordings)} recordings {misfit}, for example {_examples(recordings)}; layouts known: {known}"


def _instead(members: Sequence[Member]) -> str:
    return f"; found {_examples(members)}" if members else ""


def _examples(members: Iterable[Member]) -> str:
    names = [member.name for member in members]
    return ", ".join(dict.fromkeys((names[0], names[len(names) // 2], names[-1])))
