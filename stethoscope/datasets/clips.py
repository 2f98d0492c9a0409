"""The table of clips, which is made of each layout: a row per clip or labelled interval."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from stethoscope.files import parse_csv, write_csv
from stethoscope.machines import machine_key

Split = Literal["train", "test", "supplemental"]
Condition = Literal["normal", "anomaly", "unknown", "noise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A clip, or a labelled interval of a recording.

    Attributes
    ----------
    path : str
        Name of the recording inside its archive or folder, with forward slashes.
    recording : str
        Name of the unit that may not be split between training and test.
    machine_type, machine_id : str
        For example ``fan`` and ``00``. Empty where the layout has no machines.
    split : {"train", "test", "supplemental"}
        Supplemental clips hold the noise of the place alone, or a normal machine without noise.
    condition : {"normal", "anomaly", "unknown", "noise"}
        ``noise`` without the machine.
    label : str
        Class of a labelled sound, or attributes from the file name.
    fault_group : int
        -1 not grouped, 0 normal, 1 to k the group of an anomalous clip.
    fold : int
        Predefined fold of a cross-validation; 0 without one.
    domain : str
        ``source`` or ``target`` in sets with a domain shift, else empty.
    snr_db : float or None
        Signal-to-noise ratio, in dB, where known.
    start, end : float
        The interval within the recording, in seconds; ``end`` 0 means the recording's end.
    source : str
        File name of the archive (or folder) that holds the recording.
    augmentation : str
        How the clip was altered; empty for an unaltered recording.
    session : str
        Name of the recording session within its machine: recordings that were made in one go, on
        one day and with the microphone in one place. Empty where it is not known.
    """

    path: str
    recording: str
    machine_type: str = ""
    machine_id: str = ""
    split: Split = "train"
    condition: Condition = "unknown"
    label: str = ""
    fault_group: int = -1
    fold: int = 0
    domain: str = ""
    snr_db: float | None = None
    start: float = 0.0
    end: float = 0.0
    source: str = ""
    augmentation: str = ""
    session: str = ""

    @property
    def machine(self) -> str:
        """Key of the machine, ``fan/00``."""
        return machine_key(self.machine_type, self.machine_id)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A recording that could not be used, and why.

    Attributes
    ----------
    source, path : str
        As in :class:`Clip`.
    reason : str
        For people.
    kind : str
        For programs, where the recording was decoded but is useless: ``silent``, ``clipped`` and
        others of :func:`stethoscope.sound.suitability.find_useless`. Empty for any other reason.
    """

    source: str
    path: str
    reason: str
    kind: str = ""


COLUMNS = tuple(field.name for field in fields(Clip))


def write_clips(
    path: str | os.PathLike[str], clips: Sequence[Clip], **extra: Sequence[object]
) -> None:
    """Write the table as CSV in UTF-8, one row per clip, with `extra` columns at the end."""
    rows = (
        [*(getattr(clip, column) for column in COLUMNS), *more]
        for clip, *more in zip(clips, *extra.values(), strict=True)
    )
    write_csv(path, ([*COLUMNS, *extra], *rows))


def read_clips(path: str | os.PathLike[str]) -> list[Clip]:
    """Read a table written by :func:`write_clips`.

    Raises
    ------
    DatasetError
        If a column is missing or a value is not one the column allows; the message names the line.
    """
    return list(parse_csv(Path(path), COLUMNS, _parse, contents="clips"))


def _parse(row: dict[str, str]) -> Clip:
    split, condition = row["split"], row["condition"]
    if split not in get_args(Split):
        raise ValueError(f"split is {split!r}, not {', '.join(get_args(Split))}")
    if condition not in get_args(Condition):
        raise ValueError(f"condition is {condition!r}, not {', '.join(get_args(Condition))}")
    return Clip(
        path=row["path"],
        recording=row["recording"],
        machine_type=row["machine_type"],
        machine_id=row["machine_id"],
        split=split,  # type: ignore[arg-type]  # checked above
        condition=condition,  # type: ignore[arg-type]  # checked above
        label=row["label"],
        fault_group=int(row["fault_group"]),
        fold=int(row["fold"]),
        domain=row["domain"],
        snr_db=float(row["snr_db"]) if row["snr_db"] else None,
        start=float(row["start"]),
        end=float(row["end"]),
        source=row["source"],
        augmentation=row["augmentation"],
        session=row["session"],
    )
