"""Maps of the anomalous clips over their principal components."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stethoscope.counts import count
from stethoscope.detection.report.contributions import spread
from stethoscope.detection.report.inputs import machine_name
from stethoscope.diagnosis.groups import GroupedClip
from stethoscope.diagnosis.report.inputs import FaultInputs
from stethoscope.report.blocks import card
from stethoscope.report.charts import MAX_STYLES, Axis, Chart, legend
from stethoscope.report.cloud import Point, cloud
from stethoscope.report.html import Html, tag
from stethoscope.report.media import clip_name
from stethoscope.report.words import percent, short

MAX_POINTS = 600
"""Most clips on a map, at even distances."""


def machine_map(faults: FaultInputs) -> Html | None:
    """Return the clips on the first two components, by machine; None with one component."""
    chart = _plane(faults)
    if chart is None:
        return None
    clips = spread(faults.groups.clips, MAX_POINTS)
    machines = sorted({clip.machine for clip in clips})
    coloured = len(machines) <= MAX_STYLES
    entries = []
    for index, machine in enumerate(machines):
        style = f"s{index}" if coloured else "muted"
        own = [clip for clip in clips if clip.machine == machine]
        _draw(chart, own, style, faults)
        entries.append((f"dot {style}", f"{machine_name(machine)}, {count(len(own), 'clip')}"))
    if not coloured:
        entries = [("dot muted", f"clips of {len(machines)} machines")]
    description = "Anomalous clips on their first two principal components, by machine"
    return card(
        "Clips by machine",
        chart.html(description, shape="tall"),
        legend(*entries),
        tag("p", "If the colours overlap, the groups are not simply the machines."),
    )


def group_map(faults: FaultInputs) -> Html | None:
    """Return the clips on the first two components, by group; None with one component."""
    chart = _plane(faults)
    if chart is None:
        return None
    groups = faults.groups
    centroids = [(centroid[0], (*centroid, 0.0)[1]) for centroid in groups.centroids]
    x, y = chart.x, chart.y
    corners = [(x.low, y.low), (x.high, y.low), (x.high, y.high), (x.low, y.high)]
    for index in range(len(groups.labels)):
        chart.region(nearest_region(centroids, index, corners), group_style(index))
    entries = []
    for index, label in enumerate(groups.labels):
        own = [clip for clip in spread(groups.clips, MAX_POINTS) if clip.group == index + 1]
        _draw(chart, own, group_style(index), faults)
        size = count(groups.sizes[index + 1], "clip")
        entries.append((f"dot {group_style(index)}", f"{label}, {size}"))
    for index, (across, up) in enumerate(centroids):
        chart.text(across, up, str(index + 1))
    note = "Numbers: centroids of the groups. Shaded: the region nearest to each centroid."
    if (depth := len(groups.centroids[0])) > 2:
        note += f" Clips were grouped by {depth} components, of which the map shows two."
    described = ", ".join(text for _, text in entries)
    return card(
        "Clips by group",
        chart.html(f"Map of the groups of faults: {described}", shape="tall"),
        legend(*entries),
        tag("p", note),
    )


def space_map(faults: FaultInputs) -> Html | None:
    """Return the clips on the first three components, by group; None with fewer components."""
    groups = faults.groups
    if len(groups.explained_variance) < 3:
        return None
    shares = groups.explained_variance[:3]
    points = [
        Point(
            (clip.position[0], clip.position[1], clip.position[2]),
            group_style(clip.group - 1),
            clip_title(clip, faults),
        )
        for clip in spread(groups.clips, MAX_POINTS)
    ]
    axes = [
        f"{name} {percent(share)}"
        for name, share in zip(("1st", "2nd", "3rd"), shares, strict=True)
    ]
    title = f"Clips on three components, {percent(sum(shares))} of the variance"
    description = f"Anomalous clips on three principal components, by group. {title}"
    return card(title, cloud(points, axes, description), legend(*group_legend(faults)))


def nearest_region(
    centroids: Sequence[tuple[float, ...]], index: int, corners: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return the part of a convex polygon that is nearer to one centroid than to all others.

    Parameters
    ----------
    centroids : sequence of (float, float)
    index : int
        Of the centroid.
    corners : sequence of (float, float)
        Of the polygon, in order.

    Returns
    -------
    list of (float, float)
        Corners of the part, which is convex too.
    """
    here = np.array(centroids[index])
    polygon = [np.array(corner) for corner in corners]
    for other in (np.array(one) for place, one in enumerate(centroids) if place != index):
        towards, middle = other - here, (other + here) / 2
        kept: list[npt.NDArray[np.float64]] = []
        for start, end in zip(polygon, [*polygon[1:], *polygon[:1]], strict=True):
            before, after = (float((point - middle) @ towards) for point in (start, end))
            if before <= 0:
                kept.append(start)
            if before * after < 0:
                kept.append(start + (end - start) * before / (before - after))
        polygon = kept
    return [(float(x), float(y)) for x, y in polygon]


def group_style(index: int) -> str:
    """Return the style of a group, by its index from 0."""
    return f"s{index % MAX_STYLES}"


def group_legend(faults: FaultInputs) -> list[tuple[str, str]]:
    """Return the entries of a legend of the groups."""
    labels = faults.groups.labels
    return [(f"dot {group_style(index)}", label) for index, label in enumerate(labels)]


def clip_title(clip: GroupedClip, faults: FaultInputs) -> str:
    """Return group, machine and path of a clip."""
    label = faults.groups.labels[clip.group - 1]
    return f"{label} · {machine_name(clip.machine)} · {short(clip_name(clip), 60)}"


def _plane(faults: FaultInputs) -> Chart | None:
    """Return an empty chart over the first two components; None if there is only one."""
    clips, shares = faults.groups.clips, faults.groups.explained_variance
    if len(shares) < 2:
        return None
    axes = []
    for axis, name in enumerate(("first", "second")):
        values = [clip.position[axis] for clip in clips]
        margin = 0.08 * (max(values) - min(values))
        label = f"{name} component ({percent(shares[axis])} of variance)"
        axes.append(Axis.linear(min(values) - margin, max(values) + margin, label))
    return Chart(*axes)


def _draw(chart: Chart, clips: Sequence[GroupedClip], style: str, faults: FaultInputs) -> None:
    chart.dots(
        [clip.position[0] for clip in clips],
        [clip.position[1] for clip in clips],
        style,
        [clip_title(clip, faults) for clip in clips],
    )
