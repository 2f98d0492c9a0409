"""The header of the report: the outcome in words and the main figures."""

from collections.abc import Sequence

from stethoscope.counts import count
from stethoscope.detection.metrics import Summary
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.detection.report.verdict import verdict
from stethoscope.detection.scores import ScoredClip
from stethoscope.report.html import Html
from stethoscope.report.page import Header, tile
from stethoscope.report.words import interval, percent
from stethoscope.stats.figure import Figure

_SEPARATIONS = (
    (1.0, "perfectly separated"),
    (0.97, "almost perfectly separated"),
    (0.9, "well separated"),
    (0.8, "fairly well separated"),
    (0.65, "partly separated"),
    (0.0, "hardly separated"),
)
_MAX_NAMES = 4  # of machines in the first line
_MAX_SOURCES = 3


def header(inputs: DetectionInputs, facts: Sequence[tuple[str, str]]) -> Header:
    """Return the header of the report.

    Parameters
    ----------
    inputs : DetectionInputs
    facts : sequence of (str, str)
        As :func:`~stethoscope.report.common.run_facts` returns them; empty where they are not
        known.
    """
    machines = list(inputs.by_machine)
    outcome = outcome_text(inputs.scored)
    headline = f"{machine_name(machines[0])}: {outcome}" if len(machines) == 1 else outcome
    decided = verdict(inputs)
    return Header(
        title=headline,
        subject=[
            "Anomaly detection",
            ", ".join(map(machine_name, machines))
            if len(machines) <= _MAX_NAMES
            else count(len(machines), "machine"),
            str(inputs.model["kind"]),
        ],
        headline=headline,
        summary=f"{headline}. {_ranking(inputs.overall)} {_false_alarms(inputs)}",
        tiles=_tiles(inputs),
        verdict=decided,
        facts=facts or [("Recordings", _sources(inputs.scored))],
    )


def outcome_text(clips: Sequence[ScoredClip]) -> str:
    """Return how many anomalies were found among test clips, and how many false alarms raised."""
    anomalous = [clip.decision for clip in clips if clip.condition == "anomaly"]
    normal = [clip.decision for clip in clips if clip.condition == "normal"]
    unknown = [clip.decision for clip in clips if clip.condition == "unknown"]
    parts = []
    if anomalous:
        parts.append(f"{sum(anomalous):,} of {count(len(anomalous), 'anomalous clip')} found")
    if normal:
        alarms = count(sum(normal), "false alarm") if any(normal) else "no false alarm"
        parts.append(f"{alarms} in {count(len(normal), 'normal clip')}")
    if unknown:
        clips_of = f"{count(len(unknown), 'clip')} of unknown condition"
        parts.append(f"{sum(unknown):,} of {clips_of} judged anomalous")
    if normal and not anomalous and not unknown:
        parts.append("no anomalous clip to find")
    if anomalous and not normal:
        parts.append("no normal clip to measure false alarms on")
    return ", ".join(parts)


def separation(auc: Figure) -> str:
    """Return in words how well scores separate normal from anomalous clips; empty without AUC."""
    if auc.value is None:
        return ""
    if auc.low is not None and auc.low <= 0.5:
        return "not shown to be separated better than by chance"
    return next(words for least, words in _SEPARATIONS if auc.value >= least)


def _sources(clips: Sequence[ScoredClip]) -> str:
    sources = sorted({clip.source for clip in clips} - {""})
    more = len(sources) - _MAX_SOURCES
    return ", ".join(sources[:_MAX_SOURCES]) + (f" and {more} more" if more > 0 else "")


def _ranking(overall: Summary) -> str:
    auc = overall.auc
    if not any(one.n_anomaly for one in overall.machines):
        return (
            "Whether faults are found was not measured, because there is no recording of one; "
            "recordings of faults go into a folder abnormal."
        )
    if auc.value is None:
        return (
            "The separation of normal and anomalous clips cannot be measured: "
            f"{_missing_reason(overall)} in the test part."
        )
    across = "" if len(overall.machines) == 1 else " (mean over the machines)"
    clips = f"Normal and anomalous clips are {separation(auc)}"
    if (auc.low or 0) > 0.5:
        return (
            f"{clips}: in {percent(auc.value)} of all pairs of a normal and an anomalous clip, "
            f"the anomalous clip has the higher score{across}."
        )
    return f"{clips}: AUC {auc.value:.3f}, 95 % interval {interval(auc)}{across}."


