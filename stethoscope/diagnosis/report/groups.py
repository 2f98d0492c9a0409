"""The groups of the anomalous clips: maps, distances, and the choice of their number."""

from collections.abc import Callable

import numpy as np

from stethoscope.counts import count
from stethoscope.detection.report.contributions import spread
from stethoscope.detection.report.inputs import machine_name
from stethoscope.diagnosis.report.inputs import FaultInputs
from stethoscope.diagnosis.report.maps import (
    MAX_POINTS,
    clip_title,
    group_legend,
    group_map,
    group_style,
    machine_map,
    space_map,
)
from stethoscope.report.blocks import card, gallery, notes, table
from stethoscope.report.charts import SHARE_TICKS, Axis, Chart, legend
from stethoscope.report.html import Content, Html, tag
from stethoscope.report.media import clip_name
from stethoscope.report.page import Section, fold, section
from stethoscope.report.words import percent, short

MAX_ROWS = 30
"""Most clips in the table of distances."""


def group_section(faults: FaultInputs) -> Section:
    """Return the groups of faults with their charts."""
    groups = faults.groups
    sizes = ", ".join(
        f"{label} ({count(groups.sizes[number], 'clip')})"
        for number, label in enumerate(groups.labels, start=1)
    )
    text = (
        f"The faults have no labels. The {count(len(groups.clips), 'anomalous clip')} were grouped "
        f"by the similarity of their sound: {sizes}. {_description(groups.description)}"
    )
    cards = [draw(faults) for name, draw in _MAPS.items() if name in faults.plots]
    further = [draw(faults) for name, draw in _FURTHER.items() if name in faults.plots]
    return section(
        "faults",
        "Groups of faults",
        tag("p", text),
        notes(faults.evaluation["warnings"]),
        gallery([one for one in cards if one], wide=True),
        fold("How the groups were made", gallery([one for one in further if one], wide=True))
        if any(further)
        else "",
        _distance_table(faults) if "table" in faults.plots else "",
    )


def _description(description: str) -> str:
    if description == "deviation":
        return (
            "Each clip is described by its difference from the normal clips of its own machine, "
            "which removes the differences between machines."
        )
    if description == "flat":
        return (
            "Each clip is described by all its cepstral coefficients over time, so groups may be "
            "machines, or sounds at the same time of the clip, instead of faults."
        )
    return "Each clip is described by its sound alone, so groups may be machines instead of faults."


def _variance_chart(faults: FaultInputs) -> Html:
    shares = faults.groups.explained_variance
    components = [number + 1 for number in range(len(shares))]
    total = np.cumsum(shares)
    chart = Chart(
        Axis.linear(0.5, len(shares) + 0.5, "principal component", whole=True),
        Axis(0.0, 1.02, SHARE_TICKS, "explained variance, %"),
    )
    chart.bars([0.5, *(number + 0.5 for number in components)], shares, "s0")
    chart.line(components, total, "s1")
    kept = len(faults.groups.centroids[0])
    explained = percent(float(total[kept - 1]))
    description = (
        f"Explained variance of each of {len(shares)} principal components; "
        f"the first {kept} explain {explained}"
    )
    note = (
        f"Clips were grouped by the first {count(kept, 'component')}: {explained} of the variance."
    )
    return card(
        "Explained variance",
        chart.html(description),
        legend(("bar s0", "of each component"), ("line s1", "cumulative")),
        tag("p", note),
    )


def _elbow_chart(faults: FaultInputs) -> Html:
    groups = faults.groups
    chosen = len(groups.names)
    charts = []
    for name, values in (
        ("squared distance to centroids", groups.inertia),
        ("mean silhouette", groups.silhouette),
    ):
        if not values:
            continue
        lowest, highest = min(0.0, *values.values()), max(values.values())
        chart = Chart(
            Axis.linear(1, max(groups.inertia), "number of groups", ticks=9, whole=True),
            Axis.linear(lowest, 1.05 * highest, name, ticks=4),
        )
        chart.line(values.keys(), values.values(), "s0")
        chart.dots(values.keys(), values.values(), "s0")
        if chosen in values:
            chart.dots([chosen], [values[chosen]], "point s1")
        charts.append(chart.html(f"{name} by number of groups; {chosen} groups were made"))
    note = (
        "Above: sum of squared distances to the own centroid. Beyond the bend of the curve, more "
        "groups explain little more. Below: the silhouette compares the distances to the own and "
        "to the next group. The highest is the best."
    )
    return card(
        "Number of groups",
        charts,
        legend(("line s0", "k-means"), ("dot s1", f"number used: {chosen}")),
        tag("p", note),
    )


def _distance_chart(faults: FaultInputs) -> Html:
    groups = faults.groups
    labels = groups.labels
    ticks = tuple((float(-index), str(index + 1)) for index in range(len(labels)))
    farthest = max(clip.distance for clip in groups.clips)
    chart = Chart(
        Axis.linear(0.0, 1.04 * farthest, "distance to own centroid, standard deviations"),
        Axis(-len(labels) + 0.4, 0.6, ticks, "group"),
    )
    rng = np.random.default_rng(0)
    for index in range(len(labels)):
        own = [clip for clip in groups.clips if clip.group == index + 1]
        distances = [clip.distance for clip in own]
        titles = [clip_title(clip, faults) for clip in own]
        jitter = rng.uniform(-0.24, 0.24, len(own))
        titled = len(groups.clips) <= MAX_POINTS
        chart.dots(distances, jitter - index, group_style(index), titles if titled else ())
        middle = float(np.median(distances))
        chart.line([middle, middle], [-index - 0.36, -index + 0.36], "limit")
    return card(
        "Distances to the centroids",
        chart.html("Distance of every anomalous clip to the centroid of its group"),
        legend(*group_legend(faults), ("line limit", "median of the group")),
        tag("p", "A clip with a large distance may not belong to its group."),
    )


def _distance_table(faults: FaultInputs) -> Html:
    groups = faults.groups
    ordered = sorted(groups.clips, key=lambda clip: (clip.group, clip.distance))
    shown = spread(ordered, MAX_ROWS)
    numbers = range(1, len(groups.labels) + 1)
    rows: list[list[Content]] = [
        [
            tag(
                "span",
                short(clip_name(clip), 60),
                class_="file",
                title=f"{clip.source} {clip_name(clip)}",
            ),
            machine_name(clip.machine),
            groups.labels[clip.group - 1],
            *(
                tag("strong", f"{distance:.2f}") if number == clip.group else f"{distance:.2f}"
                for number, distance in zip(numbers, clip.distances, strict=True)
            ),
        ]
        for clip in shown
    ]
    text = "A clip with two nearly equal smallest distances lies between two groups."
    if len(shown) < len(ordered):
        text += (
            f" {len(shown)} of {len(ordered)} clips are shown, from the nearest to the farthest of "
            "each group; fault_groups.csv contains all."
        )
    head = ("Clip", "Machine", "Group", *(f"to {number}" for number in numbers))
    return tag(
        "details",
        tag("summary", "Distances of the clips to each centroid"),
        tag("p", text, class_="fine"),
        table(head, rows, caption="Distances to the centroids"),
    )


_MAPS: dict[str, Callable[[FaultInputs], Html | None]] = {
    "map": group_map,
    "scatter": machine_map,
}
"""Charts that are shown, by the name in ``fault_plots``, in the order of the section."""

_FURTHER: dict[str, Callable[[FaultInputs], Html | None]] = {
    "map3d": space_map,
    "variance": _variance_chart,
    "elbow": _elbow_chart,
    "distances": _distance_chart,
}
"""Charts that are folded."""
