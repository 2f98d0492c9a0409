"""The parts of the report that tell which fault it is: the groups, the clips to listen to, and how
well they are told apart.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stethoscope.detection.report.deviations import band_centres, spread
from stethoscope.detection.report.inputs import Inputs, machine_name
from stethoscope.detection.report.listen import image_address, playable
from stethoscope.detection.report.plots import MAX_STYLES, card
from stethoscope.detection.report.sections import Section, gallery, section, table
from stethoscope.diagnosis.groups import GroupedClip
from stethoscope.diagnosis.report_inputs import FaultInputs
from stethoscope.report.charts import Axis, Chart, framed, frequency_axis, legend
from stethoscope.report.cloud import Point, cloud
from stethoscope.report.confusion import class_table, confusion_table, frequent_confusions
from stethoscope.report.html import Content, Html, tag
from stethoscope.report.words import count, interval, percent, short
from stethoscope.sound.audio import Samples
from stethoscope.stats.figure import Figure

MAX_POINTS = 600
"""Most clips on a map, evenly spread."""

MAX_ROWS = 30
"""Most clips in the table of distances."""

SECONDS = 5.0
"""Length of what can be played of a group's clips, from the middle of the clip."""

_BINS = 20
_SHARES = tuple((value, f"{100 * value:g}") for value in (0, 0.2, 0.4, 0.6, 0.8, 1.0))


def fault_sections(inputs: Inputs, faults: FaultInputs, archives: Sequence[Path]) -> list[Section]:
    """Return the sections on faults, or one that says why there is nothing to diagnose."""
    if faults.reason:
        reason = f"There is nothing to diagnose: {faults.reason}."
        return [section("faults", "Which fault it is", tag("p", reason))]
    found = [_groups(faults), _listening(inputs, faults, archives), _told_apart(faults)]
    return [one for one in found if one is not None]


def _groups(faults: FaultInputs) -> Section:
    groups = faults.groups
    sizes = ", ".join(
        f"{label} ({count(groups.sizes[i], 'clip')})"
        for i, label in enumerate(groups.labels, start=1)
    )
    how = (
        "Each clip is described by how it deviates from the normal clips of its own machine, so that machines lie on each other."
        if groups.description == "deviation"
        else "Each clip is described by its sound as it is: groups may be machines rather than faults."
    )
    plots = {
        "scatter": _scatter,
        "map": _map,
        "map3d": _map_in_space,
        "variance": _variance,
        "elbow": _elbow,
        "distances": _distances,
    }
    cards = [plot(faults) for name, plot in plots.items() if name in faults.plots]
    warned = [tag("li", text) for text in faults.evaluation["warnings"]]
    return section(
        "faults",
        "Which fault it is",
        tag(
            "p",
            f"Nobody has labelled the faults; the {count(len(groups.clips), 'anomalous clip')} were divided by how they sound: "
            f"{sizes}. {how}",
        ),
        tag("ul", warned, class_="notes") if warned else "",
        gallery([one for one in cards if one], wide=True),
        _distance_table(faults) if "table" in faults.plots else "",
    )


def _scatter(faults: FaultInputs) -> Html | None:
    chart = _plane(faults)
    if chart is None:
        return None
    clips = spread(faults.groups.clips, MAX_POINTS)
    machines = sorted({clip.machine for clip in clips})
    entries = []
    for index, machine in enumerate(machines):
        style = f"s{index}" if len(machines) <= MAX_STYLES else "muted"
        own = [clip for clip in clips if clip.machine == machine]
        _draw(chart, own, style, faults)
        entries.append((f"dot {style}", f"{machine_name(machine)}, {count(len(own), 'clip')}"))
    return card(
        "Before grouping, by machine",
        chart.html(
            "Anomalous clips on their first two principal components, by machine", shape="tall"
        ),
        legend(
            *(
                entries
                if len(machines) <= MAX_STYLES
                else [("dot muted", f"clips of {len(machines)} machines")]
            )
        ),
        tag("p", "Where the colours lie on top of each other, the groups are not simply machines."),
    )


