"""The table of scores: the score and decision of every clip, with its properties."""

import math
import os
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import get_args

import numpy as np

from stethoscope.datasets.clips import Condition
from stethoscope.files import parse_csv, write_csv
from stethoscope.machines import machine_key


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredClip:
    """A clip with its score and decision.

    Attributes
    ----------
    path, machine_type, machine_id, condition, domain, snr_db, label, source, start, end
        As in :class:`stethoscope.datasets.clips.Clip`.
    score : float
        Higher is more anomalous.
    threshold : float
        The clip is called anomalous above it.
    decision : bool
        True where the clip was called anomalous.
    """

    path: str
    machine_id: str
    condition: Condition
    score: float
    threshold: float
    decision: bool
    machine_type: str = ""
    domain: str = ""
    snr_db: float | None = None
    label: str = ""
    source: str = ""
    start: float = 0.0
    end: float = 0.0

    @property
    def machine(self) -> str:
        """Machine type and id as one key, ``fan/00``."""
        return machine_key(self.machine_type, self.machine_id)


COLUMNS = tuple(field.name for field in fields(ScoredClip))
REQUIRED_COLUMNS = tuple(field.name for field in fields(ScoredClip) if field.default is MISSING)


def write_scores(path: str | os.PathLike[str], scored: Iterable[ScoredClip]) -> None:
    """Write the table as CSV (UTF-8, a header row, one row per clip).

    Numbers are written with all their digits, so every figure can be recomputed from the file. A
    decision is 0 or 1.
    """
    rows = ([_text(getattr(clip, column)) for column in COLUMNS] for clip in scored)
    write_csv(path, (COLUMNS, *rows))


def read_scores(path: str | os.PathLike[str]) -> list[ScoredClip]:
    """Read a table of scores; the columns after `decision` may be absent.

    Raises
    ------
    DatasetError
        If a required column is missing or a value is not one the column allows; the message names
        the line.
    """
    return list(parse_csv(Path(path), REQUIRED_COLUMNS, _parse, contents="scores"))


def _text(value: object) -> str:
    if value is None:
        return ""
    # NumPy's own booleans and floats would print their type, or as words.
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    return repr(float(value)) if isinstance(value, float) else str(value)


def _parse(row: dict[str, str]) -> ScoredClip:
    if None in row.values():
        raise ValueError(f"has fewer fields than the {len(row)} columns")
    condition, decision = row["condition"], row["decision"]
    if condition not in get_args(Condition):
        raise ValueError(f"condition is {condition!r}, not normal, anomaly or unknown")
    if decision not in ("0", "1"):
        raise ValueError(f"decision is {decision!r}, not 0 or 1")
    return ScoredClip(
        path=row["path"],
        machine_id=row["machine_id"],
        condition=condition,  # type: ignore[arg-type]  # checked above
        score=_finite(row, "score"),
        threshold=_finite(row, "threshold"),
        decision=decision == "1",
        machine_type=row.get("machine_type", ""),
        domain=row.get("domain", ""),
        snr_db=_finite(row, "snr_db") if row.get("snr_db") else None,
        label=row.get("label", ""),
        source=row.get("source", ""),
        start=_finite(row, "start") if row.get("start") else 0.0,
        end=_finite(row, "end") if row.get("end") else 0.0,
    )


def _finite(row: dict[str, str], column: str) -> float:
    value = float(row[column])
    if not math.isfinite(value):
        raise ValueError(f"{column} is {row[column]!r}, not a finite number")
    return value
