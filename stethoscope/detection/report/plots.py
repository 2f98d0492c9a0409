"""The figures of the report."""

import math
import os
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np

from stethoscope.detection.metrics import MachineFigures
from stethoscope.detection.report.deviations import (
    FloatArray,
    band_centres,
    excess,
    spread,
    strongest_bands,
)
from stethoscope.detection.report.inputs import Inputs, machine_name
from stethoscope.detection.scores import ScoredClip
from stethoscope.files import write_text
from stethoscope.report.charts import Axis, Chart, frequency_axis, legend
from stethoscope.report.html import Content, Html, page, tag
from stethoscope.report.words import count, hertz, number, percent, short
from stethoscope.stats.figure import wilson_interval
from stethoscope.stats.roc import Curve, roc_curve

Curves = Mapping[str, Mapping[str, Sequence[float]]]

MAX_STYLES = 6
"""Most curves of a chart that have a colour of their own."""

MAX_DOTS = 6000
"""Most clips on all maps together; every map has its share, at most a quarter of it."""

MIN_EXCESS = 1.25
"""Bands stand out where anomalous clips deviate at least so many times as much as normal ones."""

_BINS = 28
_RATES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)


def write_loss_page(path: str | os.PathLike[str], curves: Curves) -> None:
    """Write a small page with the loss curves of a training.

    Parameters
    ----------
    path : path
        Written all or nothing.
    curves : mapping
        By machine type, ``{"loss": [...], "val_loss": [...]}``, evenly spaced up to the last epoch;
        empty if the detector has none.
    """
    title = "Loss over the epochs"
    write_text(path, page(title, tag("main", tag("h1", title), loss_charts(curves))))


def loss_charts(curves: Curves) -> Html:
    """Return a chart of the loss per machine type, or a sentence if there is none."""
    if not any(any(map(len, losses.values())) for losses in curves.values()):
        return tag("p", "This detector is fitted in one step: it has no loss curves.")
    return tag(
        "div",
        [_loss_chart(machine_type, losses) for machine_type, losses in curves.items()],
        class_="gallery",
    )


