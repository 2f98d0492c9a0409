"""Results per machine, and their means by machine type, signal-to-noise ratio and domain."""

from stethoscope.counts import count
from stethoscope.detection.metrics import MachineFigures, Summary
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.detection.report.overview import outcome_text, separation
from stethoscope.report.blocks import table
from stethoscope.report.html import Content, Html, join, tag
from stethoscope.report.page import Section, fold, section
from stethoscope.report.words import figure, number, percent
from stethoscope.stats.figure import Figure

MAX_OUTCOMES = 12
"""Most machines whose outcome is shown in words; of more, those of lowest AUC are shown."""

_HEAD = (
    "Machine",
    "Clips",
    "AUC",
    "pAUC",
    "Precision",
    "Recall",
    "F1",
    "False-alarm rate",
    "Threshold",
)
_OF_ANOMALOUS = slice(2, 7)
"""Columns that are empty where no clip is anomalous."""
_BREAKDOWNS = {
    "machine_type": ("By machine type", "Machine type"),
    "snr_db": ("By signal-to-noise ratio", "SNR"),
    "domain": ("By domain", "Domain"),
}
_BREAKDOWN_HEAD = (
    "Machines",
    "Clips",
    "AUC, mean",
    "pAUC, mean",
    "AUC, harmonic mean",
    "Lowest AUC",
    "False-alarm rate",
)


def machine_section(inputs: DetectionInputs) -> Section:
    """Return the outcome per machine in words and bars, and the table of figures."""
    several = len(inputs.overall.machines) > 1
    measured = (
        "AUC: fraction of pairs of a normal and an anomalous clip in which the anomalous clip has "
        "the higher score. pAUC: the same, only up to a false-alarm rate of "
        f"{percent(inputs.max_fpr)}, scaled so that 0.5 is chance. Precision: fraction of alarms "
        "that are anomalies. Recall: fraction of anomalies that raise an alarm. F1: harmonic mean "
        "of precision and recall. The ranges in small print are 95 % intervals, by bootstrap for "
        "AUC and pAUC, by Wilson's formula for the others. "
    )
    if not _any_anomalous(inputs.overall):
        measured = (
            "False-alarm rate: fraction of normal clips that raise an alarm; the range in small "
            "print is its 95 % interval, by Wilson's formula. "
        )
    explanation = (
        f"{measured}A threshold is set on the scores of normal clips that were held out from "
        "training. Pooled: the clips of all machines of the type were used."
    )
    return section(
        "machines",
        "Results per machine" if several else "Results",
        *(_outcomes(inputs) if several else ()),
        tag("h3", "Figures") if several else "",
        _figures_table(inputs),
        fold("What the figures mean", tag("p", explanation, class_="fine")),
    )


def _any_anomalous(summary: Summary) -> bool:
    return any(one.n_anomaly for one in summary.machines)


def _outcomes(inputs: DetectionInputs) -> list[Html]:
    figures = {one.machine: one for one in inputs.overall.machines}
    shown = sorted(inputs.worst_first[:MAX_OUTCOMES])
    parts = [tag("ul", [_outcome(inputs, figures[one]) for one in shown], class_="verdicts")]
    if left_out := len(figures) - len(shown):
        note = (
            f"{len(shown)} machines are shown, those of the lowest AUC where it is known; "
            f"the other {left_out} are in the table."
        )
        parts.append(tag("p", note, class_="soft"))
    return parts


def _outcome(inputs: DetectionInputs, figures: MachineFigures) -> Html:
    separated = separation(figures.auc)
    outcome = outcome_text(inputs.by_machine[figures.machine])
    wanted = inputs.thresholds.false_alarm_rate
    return tag(
        "li",
        tag(
            "div",
            tag("strong", machine_name(figures.machine)),
            " ",
            _lowest_badge(inputs, figures.machine),
            tag("small", f"{outcome}; {separated}" if separated else outcome),
        ),
        _meter("Anomalies found", figures.recall, "right")
        if _any_anomalous(inputs.overall)
        else "",
        _meter("False-alarm rate", figures.false_alarm_rate, "wrong", target=wanted),
    )


def _lowest_badge(inputs: DetectionInputs, machine: str) -> Html | str:
    return tag("span", "lowest AUC", class_="badge") if inputs.is_worst(machine) else ""


