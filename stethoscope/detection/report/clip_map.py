"""Maps on which clips of similar sound lie close together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stethoscope.counts import count
from stethoscope.detection.report.contributions import FloatArray, spread
from stethoscope.detection.report.distributions import MAX_CHARTS
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.detection.scores import ScoredClip
from stethoscope.report.blocks import card, gallery
from stethoscope.report.charts import Axis, Chart, legend
from stethoscope.report.html import Html, tag
from stethoscope.report.media import clip_key, clip_name
from stethoscope.report.page import Section, section
from stethoscope.report.words import number, percent, short

MAX_DOTS = 6000
"""Most clips on all maps together; each map has an equal share, at most a quarter."""

_STYLES = (
    ("unknown", "s0", "unknown"),
    ("normal", "normal", "normal"),
    ("anomaly", "anomaly", "anomalous"),
)
"""Condition, style and name, in the order of drawing."""


def map_section(inputs: DetectionInputs) -> Section | None:
    """Return the maps of clips by machine type; None if no type has enough clips."""
    charts = (
        clip_map(inputs, machine_type, clips)
        for machine_type, clips in list(inputs.by_type.items())[:MAX_CHARTS]
    )
    cards = [chart for chart in charts if chart is not None]
    if not cards:
        return None
    text = (
        "Clips of similar sound lie close together. The axes are the first two principal "
        "components of the mean log-mel spectra of the clips, each minus the mean of the normal "
        "training clips of its machine. An anomalous clip among normal clips differs in something "
        "that the mean spectrum does not show."
    )
    return section(
        "map",
        "Map of the clips",
        tag("p", text),
        gallery(cards, wide=True, left_out=max(0, len(inputs.by_type) - MAX_CHARTS)),
        folded=True,
        hint="which clips have a similar sound",
    )


@dataclass(frozen=True)
class _Sample:
    """The clips of a map.

    Attributes
    ----------
    training : list of int
        Indices in the store of normal training clips.
    test : list of (int, ScoredClip)
        Test clips with their indices.
    left_out : int
        Number of clips that are not on the map.
    """

    training: list[int]
    test: list[tuple[int, ScoredClip]]
    left_out: int

    def __len__(self) -> int:
        return len(self.training) + len(self.test)


def clip_map(
    inputs: DetectionInputs, machine_type: str, clips: Sequence[ScoredClip]
) -> Html | None:
    """Return the map of the clips of a machine type; None with too few clips or bands.

    The axes are the first two principal components of the mean spectra.
    """
    sample = _sample(inputs, clips)
    if len(sample) < 4 or inputs.scorer.feature.n_mels < 2:
        return None
    points, shares = _principal_components(_relative_spectra(inputs, sample))
    chart = Chart(*_axes(points, shares))
    n_training = len(sample.training)
    chart.dots(points[:n_training, 0], points[:n_training, 1], "muted")
    entries = [("dot muted", count(n_training, "normal training clip"))] if n_training else []
    for condition, style, name in _STYLES:
        rows = [row for row, (_, clip) in enumerate(sample.test) if clip.condition == condition]
        if rows:
            own = points[n_training:][rows]
            titles = [_title(sample.test[row][1]) for row in rows]
            chart.dots(own[:, 0], own[:, 1], style, titles)
            entries.append((f"dot {style}", count(len(rows), f"{name} test clip")))
    described = ", ".join(text for _, text in entries)
    description = f"Map of the clips of {machine_type}: {described}"
    note = f"{count(sample.left_out, 'further clip')} left out at even distances."
    return card(
        machine_type or "Machine",
        chart.html(description, shape="tall"),
        legend(*entries),
        tag("p", note) if sample.left_out else "",
    )


def _sample(inputs: DetectionInputs, clips: Sequence[ScoredClip]) -> _Sample:
    training = [
        index
        for machine in sorted({clip.machine for clip in clips})
        for index in inputs.normal_training.get(machine, [])
    ]
    placed = [(inputs.position.get(clip_key(clip)), clip) for clip in clips]
    test = [(index, clip) for index, clip in placed if index is not None]
    n_clips = len(training) + len(test)
    most = MAX_DOTS // max(4, len(inputs.by_type))
    if n_clips > most:
        training, test = spread(training, most // 3), spread(test, most - most // 3)
    return _Sample(training, test, n_clips - len(training) - len(test))


def _relative_spectra(inputs: DetectionInputs, sample: _Sample) -> FloatArray:
    """Return the mean spectra relative to the normal training clips of each machine.

    Returns
    -------
    np.ndarray [shape=(n_clips, n_bands)]
        Training clips first.
    """
    indices = [*sample.training, *(index for index, _ in sample.test)]
    spectra = np.array([inputs.mean_spectrum(index) for index in indices])
    machines = np.array([inputs.store.clips[index].machine for index in indices])
    is_training = np.arange(len(indices)) < len(sample.training)
    for machine in np.unique(machines):
        own = machines == machine
        reference = own & is_training
        spectra[own] -= spectra[reference if reference.any() else own].mean(axis=0)
    return spectra.astype(np.float64)


def _principal_components(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the first two principal components [shape=(n, 2)] and their shares of the variance."""
    centred = values - values.mean(axis=0)
    strength, directions = np.linalg.eigh(centred.T @ centred)  # rising strength
    points: FloatArray = centred @ directions[:, :-3:-1]
    return points, strength[:-3:-1] / max(float(strength.sum()), 1e-30)


def _axes(points: FloatArray, shares: FloatArray) -> list[Axis]:
    axes = []
    for axis, name in enumerate(("first", "second")):
        low, high = float(points[:, axis].min()), float(points[:, axis].max())
        margin = 0.06 * (high - low)
        label = f"{name} component, dB ({percent(float(shares[axis]))} of variance)"
        axes.append(Axis.linear(low - margin, high + margin, label))
    return axes


def _title(clip: ScoredClip) -> str:
    return f"{machine_name(clip.machine)} · {short(clip_name(clip))} · score {number(clip.score)}"