def _loss_chart(machine_type: str, losses: Mapping[str, Sequence[float]]) -> Html:
    texts = {"loss": "training clips", "val_loss": "held-out normal clips"}
    longest = max(map(len, losses.values()))
    # The first epochs tower over the rest, which is where one looks.
    settled = [value for values in losses.values() for value in values[len(values) // 20 :]]
    top, bottom = max(settled), min(settled)
    margin = 0.05 * (top - bottom)
    chart = Chart(
        Axis.linear(1, longest, "epoch", whole=True),
        Axis.linear(bottom - margin, top + margin, "loss"),
    )
    entries = []
    for index, (name, values) in enumerate(losses.items()):
        style = f"s{index % MAX_STYLES}"
        epochs = [longest * number // len(values) for number in range(1, len(values) + 1)]
        chart.line(epochs, values, style)
        if longest == 1:
            chart.dots(epochs, values, style)
        entries.append(
            (f"line {style}", f"{texts.get(name, name)}, {number(values[-1])} at the end")
        )
    said = "; ".join(text for _, text in entries)
    return card(
        machine_type,
        chart.html(f"Loss of {machine_type} over {count(longest, 'epoch')}: {said}"),
        legend(*entries),
    )


def score_chart(machine: str, clips: Sequence[ScoredClip]) -> Html:
    """Return the distribution of a machine's scores: normal clips upwards, anomalous ones
    downwards, and the threshold.
    """
    threshold = clips[0].threshold
    scores = np.array([clip.score for clip in clips])
    low, top = min(float(scores.min()), threshold), max(float(scores.max()), threshold)
    # A few very high scores would press all others into one bar.
    reach = threshold - low
    high = threshold + 3 * reach if top > threshold + 5 * reach > threshold else top
    width = ((high - low) or 1.0) / min(_BINS, max(10, round(2 * math.sqrt(len(clips)))))
    # The threshold is an edge, so that no bar stands on both sides of it.
    edges = threshold + width * np.arange(
        -math.floor((threshold - low) / width) - 1, math.floor((high - threshold) / width) + 2
    )
    n_bins = len(edges) - 1
    x = Axis.linear(float(edges[0]), float(edges[-1]), "score")
    heights = {}
    for condition in ("normal", "anomaly", "unknown"):
        of = [min(clip.score, high) for clip in clips if clip.condition == condition]
        if of:
            heights[condition] = np.histogram(of, edges)[0]
    down = -heights["anomaly"] if "anomaly" in heights else np.zeros(n_bins)
    up = heights.get("normal", np.zeros(n_bins)) + heights.get("unknown", 0)
    scale = Axis.linear(
        1.12 * min(float(down.min()), -1.0),
        1.3 * max(float(up.max()), 1.0),
        "clips",
        ticks=7,
        whole=True,
    )
    chart = Chart(
        x,
        Axis(
            scale.low,
            scale.high,
            tuple((value, f"{abs(value):g}") for value, _ in scale.ticks),
            scale.label,
        ),
    )
    if "unknown" in heights:
        chart.bars(edges.tolist(), up, "muted")
    if "normal" in heights:
        chart.bars(edges.tolist(), heights["normal"], "normal")
    chart.bars(edges.tolist(), down, "anomaly")
    chart.rule(threshold, "limit", f"threshold {number(threshold)}")
    names = {
        "normal": ("bar normal", "normal"),
        "anomaly": ("bar anomaly", "anomalous"),
        "unknown": ("bar muted", "unknown"),
    }
    entries = [
        (names[one][0], f"{names[one][1]}, {count(int(heights[one].sum()), 'clip')}")
        for one in heights
    ]
    beyond = int((scores > high).sum())
    description = f"Scores of {machine_name(machine)}: {'; '.join(text for _, text in entries)}; threshold {number(threshold)}"
    return card(
        machine_name(machine),
        chart.html(description),
        legend(*entries),
        tag("p", f"The last bar holds {count(beyond, 'clip')} with scores up to {number(top)}.")
        if beyond
        else "",
    )


def curve_charts(inputs: Inputs, machine_type: str, clips: Sequence[ScoredClip]) -> list[Html]:
    """Return ROC and DET charts of a machine type, with a curve per machine; nothing if no machine
    has a curve.
    """
    figures = {one.machine: one for one in inputs.overall.machines}
    curves: dict[str, Curve] = {}
    for machine in sorted({clip.machine for clip in clips}):
        known = [clip for clip in inputs.by_machine[machine] if clip.condition != "unknown"]
        curve = roc_curve(
            [clip.score for clip in known], [clip.condition == "anomaly" for clip in known]
        )
        if curve is not None:
            curves[machine] = curve
    if not curves:
        return []
    styles, entries = _curve_styles(figures, list(curves))
    curves = dict(
        sorted(curves.items(), key=lambda item: styles[item[0]] == "anomaly")
    )  # what stands out is drawn last
    return [
        _roc_chart(inputs.max_fpr, machine_type, curves, figures, styles, legend(*entries)),
        _det_chart(machine_type, curves, figures, styles, legend(*entries)),
    ]


def _curve_styles(
    figures: Mapping[str, MachineFigures], machines: Sequence[str]
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return a style per machine and the legend; of too many machines only the one of lowest AUC
    stands out.
    """

    def text(machine: str) -> str:
        return f"{machine_name(machine)}, AUC {figures[machine].auc.value or 0.0:.3f}"

    if len(machines) <= MAX_STYLES:
        styles = {machine: f"s{index}" for index, machine in enumerate(machines)}
        return styles, [(f"line {style}", text(machine)) for machine, style in styles.items()]
    worst = min(machines, key=lambda machine: figures[machine].auc.value or 0.0)
    styles = {machine: "anomaly" if machine == worst else "muted" for machine in machines}
    return styles, [
        ("line anomaly", f"lowest: {text(worst)}"),
        ("line muted", f"{len(machines) - 1} other machines"),
    ]


def _roc_chart(
    max_fpr: float,
    machine_type: str,
    curves: Mapping[str, Curve],
    figures: Mapping[str, MachineFigures],
    styles: Mapping[str, str],
    key: Html,
) -> Html:
    ticks = tuple((value, f"{100 * value:g}") for value in (0, 0.2, 0.4, 0.6, 0.8, 1))
    chart = Chart(
        Axis(0, 1, ticks, "false alarms among normal clips, %"),
        Axis(0, 1, ticks, "anomalies found, %"),
    )
    if max_fpr < 1:
        chart.area([0, max_fpr], [0, 0], [1, 1], "muted")
    chart.line([0, 1], [0, 1], "chance")
    for machine, curve in curves.items():
        chart.line(
            curve.false_positive_rate,
            curve.true_positive_rate,
            styles[machine],
            machine_name(machine),
        )
    for machine in curves:
        one = figures[machine]
        chart.dots(
            [one.false_alarm_rate.value or 0.0],
            [one.recall.value or 0.0],
            f"point {styles[machine]}",
        )
    said = ", ".join(
        f"{machine_name(machine)} AUC {figures[machine].auc.value or 0.0:.3f}" for machine in curves
    )
    return card(
        f"{machine_type or 'Machine'}: ROC",
        chart.html(f"Receiver operating characteristic of {machine_type}: {said}", shape="square"),
        key,
        tag(
            "p",
            f"Dots: the threshold in use. Shaded: up to {percent(max_fpr)} false alarms, what the pAUC covers. Dotted: chance.",
        ),
    )


def _det_chart(
    machine_type: str,
    curves: Mapping[str, Curve],
    figures: Mapping[str, MachineFigures],
    styles: Mapping[str, str],
    key: Html,
) -> Html:
    deviate = NormalDist().inv_cdf
    least = min(0.5 / max(curve.n_normal, curve.n_anomaly) for curve in curves.values())
    low = deviate(min(least, 0.02))
    marks = [
        share
        for share in (0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)
        if deviate(share) >= low
    ]
    ticks = tuple((deviate(share), f"{100 * share:g}") for share in marks)
    high = deviate(0.97)
    chart = Chart(
        Axis(low, high, ticks, "false alarms among normal clips, %"),
        Axis(low, high, ticks, "anomalies missed, %"),
    )
    chart.line([-high, high], [high, -high], "chance")
    for machine, curve in curves.items():
        alarms, misses = curve.det()
        chart.line(
            map(deviate, alarms), map(deviate, misses), styles[machine], machine_name(machine)
        )
        half_alarm, half_miss = 0.5 / curve.n_normal, 0.5 / curve.n_anomaly
        alarm = min(max(figures[machine].false_alarm_rate.value or 0.0, half_alarm), 1 - half_alarm)
        miss = min(max(1 - (figures[machine].recall.value or 0.0), half_miss), 1 - half_miss)
        chart.dots([deviate(alarm)], [deviate(miss)], f"point {styles[machine]}")
    return card(
        f"{machine_type or 'Machine'}: DET",
        chart.html(
            f"Detection error trade-off of {machine_type}: missed anomalies over false alarms on normal-deviate axes",
            shape="square",
        ),
        key,
        tag(
            "p",
            "The same with small rates spread out: the nearer to the lower left, the better. A rate of 0 is drawn at half a clip.",
        ),
    )


def calibration_charts(
    inputs: Inputs, machine_type: str, clips: Sequence[ScoredClip]
) -> list[Html]:
    """Return a chart of wanted against measured false-alarm rates on the normal test clips of a
    type; nothing if there are none.
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
    wanted_ticks = tuple((value / 100, f"{value}") for value in (0, 10, 20, 30, 40, 50))
    ticks = tuple((value, f"{100 * value:g}") for value in (0, 0.2, 0.4, 0.6, 0.8, 1))
    chart = Chart(
        Axis(0, 0.5, wanted_ticks, "wanted false alarms, %"), Axis(0, 1, ticks, "measured, %")
    )
    chart.area(_RATES, low, high, "normal")
    chart.line([0, 0.5], [0, 0.5], "chance")
    chart.line(_RATES, measured, "normal")
    used = inputs.thresholds.false_alarm_rate
    now = sum(clip.decision for clip in normal) / len(normal)
    if used <= chart.x.high:
        chart.dots([used], [now], "point limit")
    description = f"{percent(now)} of {count(len(normal), 'normal test clip')} of {machine_type} raise a false alarm where {percent(used)} are wanted"
    made = card(
        f"{machine_type or 'Machine'}: false alarms",
        chart.html(description, shape="square"),
        legend(
            ("line normal", f"measured on {count(len(normal), 'normal clip')}"),
            ("bar normal pale", "95 % interval"),
            ("chance", "as wanted"),
        ),
        tag(
            "p",
            "Thresholds for other rates, measured on normal test clips. Above the dotted line there are more false alarms than wanted.",
        ),
    )
    return [made]


def band_chart(
    inputs: Inputs, machine: str, usual: FloatArray, anomaly: FloatArray, *, in_training: bool
) -> Html:
    """Return which frequency bands deviate in anomalous clips of a machine, beside what is usual
    [shape=(n_bands,) each].
    """
    centres = band_centres(inputs.scorer.feature)
    low, high, times = strongest_bands(excess(anomaly, usual), centres)
    sentence = (
        f"Strongest at {hertz(low, high)}: {times:.1f} times the deviation of normal clips."
        if times >= MIN_EXCESS
        else "No band stands out: anomalous clips deviate about as normal ones do, in all bands."
    )
    chart = Chart(
        frequency_axis(centres),
        Axis.linear(0, 1.05 * float(max(usual.max(), anomaly.max())), "mean deviation", ticks=4),
    )
    bands = list(range(len(centres)))
    chart.area(bands, usual, np.maximum(usual, anomaly), "anomaly")
    chart.line(bands, usual, "normal")
    chart.line(bands, anomaly, "anomaly")
    return card(
        machine_name(machine),
        tag("p", sentence),
        chart.html(f"Mean deviation of {machine_name(machine)} over frequency. {sentence}"),
        legend(
            ("line normal", f"normal {'training ' if in_training else ''}clips"),
            ("line anomaly", "anomalous clips"),
        ),
    )


def clip_map(inputs: Inputs, machine_type: str, clips: Sequence[ScoredClip]) -> Html | None:
    """Return the clips of a machine type on the plane in which their mean spectra differ most; None
    with too few clips or bands.

    Each clip is its mean log-mel spectrum less that of its machine's normal training clips, so that
    machines lie on each other.
    """
    training = [
        index
        for machine in sorted({clip.machine for clip in clips})
        for index in inputs.normal_training.get(machine, [])
    ]
    test = [
        (inputs.position[clip.source, clip.path], clip)
        for clip in clips
        if (clip.source, clip.path) in inputs.position
    ]
    n_clips = len(training) + len(test)
    most = MAX_DOTS // max(4, len(inputs.by_type))
    if n_clips > most:
        training, test = spread(training, most // 3), spread(test, most - most // 3)
    if len(training) + len(test) < 4 or inputs.scorer.feature.size < 2:
        return None
    spectra = np.array(
        [inputs.mean_spectrum(index) for index in [*training, *(index for index, _ in test)]]
    )
    machines = np.array(
        [inputs.store.clips[index].machine for index in training]
        + [clip.machine for _, clip in test]
    )
    for machine in np.unique(machines):
        own = machines == machine
        reference = own & (np.arange(len(own)) < len(training))
        spectra[own] -= spectra[reference if reference.any() else own].mean(axis=0)
    spectra -= spectra.mean(axis=0)
    spectra = spectra.astype(np.float64)
    strength, directions = np.linalg.eigh(
        spectra.T @ spectra
    )  # rising: the last two are the first two components
    points = spectra @ directions[:, :-3:-1]
    share = strength[:-3:-1] / max(float(strength.sum()), 1e-30)
    axes = []
    for axis, name in enumerate(("first", "second")):
        low, high = float(points[:, axis].min()), float(points[:, axis].max())
        margin = 0.06 * (high - low)
        axes.append(
            Axis.linear(
                low - margin,
                high + margin,
                f"{name} component, dB ({percent(float(share[axis]))} of variance)",
            )
        )
    chart = Chart(*axes)
    chart.dots(points[: len(training), 0], points[: len(training), 1], "muted")
    shown = points[len(training) :]
    entries = [("dot muted", count(len(training), "normal training clip"))] if training else []
    for condition, style, name in (
        ("unknown", "s2", "unknown"),
        ("normal", "normal", "normal"),
        ("anomaly", "anomaly", "anomalous"),
    ):
        rows = [row for row, (_, clip) in enumerate(test) if clip.condition == condition]
        if rows:
            titles = [
                f"{machine_name(test[row][1].machine)} · {short(test[row][1].path)} · score {number(test[row][1].score)}"
                for row in rows
            ]
            chart.dots(shown[rows, 0], shown[rows, 1], style, titles)
            entries.append((f"dot {style}", count(len(rows), f"{name} test clip")))
    left_out = n_clips - len(machines)
    return card(
        machine_type or "Machine",
        chart.html(
            f"Map of the clips of {machine_type}: {', '.join(text for _, text in entries)}",
            shape="tall",
        ),
        legend(*entries),
        tag("p", f"{count(left_out, 'further clip')} left out, evenly spread.") if left_out else "",
    )


def card(title: str, *contents: Content) -> Html:
    """Return a figure with its title."""
    return tag("figure", tag("figcaption", title), *contents, class_="card")