def _meter(name: str, share: Figure, style: str, *, target: float | None = None) -> Html:
    """Return a share as a bar, with a mark at its target."""
    if share.value is None:
        return tag(
            "div", tag("span", class_="meter none"), tag("small", f"{name} n/a", class_="soft")
        )
    bar = tag(
        "span",
        tag("i", style=f"width:{100 * share.value:.1f}%"),
        "" if target is None else tag("b", style=f"left:{100 * target:.1f}%"),
        class_=f"meter {style}",
        aria_hidden="true",
    )
    aim = "" if target is None else f", target {percent(target)}"
    return tag("div", bar, tag("small", f"{name} {percent(share.value)}{aim}"))


def _figures_table(inputs: DetectionInputs) -> Html:
    machines = inputs.overall.machines
    head = [*_HEAD]
    rows = [_figure_cells(inputs, one) for one in machines]
    foot = _mean_rows(inputs.overall) if len(machines) > 1 else []
    if not _any_anomalous(inputs.overall):
        foot = foot[:1]  # of a rate there is no harmonic mean
        del head[_OF_ANOMALOUS]
        for row in (*rows, *foot):
            del row[_OF_ANOMALOUS]
    return table(head, rows, foot, caption="Figures per machine")


def _mean_rows(overall: Summary) -> list[list[Content]]:
    auc, pauc = _area(overall.auc), _area(overall.pauc)
    harmonic_auc, harmonic_pauc = _area(overall.harmonic_auc), _area(overall.harmonic_pauc)
    rate = figure(overall.false_alarm_rate, share=True)
    return [
        ["Arithmetic mean", "", auc, pauc, "", "", "", rate, ""],
        ["Harmonic mean", "", harmonic_auc, harmonic_pauc, "", "", "", "", ""],
    ]


def _figure_cells(inputs: DetectionInputs, one: MachineFigures) -> list[Content]:
    badge = _lowest_badge(inputs, one.machine)
    clips = [
        f"{one.n_normal} normal",
        tag("small", f"{one.n_anomaly} anomalous"),
        tag("small", f"{one.n_unknown} unknown") if one.n_unknown else "",
    ]
    return [
        join(machine_name(one.machine), tag("small", badge) if badge else ""),
        clips,
        _area(one.auc),
        _area(one.pauc),
        figure(one.precision, share=True),
        figure(one.recall, share=True),
        figure(one.f1),
        figure(one.false_alarm_rate, share=True),
        _threshold(inputs, one.machine),
    ]


def _area(value: Figure) -> Html:
    """Return an AUC with its interval, drawn on a line from 0 to 1 with chance in the middle."""
    text = figure(value)
    if value.value is None or value.low is None or value.high is None:
        return text
    left, at, right = (100 * one for one in (value.low, value.value, value.high))
    drawn = [
        tag("i", style=f"left:{left:.1f}%;width:{right - left:.1f}%"),
        tag("b", style=f"left:{at:.1f}%"),
    ]
    return join(text, tag("span", drawn, class_="range", aria_hidden="true"))


def _threshold(inputs: DetectionInputs, machine: str) -> Html:
    threshold = inputs.thresholds.of(machine)
    basis = f"from {count(threshold.n_clips, 'clip')}{', pooled' if threshold.pooled else ''}"
    if sessions := inputs.thresholds.sessions.get(machine):
        basis += f", {count(sessions, 'session')}"
    return join(number(threshold.value), tag("small", basis))


def breakdown_section(inputs: DetectionInputs) -> Section | None:
    """Return tables of means by machine type, SNR and domain.

    None if the clips do not vary in them.
    """
    if not inputs.breakdowns:
        return None
    parts: list[Content] = []
    for name, values in inputs.breakdowns.items():
        title, first = _BREAKDOWNS.get(name, (f"By {name}", name))
        rows = [
            [f"{number(float(value))} dB" if name == "snr_db" else value, *_mean_cells(summary)]
            for value, summary in values.items()
        ]
        parts += [tag("h3", title), table((first, *_BREAKDOWN_HEAD), rows, caption=title)]
    return section("breakdowns", "Results by type, noise and domain", *parts)


def _mean_cells(summary: Summary) -> list[Content]:
    normal = sum(one.n_normal for one in summary.machines)
    anomalous = sum(one.n_anomaly for one in summary.machines)
    worst = next((one for one in summary.machines if one.machine == summary.worst_machine), None)
    lowest = figure(summary.auc)
    if worst:
        lowest = join(f"{worst.auc.value:.3f}", tag("small", machine_name(worst.machine)))
    return [
        str(len(summary.machines)),
        join(f"{normal:,} normal", tag("small", f"{anomalous:,} anomalous")),
        _area(summary.auc),
        _area(summary.pauc),
        figure(summary.harmonic_auc),
        lowest,
        figure(summary.false_alarm_rate, share=True),
    ]
