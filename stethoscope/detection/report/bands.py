"""The frequency bands and the views that make the scores of anomalous clips."""

from collections.abc import Mapping

import numpy as np

from stethoscope.detection.report.contributions import Mean, Profile, strongest_bands
from stethoscope.detection.report.distributions import MAX_CHARTS
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.report.blocks import card, gallery, table
from stethoscope.report.charts import Axis, Chart, frequency_axis, legend
from stethoscope.report.html import Html, tag
from stethoscope.report.page import Section, section
from stethoscope.report.spectrogram import band_centres
from stethoscope.report.words import hertz, number, percent


def band_section(inputs: DetectionInputs, profiles: Mapping[str, Profile]) -> Section | None:
    """Return the contributions of bands and views, by machine; None without anomalous clips."""
    known = [
        machine
        for machine in inputs.worst_first
        if machine in profiles and profiles[machine].anomaly is not None
    ]
    cards = [_band_chart(inputs, machine, profiles[machine]) for machine in known[:MAX_CHARTS]]
    if not cards:
        return None
    text = (
        "What makes the scores: how much each frequency band adds to the score of a clip, compared "
        "with the same clip if its spectrum and its fluctuation were those of the machine's normal "
        "recordings. Means over clips. Below 0, a band lowers the score."
    )
    return section(
        "bands",
        "Contributions to the score",
        tag("p", text),
        gallery(cards, left_out=max(0, len(known) - MAX_CHARTS)),
        folded=True,
        hint="what each frequency band and view adds",
    )


def _band_chart(inputs: DetectionInputs, machine: str, profile: Profile) -> Html:
    normal, anomaly = profile.normal.bands, (profile.anomaly or profile.normal).bands
    centres = band_centres(inputs.scorer.feature)
    sentence = _strongest(anomaly - normal, centres)
    lowest, highest = (float(pick(normal, anomaly)) for pick in (_lowest, _highest))
    margin = 0.05 * (highest - lowest)
    chart = Chart(
        frequency_axis(centres),
        Axis.linear(lowest - margin, highest + margin, "contribution to the score", ticks=4),
    )
    bands = list(range(len(centres)))
    chart.area(bands, normal, np.maximum(normal, anomaly), "anomaly")
    chart.line(bands, normal, "normal")
    chart.line(bands, anomaly, "anomaly")
    name = machine_name(machine)
    return card(
        name,
        tag("p", sentence),
        chart.html(f"Contributions of the bands to the scores of {name}. {sentence}"),
        legend(
            ("line normal", f"normal {'training ' if profile.in_training else ''}clips"),
            ("line anomaly", "anomalous clips"),
        ),
        _parts_table(name, profile.normal, profile.anomaly),
    )


def _lowest(*values: np.ndarray) -> float:
    return min(0.0, *(float(one.min()) for one in values))


def _highest(*values: np.ndarray) -> float:
    return max(1e-9, *(float(one.max()) for one in values))


def _parts_table(name: str, normal: Mean, anomaly: Mean | None) -> Html | str:
    """Return the mean contribution of each view; nothing for a detector without parts."""
    if anomaly is None or len(anomaly.parts) < 2:
        return ""
    rows = [
        [part, number(normal.parts.get(part, 0.0)), number(value)]
        for part, value in anomaly.parts.items()
    ]
    head = ("View", "Normal clips", "Anomalous clips")
    return table(head, rows, caption=f"Contributions of the views, {name}")


def _strongest(difference: np.ndarray, centres: np.ndarray) -> str:
    if float(difference.max()) <= 0:
        return "No band adds more to the scores of anomalous clips than to those of normal ones."
    low, high, share = strongest_bands(difference, centres)
    return (
        f"Strongest at {hertz(low, high)}: {percent(share)} of what anomalous clips score higher."
    )