def _false_alarms(inputs: DetectionInputs) -> str:
    wanted, rate = inputs.thresholds.false_alarm_rate, inputs.overall.false_alarm_rate
    target = f"The thresholds are set for a false-alarm rate of {percent(wanted)}"
    if rate.value is None:
        return f"{target}; there are no normal test clips to check it."
    measured = f"{target}; on the normal test clips it is {percent(rate.value)}."
    if rate.low is not None and wanted < rate.low:
        return (
            f"{measured} Chance does not explain the difference: the thresholds were set on too "
            "few normal clips, or normal test clips sound different from the training clips."
        )
    if rate.high is not None and wanted > rate.high:
        return f"{measured} That is lower than chance explains."
    return measured


def _missing_reason(summary: Summary) -> str:
    """Return why no AUC could be computed for any machine."""
    reasons = {one.auc.reason for one in summary.machines}
    return reasons.pop() if len(reasons) == 1 else summary.auc.reason


def _tiles(inputs: DetectionInputs) -> list[Html]:
    overall = inputs.overall
    if not any(one.n_anomaly for one in overall.machines):
        return [_alarm_tile(inputs), _expected_tile(overall), _training_tile(inputs)]
    across = "mean over machines, " if len(overall.machines) > 1 else ""
    tiles = [_anomaly_tile(inputs), _alarm_tile(inputs)]
    limit = percent(inputs.max_fpr)
    for name, value in (("AUC", overall.auc), (f"pAUC up to {limit} false alarms", overall.pauc)):
        if value.value is None:
            tiles.append(tile(name, "n/a", _missing_reason(overall)))
        else:
            below = f"{across}95 % interval {interval(value)}; 0.5 is chance, 1 is perfect"
            tiles.append(tile(name, f"{value.value:.3f}", below))
    return tiles


def _expected_tile(overall: Summary) -> Html:
    """Return the false alarms that are to be expected."""
    rate = overall.false_alarm_rate
    name = "Expected false alarms"
    if rate.value is None or rate.low is None or rate.high is None:
        return tile(name, "n/a", "no normal test clips")
    below = f"95 % interval {100 * rate.low:.0f} to {100 * rate.high:.0f}, if the sound stays alike"
    return tile(name, f"{100 * rate.value:.0f}", below, "in 100 clips")


def _training_tile(inputs: DetectionInputs) -> Html:
    """Return what normal sound was learned from."""
    n = sum(map(len, inputs.normal_training.values()))
    sessions = list(inputs.thresholds.sessions.values())
    known = f"from {count(sum(sessions), 'recording session')}" if sessions else "sessions unknown"
    return tile("Normal clips trained on", f"{n:,}", known)


def _anomaly_tile(inputs: DetectionInputs) -> Html:
    decisions = [clip.decision for clip in inputs.scored if clip.condition == "anomaly"]
    if not decisions:
        return tile("Anomalies found", "n/a", "no anomalous test clips")
    found, n = sum(decisions), len(decisions)
    return tile(
        "Anomalies found", f"{found:,}", f"{count(n - found, 'anomalous clip')} missed", f"of {n:,}"
    )


def _alarm_tile(inputs: DetectionInputs) -> Html:
    decisions = [clip.decision for clip in inputs.scored if clip.condition == "normal"]
    if not decisions:
        return tile("False alarms", "n/a", "no normal test clips")
    rate = inputs.overall.false_alarm_rate
    below = (
        f"{percent(rate.value or 0.0)} (95 % interval {interval(rate, share=True)}); "
        f"target {percent(inputs.thresholds.false_alarm_rate)}"
    )
    return tile("False alarms", f"{sum(decisions):,}", below, f"in {len(decisions):,}")