def _map(faults: FaultInputs) -> Html | None:
    chart = _plane(faults)
    if chart is None:
        return None
    groups = faults.groups
    centroids = [(*centroid, 0.0)[:2] for centroid in groups.centroids]
    corners = [
        (x, y)
        for x, y in (
            (chart.x.low, chart.y.low),
            (chart.x.high, chart.y.low),
            (chart.x.high, chart.y.high),
            (chart.x.low, chart.y.high),
        )
    ]
    entries = []
    for index in range(len(groups.labels)):
        chart.region(nearest_region(centroids, index, corners), _style(index))
    for index, label in enumerate(groups.labels):
        own = [clip for clip in spread(groups.clips, MAX_POINTS) if clip.group == index + 1]
        _draw(chart, own, _style(index), faults)
        entries.append(
            (f"dot {_style(index)}", f"{label}, {count(groups.sizes[index + 1], 'clip')}")
        )
    for index, (x, y) in enumerate(centroids):
        chart.text(x, y, str(index + 1))
    depth = len(groups.centroids[0])
    note = "Shaded: what lies nearest to a group's centroid, where its number stands."
    return card(
        "Groups of faults",
        chart.html(
            f"Map of the groups of faults: {', '.join(text for _, text in entries)}", shape="tall"
        ),
        legend(*entries),
        tag(
            "p",
            note
            if depth <= 2
            else f"{note} Clips were grouped by {depth} components, of which the map shows two.",
        ),
    )


