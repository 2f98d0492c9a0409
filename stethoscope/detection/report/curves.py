"""Results at other thresholds: ROC and DET curves, and measured false-alarm rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from stethoscope.counts import count
from stethoscope.detection.metrics import MachineFigures
from stethoscope.detection.report.distributions import MAX_CHARTS
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.detection.scores import ScoredClip
from stethoscope.report.blocks import card, gallery
from stethoscope.report.charts import MAX_STYLES, SHARE_TICKS, Axis, Chart, legend
from stethoscope.report.html import Html, tag
from stethoscope.report.page import Section, section
from stethoscope.report.words import percent
from stethoscope.stats.figure import wilson_interval
from stethoscope.stats.roc import Curve, roc_curve

_RATES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
_DET_SHARES = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)
_FALSE_ALARMS = "false-alarm rate, %"


def curve_section(inputs: DetectionInputs) -> Section | None:
    """Return ROC, DET and calibration by machine type; None if nothing can be drawn."""
    cards: list[Html] = []
    for machine_type, clips in list(inputs.by_type.items())[:MAX_CHARTS]:
        cards += curve_charts(inputs, machine_type, clips)
        cards += calibration_charts(inputs, machine_type, clips)
    if not cards:
        return None
    text = (
        "A higher threshold gives fewer false alarms and more missed anomalies. The dots are the "
    )
    return section(
        "curves",
        "Other thresholds",
        tag("p", f"{text}thresholds in use."),
        gallery(cards, left_out=max(0, len(inputs.by_type) - MAX_CHARTS)),
        folded=True,
        hint="ROC, DET, and false alarms at other target rates",
    )


@dataclass(frozen=True)
class _MachineCurve:
    """The curve of a machine, with the figures at its threshold and the style of its line."""

    name: str
    curve: Curve
    figures: MachineFigures
    style: str

    @property
    def label(self) -> str:
        return f"{self.name}, AUC {self.figures.auc.value or 0.0:.3f}"


def curve_charts(
    inputs: DetectionInputs, machine_type: str, clips: Sequence[ScoredClip]
) -> list[Html]:
    """Return ROC and DET charts of a machine type, with a curve per machine.

    The list is empty if no machine has a curve.
    """
    figures = {one.machine: one for one in inputs.overall.machines}
    curves: dict[str, Curve] = {}
    for machine in sorted({clip.machine for clip in clips}):
        known = [clip for clip in inputs.by_machine[machine] if clip.condition != "unknown"]
        anomalous = [clip.condition == "anomaly" for clip in known]
        curve = roc_curve([clip.score for clip in known], anomalous)
        if curve is not None:
            curves[machine] = curve
    if not curves:
        return []
    styles = _styles(figures, list(curves))
    drawn = [
        _MachineCurve(machine_name(machine), curve, figures[machine], styles[machine])
        for machine, curve in curves.items()
    ]
    key = _legend(drawn)
    drawn.sort(key=lambda one: one.style == "limit")  # the highlighted curve is drawn last
    title = machine_type or "Machine"
    return [_roc_chart(inputs.max_fpr, title, drawn, key), _det_chart(title, drawn, key)]


def _styles(figures: Mapping[str, MachineFigures], machines: Sequence[str]) -> dict[str, str]:
    """Return a style per machine; of too many machines only that of lowest AUC is highlighted."""
    if len(machines) <= MAX_STYLES:
        return {machine: f"s{index}" for index, machine in enumerate(machines)}
    worst = min(machines, key=lambda machine: figures[machine].auc.value or 0.0)
    return {machine: "limit" if machine == worst else "muted" for machine in machines}


def _legend(curves: Sequence[_MachineCurve]) -> Html:
    if len(curves) <= MAX_STYLES:
        return legend(*((f"line {one.style}", one.label) for one in curves))
    worst = next(one for one in curves if one.style == "limit")
    return legend(
        ("line limit", f"lowest: {worst.label}"),
        ("line muted", f"{len(curves) - 1} other machines"),
    )


def _roc_chart(
    max_fpr: float, machine_type: str, curves: Sequence[_MachineCurve], key: Html
) -> Html:
    chart = Chart(
        Axis(0, 1, SHARE_TICKS, _FALSE_ALARMS), Axis(0, 1, SHARE_TICKS, "anomalies found, %")
    )
    if max_fpr < 1:
        chart.area([0, max_fpr], [0, 0], [1, 1], "muted")
    chart.line([0, 1], [0, 1], "chance")
    for one in curves:
        rates = one.curve.false_positive_rate, one.curve.true_positive_rate
        chart.line(*rates, one.style, one.name)
    for one in curves:
        alarms, found = one.figures.false_alarm_rate.value or 0.0, one.figures.recall.value or 0.0
        chart.dots([alarms], [found], f"point {one.style}")
    described = ", ".join(one.label.replace(", ", " ") for one in curves)
    note = (
        "Dots: the thresholds in use. Shaded: the false-alarm rates that the pAUC covers, up to "
        f"{percent(max_fpr)}. Dotted: chance."
    )
    return card(
        f"{machine_type}: ROC",
        chart.html(
            f"Receiver operating characteristic of {machine_type}: {described}", shape="square"
        ),
        key,
        tag("p", note),
    )


def _det_chart(machine_type: str, curves: Sequence[_MachineCurve], key: Html) -> Html:
    deviate = NormalDist().inv_cdf
    least = min(0.5 / max(one.curve.n_normal, one.curve.n_anomaly) for one in curves)
    low, high = deviate(min(least, 0.02)), deviate(0.97)
    marks = [share for share in _DET_SHARES if deviate(share) >= low]
    ticks = tuple((deviate(share), f"{100 * share:g}") for share in marks)
    chart = Chart(
        Axis(low, high, ticks, _FALSE_ALARMS), Axis(low, high, ticks, "anomalies missed, %")
    )
    chart.line([-high, high], [high, -high], "chance")
    for one in curves:
        alarms, misses = one.curve.det()
        chart.line(map(deviate, alarms), map(deviate, misses), one.style, one.name)
        alarm = _inside(one.figures.false_alarm_rate.value or 0.0, one.curve.n_normal)
        miss = _inside(1 - (one.figures.recall.value or 0.0), one.curve.n_anomaly)
        chart.dots([deviate(alarm)], [deviate(miss)], f"point {one.style}")
    description = (
        f"Detection error trade-off of {machine_type}: "
        "missed anomalies over false alarms on normal-deviate axes"
    )
    note = (
        "The same on axes that spread out small rates; the nearer to the lower left corner, the "
        "better. A rate of 0 is drawn at half a clip."
    )
    return card(
        f"{machine_type}: DET", chart.html(description, shape="square"), key, tag("p", note)
    )


def _inside(rate: float, n_clips: int) -> float:
    """Return a rate at least half a clip away from 0 and 1, which have no normal deviate."""
    return min(max(rate, 0.5 / n_clips), 1 - 0.5 / n_clips)


def calibration_charts(
    inputs: DetectionInputs, machine_type: str, clips: Sequence[ScoredClip]
) -> list[Html]:
    """Return a chart of measured over target false-alarm rates of a machine type.

    The list is empty if there is no normal test clip.
    """
    normal = [clip for clip in clips if clip.condition == "normal"]
    if not normal:
        return []
    measured, low, high = [], [], []
    for rate in _RATES:
        thresholds = inputs.thresholds.with_false_alarm_rate(rate)
        alarms = sum(thresholds.decide(clip.score, clip.machine) for clip in normal)
        measured.append(alarms / len(normal))
        ends = wilson_interval(alarms, len(normal))
        low.append(ends[0])
        high.append(ends[1])
    targets = tuple((value / 100, f"{value}") for value in (0, 10, 20, 30, 40, 50))
    chart = Chart(
        Axis(0, 0.5, targets, "target false-alarm rate, %"),
        Axis(0, 1, SHARE_TICKS, "measured rate, %"),
    )
    chart.area(_RATES, low, high, "wrong")
    chart.line([0, 0.5], [0, 0.5], "chance")
    chart.line(_RATES, measured, "wrong")
    used = inputs.thresholds.false_alarm_rate
    now = sum(clip.decision for clip in normal) / len(normal)
    if used <= chart.x.high:
        chart.dots([used], [now], "point limit")
    return [_calibration_card(machine_type or "Machine", chart, len(normal), used, now)]


def _calibration_card(
    machine_type: str, chart: Chart, n_normal: int, target: float, measured: float
) -> Html:
    description = (
        f"False-alarm rate of {machine_type} on {count(n_normal, 'normal test clip')}: "
        f"{percent(measured)}, target {percent(target)}"
    )
    note = (
        "Thresholds set for other false-alarm rates, measured on the normal test clips. Above the "
        "dotted line there are more false alarms than the target."
    )
    return card(
        f"{machine_type}: false alarms",
        chart.html(description, shape="square"),
        legend(
            ("line wrong", f"measured on {count(n_normal, 'normal clip')}"),
            ("bar wrong pale", "95 % interval"),
            ("chance", "measured = target"),
        ),
        tag("p", note),
    )
