"""Whether a detector can be used, by its figures on the test clips, and what to do if not.

The rules are in the order in which the first that holds decides:

1. Normal and anomalous clips are not shown to be separated: the interval of the AUC contains 0.5.
2. More false alarms than wanted, overall or on a machine: Wilson's interval lies above the rate.
3. Fewer than half of the anomalous clips found, overall or, beyond chance, on a machine.
4. Too little to measure on: no anomalous or no normal test clips, fewer than 30 of either, or
   normal recordings of one session only. Then the detector is ready for a trial.
"""

from collections.abc import Callable, Iterable
from statistics import mean

from stethoscope.counts import count
from stethoscope.detection.metrics import FEW_CLIPS, MachineFigures
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.report.page import Verdict
from stethoscope.report.words import percent
from stethoscope.stats.figure import Figure

LEAST_RECALL = 0.5
"""Fraction of the anomalous clips that a detector must find to be ready."""

_MAX_NAMES = 3  # of machines in a reason
_ENOUGH_SESSIONS = 3
_MORE_DAYS = "Record normal sound on more days, and train again."


def verdict(inputs: DetectionInputs) -> Verdict:
    """Return whether the detector can be used, why, and what to do."""
    rules: list[Callable[[DetectionInputs], Verdict | None]] = [
        _not_separated,
        _false_alarms,
        _missed,
        _little_known,
    ]
    for rule in rules:
        if (decided := rule(inputs)) is not None:
            return decided
    advice = (
        "Try it on the machine: judge recordings by predict, watch or serve, and re-centre its "
        "thresholds if microphone or place are others than here."
    )
    return Verdict("ready", _figures(inputs), advice)


def _not_separated(inputs: DetectionInputs) -> Verdict | None:
    auc = inputs.overall.auc
    if auc.value is None or auc.low is None or auc.low > 0.5:
        return None
    reason = (
        "anomalous clips are not shown to differ from normal ones "
        f"(AUC {auc.value:.2f}, chance is 0.5)."
    )
    advice = (
        "Listen to the clips below. If you hear the faults, try another detector; if not, record "
        "closer to the machine or with more test clips."
    )
    return Verdict("not ready", reason, advice)


def _false_alarms(inputs: DetectionInputs) -> Verdict | None:
    wanted = inputs.thresholds.false_alarm_rate

    def too_many(rate: Figure) -> bool:
        return rate.low is not None and rate.low > wanted

    rate = inputs.overall.false_alarm_rate
    machines = [one for one in inputs.overall.machines if too_many(one.false_alarm_rate)]
    if too_many(rate) and rate.value is not None:
        what = f"{percent(rate.value)} false alarms on the test clips"
    elif machines:
        what = _of_machines(machines, lambda one: one.false_alarm_rate, "false alarms")
    else:
        return None
    sessions = list(inputs.thresholds.sessions.values())
    if not sessions or min(sessions) < _ENOUGH_SESSIONS:
        advice = _MORE_DAYS
    else:
        advice = (
            "Listen to the false alarms below, record more normal sound under such conditions, and "
            "train again. Or re-centre the thresholds on normal recordings of the place of use."
        )
    return Verdict("not ready", f"{what}, {percent(wanted)} wanted.", advice)


def _missed(inputs: DetectionInputs) -> Verdict | None:
    decisions = [clip.decision for clip in inputs.scored if clip.condition == "anomaly"]
    machines = [
        one
        for one in inputs.overall.machines
        if one.recall.high is not None and one.recall.high < LEAST_RECALL
    ]
    if decisions and mean(decisions) < LEAST_RECALL:
        what = f"{sum(decisions):,} of {count(len(decisions), 'anomalous clip')} found"
    elif machines:
        what = _of_machines(machines, lambda one: one.recall, "of the anomalous clips found")
    else:
        return None
    advice = (
        "Listen to the missed clips below. If you hear the fault, try another detector, or accept "
        "more false alarms (detector_false_alarm_rate)."
    )
    return Verdict("not ready", f"{what}.", advice)


def _little_known(inputs: DetectionInputs) -> Verdict | None:
    conditions = [clip.condition for clip in inputs.scored]
    normal, anomalous = conditions.count("normal"), conditions.count("anomaly")
    if not normal and not anomalous:
        reason = "the condition of the test clips is not known, so nothing could be measured."
        return Verdict("trial", reason, "Listen to the clips below that were judged anomalous.")
    if not anomalous:
        advice = (
            "Judge recordings of the machine for some weeks, and keep those of faults: they show "
            "what is found."
        )
        reason = f"{_figures(inputs)} There is no anomalous clip to test with."
        return Verdict("trial", reason, advice)
    if normal < FEW_CLIPS or anomalous < FEW_CLIPS:
        few = f"{normal} normal and {count(anomalous, 'anomalous clip')} only."
        reason = f"{_figures(inputs)[:-1]}, measured on {few}"
        return Verdict("trial", reason, "Test it on more clips.")
    if 1 in inputs.thresholds.sessions.values():
        reason = f"{_figures(inputs)[:-1]}, but the normal recordings are of one session."
        return Verdict("trial", reason, "Record normal sound on two more days, and train again.")
    return None


def _figures(inputs: DetectionInputs) -> str:
    """Return anomalies found and false alarms in one sentence."""
    found = [clip.decision for clip in inputs.scored if clip.condition == "anomaly"]
    rate = inputs.overall.false_alarm_rate.value
    parts = []
    if found:
        parts.append(f"{percent(mean(found))} of the anomalous clips found")
    if rate is not None:
        wanted = percent(inputs.thresholds.false_alarm_rate)
        parts.append(f"{percent(rate)} false alarms, {wanted} wanted")
    elif found:
        parts.append("no normal clip to measure false alarms on")
    return f"{', '.join(parts)}."


def _of_machines(
    machines: Iterable[MachineFigures], figure: Callable[[MachineFigures], Figure], what: str
) -> str:
    texts = [
        f"{percent(figure(one).value or 0.0)} {what} on {machine_name(one.machine)}"
        for one in machines
    ]
    shown = texts[:_MAX_NAMES]
    more = len(texts) - len(shown)
    return ", ".join(shown) + (f" and others on {count(more, 'machine')}" if more else "")
