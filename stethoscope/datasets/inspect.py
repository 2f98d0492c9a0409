"""Describe a data set before it is used for training."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from stethoscope.datasets.archives import Archive, open_archive
from stethoscope.datasets.clips import Clip, Skipped
from stethoscope.datasets.layouts import LAYOUTS, Survey, survey
from stethoscope.datasets.options import CLIP_SECONDS
from stethoscope.datasets.usage import Durations, describe_usage
from stethoscope.errors import AudioError, StethoscopeError
from stethoscope.progress import track
from stethoscope.sound.audio import decode
from stethoscope.sound.parts import LongSource, equal_parts
from stethoscope.sound.recording import Recording
from stethoscope.terminal import text_table

_MOST_NAMES = 20
_PART_SECONDS = 10.0  # of a large recording, decoded at once
_N_KEYS = 4  # columns of a machine: type, id, signal-to-noise ratio, domain
_BITS = {
    "PCM_S8": "8",
    "PCM_U8": "8",
    "PCM_16": "16",
    "PCM_24": "24",
    "PCM_32": "32",
    "FLOAT": "32 float",
    "DOUBLE": "64 float",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipCount:
    """Number of clips with these properties in common; `snr_db` in dB, None where unknown."""

    machine_type: str
    machine_id: str
    split: str
    condition: str
    domain: str
    snr_db: float | None
    clips: int


@dataclass(slots=True, kw_only=True)
class Inspection:
    """What archives hold.

    Attributes
    ----------
    layouts : dict of str to str
        Layout by archive; ``unknown`` where the chosen one does not fit.
    clips, recordings : int
        Rows of the table of clips, and recordings by their file name suffix.
    groups : list of ClipCount
    sample_rates, channels, bit_depths : dict of str to int
        Number of readable recordings by rate in Hz, channel count, and bits per sample (or the name
        of a compression).
    seconds : dict of str to float
        ``min``, ``median``, ``max`` and ``total`` duration of the readable recordings; empty if
        there are none.
    unreadable : list of Skipped
        Recordings that cannot be read.
    unmatched : list of str
        Recordings whose names do not fit the layout, as ``archive: name``.
    usage : list of str
        Sentences: what a run would train and test on, and what would help.
    """

    layouts: dict[str, str]
    clips: int
    recordings: int
    groups: list[ClipCount]
    sample_rates: dict[str, int] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)
    bit_depths: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    unreadable: list[Skipped] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    usage: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the values under the names of the command's JSON output."""
        value = asdict(self)
        return value | {"faults": value.pop("unreadable"), "strangers": value.pop("unmatched")}


def inspect(archives: Sequence[str | os.PathLike[str]], layout: str = "auto") -> Inspection:
    """Read each recording of a data set once and describe the set.

    A set that does not fit the chosen layout is described as well, without counts per machine.

    Parameters
    ----------
    archives : sequence of paths
    layout : str
        A name in :data:`stethoscope.datasets.layouts.LAYOUTS`, or ``auto``.

    Raises
    ------
    DatasetError
        If an archive is broken or holds no recordings.
    ParameterError
        If there is no such layout.
    """
    facts: list[_Facts] = []
    skipped: list[Skipped] = []
    with ExitStack() as stack:
        opened = [stack.enter_context(open_archive(path)) for path in archives]
        found = survey(opened, layout)
        count = sum(len(archive.recordings()) for archive in opened)
        for one in track(_read_all(opened), label="inspect", total=count):
            if isinstance(one, Skipped):
                skipped.append(one)
            else:
                facts.append(one)
    return Inspection(
        layouts={source: name or "unknown" for source, name in found.layouts.items()},
        clips=len(found.clips),
        recordings=count,
        groups=_groups(found.clips),
        sample_rates=_by_frequency(Counter(one.sample_rate for one in facts)),
        channels=_by_frequency(Counter(one.channels for one in facts)),
        bit_depths=_by_frequency(Counter(_BITS.get(one.coding, one.coding) for one in facts)),
        seconds=_durations([one.seconds for one in facts]),
        unreadable=skipped,
        unmatched=[f"{source}: {name}" for source, name in found.unmatched],
        usage=_usage(found, {(one.source, one.path): one.seconds for one in facts}),
    )


def _usage(found: Survey, durations: Durations) -> list[str]:
    misfits = [source for source, layout in found.layouts.items() if not layout]
    return [
        f"{source}: the recordings do not fit the chosen layout; leave out --layout"
        for source in misfits
    ] or describe_usage(found.clips, durations, clip_seconds=CLIP_SECONDS.default)


@dataclass(frozen=True, slots=True)
class _Facts:
    """Properties of a readable recording; `seconds` is its duration."""

    source: str
    path: str
    sample_rate: int
    channels: int
    coding: str
    seconds: float


