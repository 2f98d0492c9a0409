"""Distribution of the scores of each machine, with its threshold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stethoscope.counts import count
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.detection.scores import ScoredClip
from stethoscope.report.blocks import card, gallery
from stethoscope.report.charts import Axis, Chart, legend, two_sided_axis
from stethoscope.report.html import Html, tag
from stethoscope.report.page import Section, section
from stethoscope.report.words import number

MAX_CHARTS = 60
"""Most machines, or machine types, of which a section has charts; of more, those of lowest AUC."""

_BINS = 28
_STYLES = {
    "normal": ("normal", "normal"),
    "anomaly": ("anomaly", "anomalous"),
    "unknown": ("muted", "unknown"),
}
"""Style and name of each condition."""


def distribution_section(inputs: DetectionInputs) -> Section:
    """Return the distribution of the scores of every machine."""
    cards = [
        score_chart(machine, inputs.by_machine[machine])
        for machine in inputs.worst_first[:MAX_CHARTS]
    ]
    text = (
        "Bars upwards: normal clips. Bars downwards: anomalous clips. A good detector scores "
        "normal clips below the threshold and anomalous clips above it."
    )
    return section(
        "scores",
        "Scores and thresholds",
        tag("p", text),
        gallery(cards, left_out=len(inputs.by_machine) - len(cards)),
        folded=True,
        hint="how the scores of normal and anomalous clips are distributed",
    )


@dataclass(frozen=True)
class _Histogram:
    """Numbers of clips by score.

    Attributes
    ----------
    edges : list of float
        Of the bins; the threshold is one of them.
    heights : dict of str to np.ndarray [shape=(n_bins,)]
        Clips by condition, for those that there are.
    beyond : int
        Clips with scores above the last edge; the last bin contains them.
    """

    edges: list[float]
    heights: dict[str, npt.NDArray[np.intp]]
    beyond: int


def score_chart(machine: str, clips: Sequence[ScoredClip]) -> Html:
    """Return the distribution of the scores of a machine, with its threshold.

    Bars of normal clips point upwards, those of anomalous clips downwards.
    """
    threshold = clips[0].threshold
    histogram = _histogram(clips, threshold)
    heights, edges = histogram.heights, histogram.edges
    empty = np.zeros(len(edges) - 1)
    up = heights.get("normal", empty) + heights.get("unknown", 0)
    down = -heights.get("anomaly", empty)
    chart = Chart(Axis.linear(edges[0], edges[-1], "score"), two_sided_axis(up, down))
    if "unknown" in heights:
        chart.bars(edges, up, "muted")
    chart.bars(edges, heights.get("normal", empty), "normal")
    chart.bars(edges, down, "anomaly")
    chart.rule(threshold, "limit", f"threshold {number(threshold)}")
    entries = [
        (f"bar {_STYLES[one][0]}", f"{_STYLES[one][1]}, {count(int(heights[one].sum()), 'clip')}")
        for one in heights
    ]
    name = machine_name(machine)
    described = "; ".join(text for _, text in entries)
    description = f"Scores of {name}: {described}; threshold {number(threshold)}"
    note = ""
    if histogram.beyond:
        highest = number(max(clip.score for clip in clips))
        outliers = count(histogram.beyond, "clip")
        note = tag("p", f"The last bar contains {outliers} with scores up to {highest}.")
    return card(name, chart.html(description), legend(*entries), note)


def _histogram(clips: Sequence[ScoredClip], threshold: float) -> _Histogram:
    scores = np.array([clip.score for clip in clips])
    low, top = min(float(scores.min()), threshold), max(float(scores.max()), threshold)
    # A few very high scores would compress all others into one bar.
    reach = threshold - low
    high = threshold + 3 * reach if top > threshold + 5 * reach > threshold else top
    width = ((high - low) or 1.0) / min(_BINS, max(10, round(2 * math.sqrt(len(clips)))))
    # The threshold is an edge, so that no bar covers both sides of it.
    first = -math.floor((threshold - low) / width) - 1
    last = math.floor((high - threshold) / width) + 1
    edges = threshold + width * np.arange(first, last + 1)
    heights = {}
    for condition in _STYLES:
        own = [min(clip.score, high) for clip in clips if clip.condition == condition]
        if own:
            heights[condition] = np.histogram(own, edges)[0]
    return _Histogram(edges.tolist(), heights, int((scores > high).sum()))
