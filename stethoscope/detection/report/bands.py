"""The frequency bands in which anomalous clips deviate."""

from collections.abc import Mapping

import numpy as np

from stethoscope.detection.report.deviations import FloatArray, Profile, excess, strongest_bands
from stethoscope.detection.report.distributions import MAX_CHARTS
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.report.blocks import card, gallery
from stethoscope.report.charts import Axis, Chart, frequency_axis, legend
from stethoscope.report.html import Html, tag
from stethoscope.report.page import Section, section
from stethoscope.report.spectrogram import band_centres
from stethoscope.report.words import hertz

MIN_EXCESS = 1.25
"""Bands are named if anomalous clips deviate at least this many times as much as normal ones."""


def band_section(inputs: DetectionInputs, profiles: Mapping[str, Profile]) -> Section | None:
    """Return the mean deviation over frequency of every machine; None without anomalous clips."""
    known = [machine for machine in inputs.worst_first if machine in profiles]
    charts = (_band_chart(inputs, machine, profiles[machine]) for machine in known[:MAX_CHARTS])
    cards = [chart for chart in charts if chart is not None]
    if not cards:
        return None
    text = (
        "The deviation of a clip is its difference from what the detector expects. Shown is its "
        "mean over time, for normal and for anomalous clips."
    )
    return section(
        "bands",
        "Deviation by frequency",
        tag("p", text),
        gallery(cards, left_out=max(0, len(known) - MAX_CHARTS)),
    )


def _band_chart(inputs: DetectionInputs, machine: str, profile: Profile) -> Html | None:
    usual, anomaly = profile.usual, profile.anomaly
    if anomaly is None:
        return None
    centres = band_centres(inputs.scorer.feature)
    sentence = _strongest(usual, anomaly, centres)
    highest = float(max(usual.max(), anomaly.max()))
    chart = Chart(
        frequency_axis(centres), Axis.linear(0, 1.05 * highest, "mean deviation", ticks=4)
    )
    bands = list(range(len(centres)))
    chart.area(bands, usual, np.maximum(usual, anomaly), "anomaly")
    chart.line(bands, usual, "normal")
    chart.line(bands, anomaly, "anomaly")
    name = machine_name(machine)
    return card(
        name,
        tag("p", sentence),
        chart.html(f"Mean deviation of {name} over frequency. {sentence}"),
        legend(
            ("line normal", f"normal {'training ' if profile.in_training else ''}clips"),
            ("line anomaly", "anomalous clips"),
        ),
    )


def _strongest(usual: FloatArray, anomaly: FloatArray, centres: FloatArray) -> str:
    low, high, times = strongest_bands(excess(anomaly, usual), centres)
    if times >= MIN_EXCESS:
        return f"Strongest at {hertz(low, high)}: {times:.1f} times the deviation of normal clips."
    return "In all bands, anomalous clips deviate about as much as normal clips."
