"""What a run would train and test on, said of a table of clips."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from stethoscope.counts import count
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.splits import Cutting
from stethoscope.machines import format_machine
from stethoscope.sound.parts import equal_parts, is_long

_CONDITIONS = {"normal": "normal", "anomaly": "anomalous", "unknown": "unknown"}
_FEW_TRAINING = 20
_LENGTHS = (0.05, 0.95)  # quantiles that are compared
_ALIKE = 2 / 3  # of the longer one
_MILLISECONDS = 1000

Durations = Mapping[tuple[str, str], float]
"""Of recordings in seconds, by archive and path."""


def describe_usage(
    clips: Sequence[Clip], durations: Durations | None = None, *, clip_seconds: float = 0.0
) -> list[str]:
    """Return sentences for people: what a run makes of the clips, and what would help.

    Parameters
    ----------
    clips : sequence of Clip
        The table of :func:`stethoscope.datasets.layouts.index`.
    durations : dict, optional
        Of the readable recordings; where they are not known, nothing is said about lengths.
    clip_seconds : float
        Length of the clips into which a run cuts long recordings; 0 if it cuts none.
    """
    if any(clip.end for clip in clips):
        return [_labelled("labelled event", clips, "event-detection")]
    if not any(clip.machine_type for clip in clips):
        return [_labelled("labelled clip", clips, "sound-classification")]
    durations = durations or {}
    cut = list(_as_cut(clips, durations, Cutting.of(clips, clip_seconds)))
    about = _cutting(clips, cut, clip_seconds)
    clips = cut
    train = [clip for clip in clips if clip.split == "train" and clip.condition == "normal"]
    test = [clip for clip in clips if clip.split == "test"]
    if not train:
        return [
            "there is no normal recording to train on; "
            "name folders normal and abnormal, or list the recordings in a table"
        ]
    return [*about, _training(train, test), *_advice(train, test), *_lengths(train, durations)]


def mixed_lengths(machine_type: str, seconds: Sequence[float]) -> str:
    """Return a warning about normal training clips of different lengths; empty if they are alike.

    Parameters
    ----------
    machine_type : str
    seconds : sequence of float
        Durations of its normal training clips.
    """
    low, high = np.quantile(seconds, _LENGTHS)
    if low >= _ALIKE * high:
        return ""
    return (
        f"{machine_type}: its normal training clips last {low:.3g} to {high:.3g} s; "
        "the scores of short clips vary more, so thresholds get higher and fewer "
        "faults are found; record clips of one length, or see whether "
        f"dataset_clip_seconds={low:.2g}, which makes them alike, finds more"
    )


def _as_cut(clips: Sequence[Clip], durations: Durations, cutting: Cutting) -> Iterator[Clip]:
    """Yield the clips into which a run will cut recordings; of unknown durations as they are."""
    for clip in clips:
        seconds = durations.get((clip.source, clip.path), 0.0)
        if not is_long(seconds, cutting.seconds):
            yield clip
            continue
        n_samples = round(seconds * _MILLISECONDS)
        parts = equal_parts(n_samples, _MILLISECONDS, cutting.seconds)
        times = [(start / _MILLISECONDS, stop / _MILLISECONDS) for start, stop in parts]
        yield from cutting.cut(clip, times)


def _cutting(clips: Sequence[Clip], cut: Sequence[Clip], seconds: float) -> list[str]:
    """Say how many recordings are cut, and that a lone one is divided."""
    parts = [clip for clip in cut if clip.end]
    if not parts:
        return []
    recordings = len({(clip.source, clip.path) for clip in parts})
    lines = [
        f"a run cuts {count(recordings, 'long recording')} into"
        f" {len(parts)} clips of about {seconds:g} s (dataset_clip_seconds)"
    ]
    whole = {(clip.machine, clip.recording) for clip in clips}
    divided = sorted({c.machine for c in parts if (c.machine, c.recording) not in whole})
    lines += [
        f"{format_machine(machine)}: the single recording is divided: the last quarter is tested"
        " on; record on several days, because one says little about another"
        for machine in divided
    ]
    return lines


def _lengths(train: Sequence[Clip], durations: Durations) -> Iterator[str]:
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for clip in train:
        length = clip.end - clip.start if clip.end else durations.get((clip.source, clip.path))
        if length:
            seconds[clip.machine_type].append(length)
    for machine_type, ours in seconds.items():
        if warning := mixed_lengths(machine_type, ours):
            yield warning


def _training(train: Sequence[Clip], test: Sequence[Clip]) -> str:
    tested = [
        (number, name)
        for condition, name in _CONDITIONS.items()
        if (number := sum(clip.condition == condition for clip in test))
    ]
    on = " and ".join(f"{number} {name}" for number, name in tested) or "no"
    noun = "clip" if tested and tested[-1][0] == 1 else "clips"
    machines = len({clip.machine for clip in train})
    sessions = len({(clip.machine, clip.session) for clip in train if clip.session})
    in_sessions = f" from {count(sessions, 'session')}" if sessions else ""
    return (
        f"a run trains on {count(len(train), 'normal clip')} of {count(machines, 'machine')}"
        f"{in_sessions} and tests on {on} {noun}"
    )


def _advice(train: Sequence[Clip], test: Sequence[Clip]) -> list[str]:
    lines = []
    if not any(clip.condition == "anomaly" for clip in test):
        lines.append(
            "there is no anomalous recording: false alarms are measured, but not whether faults"
            " are found; recordings of faults go into a folder `abnormal`"
        )
    per_machine = [sum(c.machine == m for c in train) for m in sorted({c.machine for c in train})]
    if min(per_machine) < _FEW_TRAINING:
        lines.append(
            f"a machine has only {count(min(per_machine), 'clip')} to train on; thresholds get"
            " reliable with a few dozen, from several days"
        )
    return lines


def _labelled(noun: str, clips: Sequence[Clip], pipeline: str) -> str:
    labelled = [clip for clip in clips if clip.label]
    labels = sorted({clip.label for clip in labelled})
    more = f" and {len(labels) - 10} more" if len(labels) > 10 else ""
    return (
        f"{count(len(labelled), noun)} of {count(len(labels), 'class')}"
        f" ({', '.join(labels[:10])}{more}), for `stethoscope run --pipeline {pipeline}`"
    )