def _read_all(archives: Sequence[Archive]) -> Iterator[_Facts | Skipped]:
    """Decode each recording, and yield what is known of it, or why it is unreadable."""
    for archive in archives:
        for name, content in archive.stream_files([member.name for member in archive.recordings()]):
            try:
                if isinstance(content, StethoscopeError):
                    raise content
                yield _facts(archive.name, name, content)
            except StethoscopeError as error:
                reason = str(error).removeprefix(f"{archive.name}: ")
                yield Skipped(archive.name, name, reason)


def _facts(source: str, name: str, content: bytes | Path) -> _Facts:
    """Decode a recording, a large one part by part.

    Raises
    ------
    AudioError
        If it cannot be decoded.
    """
    if isinstance(content, bytes):
        one = decode(content, name=name)
        return _Facts(source, name, one.sample_rate, len(one.samples), one.coding, one.seconds)
    n_samples = 0
    with LongSource(content, name=name) as recording:
        rate = recording.sample_rate
        for _, part in recording.read(equal_parts(recording.n_samples, rate, _PART_SECONDS)):
            Recording.of(part, name)  # refuses what is not finite
            n_samples += part.samples.shape[1]
    if not n_samples:
        raise AudioError(f"{name}: holds no samples; record it again")
    return _Facts(source, name, rate, len(part.samples), part.coding, n_samples / rate)


def _durations(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {
        "min": min(seconds),
        "median": median(seconds),
        "max": max(seconds),
        "total": sum(seconds),
    }


def render(inspection: Inspection) -> str:
    """Return an inspection as text for a terminal."""
    lines = [_read_as(source, layout) for source, layout in inspection.layouts.items()]
    lines += ["", *_table(inspection.groups), ""] if inspection.groups else [""]
    lines.append(f"{inspection.recordings} recordings, {inspection.clips} in the table of clips")
    lines.append(f"sample rate   {_shares(inspection.sample_rates, ' Hz')}")
    lines.append(f"channels      {_shares(inspection.channels)}")
    lines.append(f"bit depth     {_shares(inspection.bit_depths)}")
    if seconds := inspection.seconds:
        spread = ", ".join(f"{name} {seconds[name]:.2f} s" for name in ("min", "median", "max"))
        lines.append(f"duration      {spread}, total {seconds['total'] / 3600:.2f} h")
    lines += _some("unreadable", [f"{one.source}: {one.reason}" for one in inspection.unreadable])
    lines += _some("not named as in the layout", inspection.unmatched)
    lines += ["", *inspection.usage]
    return "\n".join(lines)


def _read_as(source: str, layout: str) -> str:
    example = f" (as {LAYOUTS[layout].example})" if layout in LAYOUTS else ""
    return f"{source}: layout {layout}{example}"


def _groups(clips: Sequence[Clip]) -> list[ClipCount]:
    counts = Counter(
        (c.machine_type, c.machine_id, c.snr_db, c.domain, c.split, c.condition) for c in clips
    )
    # None has no order among numbers.
    ordered = sorted(
        counts.items(),
        key=lambda item: (*item[0][:2], item[0][2] is not None, item[0][2] or 0.0, *item[0][3:]),
    )
    return [
        ClipCount(
            machine_type=machine,
            machine_id=machine_id,
            split=split,
            condition=condition,
            domain=domain,
            snr_db=snr_db,
            clips=count,
        )
        for (machine, machine_id, snr_db, domain, split, condition), count in ordered
    ]


def _table(groups: Sequence[ClipCount]) -> list[str]:
    """Return one line per machine, signal-to-noise ratio and domain.

    There is a column per split and condition. Columns without any value are left out.
    """
    columns = sorted(
        {(group.split, group.condition) for group in groups},
        key=lambda pair: (pair[0] != "train", pair[1] == "anomaly", pair),
    )
    counts: dict[tuple[str, str, str, str], Counter[tuple[str, str]]] = {}
    for group in groups:
        snr = "" if group.snr_db is None else f"{group.snr_db:g}"
        counts.setdefault((group.machine_type, group.machine_id, snr, group.domain), Counter())[
            group.split, group.condition
        ] += group.clips
    rows = [("machine", "id", "SNR dB", "domain", *(" ".join(column) for column in columns))]
    rows += [(*key, *(str(count[column]) for column in columns)) for key, count in counts.items()]
    used = [index for index in range(len(rows[0])) if any(row[index] for row in rows[1:])]
    align = "".join("<" if index < _N_KEYS else ">" for index in used)
    return text_table([[row[index] for index in used] for row in rows], align=align)


def _by_frequency(counts: Mapping[int, int] | Mapping[str, int]) -> dict[str, int]:
    return {
        str(value): count
        for value, count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    }


def _shares(counts: Mapping[str, int], unit: str = "") -> str:
    total = sum(counts.values())
    return (
        ", ".join(
            f"{value}{unit} ({count}, {count / total:.1%})" for value, count in counts.items()
        )
        or "none readable"
    )


def _some(title: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    more = [f"  and {len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else []
    return ["", f"{len(names)} {title}:", *(f"  {name}" for name in names[:_MOST_NAMES]), *more]