def nearest_region(
    centroids: Sequence[tuple[float, ...]], index: int, corners: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return the part of a convex polygon that lies nearer to one centroid than to every other, as
    a polygon.

    Parameters
    ----------
    centroids : sequence of (float, float)
    index : int
        Of the centroid.
    corners : sequence of (float, float)
        Of the polygon, in order.
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


def _map_in_space(faults: FaultInputs) -> Html | None:
    groups = faults.groups
    if len(groups.explained_variance) < 3:
        return None
    shares = groups.explained_variance[:3]
    points = [
        Point(
            (clip.position[0], clip.position[1], clip.position[2]),
            _style(clip.group - 1),
            _title(clip, faults),
        )
        for clip in spread(groups.clips, MAX_POINTS)
    ]
    axes = [
        f"{name} {percent(share)}"
        for name, share in zip(("1st", "2nd", "3rd"), shares, strict=True)
    ]
    title = f"Three components, {percent(sum(shares))} of the variance"
    return card(
        title,
        cloud(points, axes, f"Anomalous clips on three principal components, by group. {title}"),
        legend(*_entries(faults)),
    )


def _variance(faults: FaultInputs) -> Html:
    shares = faults.groups.explained_variance
    edges = [0.5 + i for i in range(len(shares) + 1)]
    total = np.cumsum(shares)
    chart = Chart(
        Axis.linear(0.5, len(shares) + 0.5, "principal component", whole=True),
        Axis(0.0, 1.02, _SHARES, "explained variance, %"),
    )
    chart.bars(edges, shares, "s0")
    chart.line([i + 1 for i in range(len(shares))], total, "s1")
    kept = len(faults.groups.centroids[0])
    return card(
        "Explained variance",
        chart.html(
            f"Variance that each of {len(shares)} principal components explains; the first {kept} explain {percent(float(total[kept - 1]))}"
        ),
        legend(("bar s0", "of each component"), ("line s1", "of all up to it")),
        tag(
            "p",
            f"Clips were grouped by the first {count(kept, 'component')}, {percent(float(total[kept - 1]))} of the variance.",
        ),
    )


def _elbow(faults: FaultInputs) -> Html:
    groups = faults.groups
    chosen = len(groups.names)
    charts = []
    for name, values in (
        ("squared distance to the centroid", groups.inertia),
        ("mean silhouette", groups.silhouette),
    ):
        if not values:
            continue
        top = max(values.values())
        bottom = min(0.0, min(values.values()))
        chart = Chart(
            Axis.linear(1, max(groups.inertia), "groups", ticks=9, whole=True),
            Axis.linear(bottom, 1.05 * top, name, ticks=4),
        )
        chart.line(values.keys(), values.values(), "s0")
        chart.dots(values.keys(), values.values(), "s0")
        if chosen in values:
            chart.dots([chosen], [values[chosen]], "point s1")
        charts.append(chart.html(f"{name} by number of groups; {chosen} groups were made"))
    return card(
        "How many groups",
        charts,
        legend(("line s0", "k-means with so many groups"), ("dot s1", f"{chosen}, as grouped")),
        tag(
            "p",
            "Above: where the curve bends, more groups explain little more. Below: how much nearer clips are to their own group than "
            "to the next; the highest is best.",
        ),
    )


def _distances(faults: FaultInputs) -> Html:
    groups = faults.groups
    labels = groups.labels
    ticks = tuple((float(-i), str(i + 1)) for i in range(len(labels)))
    chart = Chart(
        Axis.linear(
            0.0, 1.04 * max(clip.distance for clip in groups.clips), "distance to the own centroid"
        ),
        Axis(-len(labels) + 0.4, 0.6, ticks, "group"),
    )
    rng = np.random.default_rng(0)
    for index in range(len(labels)):
        own = [clip for clip in groups.clips if clip.group == index + 1]
        jitter = rng.uniform(-0.24, 0.24, len(own))
        chart.dots(
            [clip.distance for clip in own],
            -index + jitter,
            _style(index),
            [_title(clip, faults) for clip in own] if len(groups.clips) <= MAX_POINTS else (),
        )
        middle = float(np.median([clip.distance for clip in own]))
        chart.line([middle, middle], [-index - 0.36, -index + 0.36], "limit")
    return card(
        "How far clips lie from their centroid",
        chart.html("Distance of every anomalous clip to the centroid of its group"),
        legend(*_entries(faults), ("line limit", "half of the group's clips")),
        tag(
            "p",
            "In units of the principal components. What lies far out is a doubtful member of its group.",
        ),
    )


def _distance_table(faults: FaultInputs) -> Html:
    groups = faults.groups
    labels = groups.labels
    ordered = sorted(groups.clips, key=lambda clip: (clip.group, clip.distance))
    shown = spread(ordered, MAX_ROWS)
    head = ("Clip", "Machine", "Group", *(f"to {i + 1}" for i in range(len(labels))))
    rows: list[list[Content]] = [
        [
            tag("span", short(clip.path, 60), class_="file", title=f"{clip.source} {clip.path}"),
            machine_name(clip.machine),
            labels[clip.group - 1],
            *(
                tag("strong", f"{one:.2f}") if i + 1 == clip.group else f"{one:.2f}"
                for i, one in enumerate(clip.distances)
            ),
        ]
        for clip in shown
    ]
    more = f" {len(shown)} of {len(ordered)} are shown, from the nearest to the farthest of every group; fault_groups.csv has all."
    return tag(
        "details",
        tag("summary", "Distances of clips to every centroid"),
        tag(
            "p",
            "A clip whose two smallest distances are alike lies between groups."
            + (more if len(shown) < len(ordered) else ""),
            class_="fine",
        ),
        table(head, rows, caption="Distances to centroids"),
    )


def _listening(inputs: Inputs, faults: FaultInputs, archives: Sequence[Path]) -> Section | None:
    if "clips" not in faults.plots:
        return None
    typical = {number: faults.groups.typical(number) for number in faults.groups.sizes}
    wanted = {(clip.source, clip.path) for clips in typical.values() for clip in clips}
    sounds, _ = playable(archives, wanted, _middle, channel=inputs.scorer.feature.channel)
    parts: list[Content] = []
    for label, clips in zip(faults.groups.labels, typical.values(), strict=True):
        parts += [
            tag("h3", label),
            tag("div", [_clip_card(inputs, clip, sounds) for clip in clips], class_="gallery"),
        ]
    return section(
        "typical",
        "Listen to the groups",
        tag(
            "p",
            "The three clips nearest to the centroid of each group. What do they have in common? Write the names into fault_names, from "
            "the first group on, or give them to the finished model: ",
            tag("code", "stethoscope label BUNDLE 1=NAME 2=NAME"),
            ".",
        ),
        parts,
    )


def _middle(_: tuple[str, str], samples: Samples, rate: int) -> Samples:
    """Return what is heard of a clip."""
    first = max(0, len(samples) - round(SECONDS * rate)) // 2
    return samples[first : first + round(SECONDS * rate)]


def _clip_card(inputs: Inputs, clip: GroupedClip, sounds: Mapping[tuple[str, str], str]) -> Html:
    key = (clip.source, clip.path)
    silent = tag("p", "The recording itself is not included.", class_="soft")
    player = (
        tag(
            "audio",
            controls=True,
            preload="metadata",
            src=sounds[key],
            aria_label=f"Recording {short(clip.path)}",
        )
        if key in sounds
        else silent
    )
    return tag(
        "article",
        tag(
            "h4", machine_name(clip.machine), tag("span", f"{clip.distance:.2f} from the centroid")
        ),
        tag("span", short(clip.path), class_="file", title=f"{clip.source} {clip.path}"),
        player,
        _spectrogram(inputs, clip),
        class_="card clip",
    )


def _spectrogram(inputs: Inputs, clip: GroupedClip) -> Html | str:
    position = inputs.position.get((clip.source, clip.path))
    if position is None:
        return ""
    feature = inputs.scorer.feature
    step = feature.hop_length / feature.sample_rate
    frames = inputs.store.clip_frames(position)
    width = round(SECONDS / step)
    first = max(0, len(frames) - width) // 2
    level = np.array(frames[first : first + width])
    quiet, loud = np.percentile(level, [3, 99.7])
    picture = image_address((level - quiet) / max(loud - quiet, 1e-6), "bone")
    time = Axis.linear(0.0, max(len(level) - 1, 1) * step, "s", ticks=6)
    return framed(
        tag("img", src=picture, alt=""),
        time,
        frequency_axis(band_centres(feature)),
        f"Spectrogram of {short(clip.path)}",
    )


def _told_apart(faults: FaultInputs) -> Section | None:
    evaluation = faults.evaluation
    figures = evaluation["figures"]
    parts: list[Content] = []
    if "confusion" in faults.plots and figures:
        accuracy = Figure(**figures["accuracy"])
        known = evaluation["fault_found"]
        right = (
            f" Of the anomalous ones, the likeliest fault is the right one in {figure_in_words(Figure(**known))}."
            if known
            else ""
        )
        parts += [
            tag(
                "p",
                f"A network learned to tell normal clips and the groups apart. Of {count(evaluation['test_clips'], 'clip')} of recordings "
                f"kept from its training, {figure_in_words(accuracy)} are put where the grouping put them; balanced over the classes, "
                f"{percent(figures['balanced_accuracy'])}.{right} The groups themselves were made from all recordings, and nobody has "
                f"said that they are the faults.",
            ),
            tag("h3", "What is taken for what"),
            confusion_table(evaluation["labels"], figures["confusion"]),
            tag(
                "p", frequent_confusions(evaluation["labels"], figures["confusion"]), class_="fine"
            ),
            class_table(figures["classes"]),
        ]
    cards = []
    if "probabilities" in faults.plots and faults.answers:
        cards.append(_sureness(faults))
    if "curves" in faults.plots:
        cards += _learning(faults)
    if not parts and not cards:
        return None
    return section(
        "diagnosis",
        "How well the groups are told apart",
        parts,
        gallery(cards),
    )


def figure_in_words(value: Figure) -> str:
    """Return a share with its interval, ``92 % (84 to 96 %)``."""
    return f"{percent(value.value or 0.0)} (95 % interval {interval(value, share=True)})"


def _sureness(faults: FaultInputs) -> Html:
    """Return how probable the network held its answers: right ones upwards, wrong ones downwards."""
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    heights = {}
    for right in (True, False):
        best = [
            max(one.probabilities) for one in faults.answers if (one.answer == one.label) == right
        ]
        heights[right] = np.histogram(best, edges)[0]
    scale = Axis.linear(
        -1.1 * max(int(heights[False].max()), 1),
        1.1 * max(int(heights[True].max()), 1),
        "clips",
        ticks=6,
        whole=True,
    )
    chart = Chart(
        Axis.linear(0.0, 1.0, "probability of the answer"),
        Axis(scale.low, scale.high, tuple((v, f"{abs(v):g}") for v, _ in scale.ticks), scale.label),
    )
    chart.bars(edges.tolist(), heights[True], "normal")
    chart.bars(edges.tolist(), -heights[False], "anomaly")
    n_right, n_wrong = (int(heights[one].sum()) for one in (True, False))
    return card(
        "How sure it was",
        chart.html(f"Probability of the answers: {n_right} right, {n_wrong} wrong"),
        legend(
            ("bar normal", f"right, {count(n_right, 'clip')}"),
            ("bar anomaly", f"wrong, {count(n_wrong, 'clip')}"),
        ),
        tag("p", "Wrong answers should lie on the left: then a low probability is a warning."),
    )


def _learning(faults: FaultInputs) -> list[Html]:
    training = faults.training
    best = training["best_epoch"]
    notes = {
        "loss": f"{count(training['clips'], 'clip')} taught, {count(training['held_out'], 'clip')} watched.",
        "accuracy": f"Before the first epoch it recognised {percent(training['accuracy_before'])} of the clips that taught.",
    }
    cards = []
    for name, note in notes.items():
        curves = {
            key: training["curves"][key]
            for key in (name, f"val_{name}")
            if key in training["curves"]
        }
        values = [value for curve in curves.values() for value in curve]
        epochs = len(training["curves"]["loss"])
        y = (
            Axis.linear(0.0, 1.05 * max(values), name, ticks=4)
            if name == "loss"
            else Axis(0.0, 1.02, _SHARES, "accuracy, %")
        )
        chart = Chart(Axis.linear(1, max(epochs, 2), "epoch", whole=True), y)
        entries = []
        for index, (key, curve) in enumerate(curves.items()):
            chart.line(range(1, len(curve) + 1), curve, f"s{index}")
            entries.append(
                (
                    f"line s{index}",
                    "recordings that watched"
                    if key.startswith("val_")
                    else "training, altered and mixed",
                )
            )
        chart.rule(best, "limit", f"kept: epoch {best}")
        cards.append(
            card(
                f"Learning: {name}",
                chart.html(
                    f"{name} over {count(epochs, 'epoch')}; the weights of epoch {best} are kept"
                ),
                legend(*entries),
                tag("p", note),
            )
        )
    return cards


def _plane(faults: FaultInputs) -> Chart | None:
    """Return an empty chart over the first two components; None if there is only one."""
    clips, shares = faults.groups.clips, faults.groups.explained_variance
    if len(shares) < 2:
        return None
    axes = []
    for axis, name in enumerate(("first", "second")):
        values = [clip.position[axis] for clip in clips]
        margin = 0.08 * (max(values) - min(values))
        axes.append(
            Axis.linear(
                min(values) - margin,
                max(values) + margin,
                f"{name} component ({percent(shares[axis])} of variance)",
            )
        )
    return Chart(*axes)


def _draw(chart: Chart, clips: Sequence[GroupedClip], style: str, faults: FaultInputs) -> None:
    chart.dots(
        [c.position[0] for c in clips],
        [c.position[1] for c in clips],
        style,
        [_title(clip, faults) for clip in clips],
    )


def _title(clip: GroupedClip, faults: FaultInputs) -> str:
    return f"{faults.groups.labels[clip.group - 1]} · {machine_name(clip.machine)} · {short(clip.path, 60)}"


def _entries(faults: FaultInputs) -> list[tuple[str, str]]:
    return [(f"dot {_style(index)}", label) for index, label in enumerate(faults.groups.labels)]


def _style(index: int) -> str:
    return f"s{index % MAX_STYLES}"
