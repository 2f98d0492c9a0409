"""What a run would train and test on, said of a table of clips."""

from collections.abc import Sequence

from stethoscope.datasets.clips import Clip

_CONDITIONS = {"normal": "normal", "anomaly": "anomalous", "unknown": "unknown"}
_FEW_TRAINING = 20


def describe_usage(clips: Sequence[Clip]) -> list[str]:
    """Return sentences for people: what a run makes of the clips, and what would help.

    Parameters
    ----------
    clips : sequence of Clip
        The table of :func:`stethoscope.datasets.layouts.index`.
    """
    if any(clip.end for clip in clips):
        return [_labelled("event(s)", clips, "event-detection")]
    if not any(clip.machine_type for clip in clips):
        return [_labelled("clip(s)", clips, "sound-classification")]
    train = [clip for clip in clips if clip.split == "train" and clip.condition == "normal"]
    test = [clip for clip in clips if clip.split == "test"]
    if not train:
        return [
            "there is no normal recording to train on; "
            "name folders normal and abnormal, or list the recordings in a table"
        ]
    return [_training(train, test), *_advice(train, test)]


def _training(train: Sequence[Clip], test: Sequence[Clip]) -> str:
    tested = [
        f"{count} {name}"
        for condition, name in _CONDITIONS.items()
        if (count := sum(clip.condition == condition for clip in test))
    ]
    machines = len({clip.machine for clip in train})
    sessions = len({(clip.machine, clip.session) for clip in train if clip.session})
    in_sessions = f" from {sessions} session(s)" if sessions else ""
    return (
        f"a run trains on {len(train)} normal clip(s) of {machines} machine(s){in_sessions}"
        f" and tests on {' and '.join(tested) or 'no'} clip(s)"
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
            f"a machine has only {min(per_machine)} clip(s) to train on; thresholds get reliable"
            " with some dozen, from several days"
        )
    return lines


def _labelled(unit: str, clips: Sequence[Clip], pipeline: str) -> str:
    labelled = [clip for clip in clips if clip.label]
    labels = sorted({clip.label for clip in labelled})
    return (
        f"{len(labelled)} labelled {unit} of {len(labels)} class(es), for"
        f" `stethoscope run {pipeline}`: {', '.join(labels[:10])}"
        + (f" and {len(labels) - 10} more" if len(labels) > 10 else "")
    )
