"""The report of an event detector: one self-contained HTML file."""

import csv
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.clips import read_clips
from stethoscope.detection.report.listen import flac_address, image_address
from stethoscope.errors import AudioError, DatasetError
from stethoscope.events.model import EventDetector
from stethoscope.events.options import read_fit
from stethoscope.events.windows import LabelledWindows
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json, write_text
from stethoscope.report.charts import Axis, Chart, framed, legend
from stethoscope.report.html import Html, page, tag
from stethoscope.sound.audio import load

_SECONDS = 15.0
_MOST_RECORDINGS = 6
_MAP = "magma"
_FOUND = 1.08  # where found events are drawn, above the scores


def write_event_report(
    path: str | os.PathLike[str],
    *,
    archives: Sequence[Path],
    features: str | os.PathLike[str],
    clips: str | os.PathLike[str],
    model: str | os.PathLike[str],
    results: str | os.PathLike[str],
) -> None:
    """Write the report of an event detector.

    Parameters
    ----------
    path : path
        Written all or nothing.
    archives : sequence of Path
        Archives or folders of the recordings, for what can be played.
    features, clips, model, results : path
        Feature store, table of clips, model folder and folder of the evaluation.
    """
    store, model = FeatureStore.open(features), Path(model)
    evaluation = read_json(Path(results) / "evaluation.json")
    described, detector = read_json(model / "model.json"), EventDetector.open(model)
    windows = LabelledWindows.cut(store, read_clips(clips), read_fit(described))
    title = f"Events: {', '.join(detector.labels)}"
    events = evaluation["networks"]["float"]["test"]["events"]
    verdict = (
        f"{events['hits']} of {events['hits'] + events['missed']} events of the test recordings were found, start and end within "
        f"{evaluation['tolerance']:g} s; {events['false_events']} false in {events['hours'] * 60:.1f} minutes."
    )
    body = [
        _figures(evaluation, detector),
        _recordings(
            archives,
            store,
            windows,
            detector,
            _rows(Path(results) / "windows.csv"),
            _rows(Path(results) / "events.csv"),
        ),
        _learning(read_json(model / "curves.json")),
        _inside(store, windows, detector, model),
        _skipped(evaluation["skipped"]),
    ]
    head = tag(
        "header",
        tag("p", "Event detection", class_="over"),
        tag("h1", title),
        tag("p", verdict, class_="lede"),
    )
    write_text(path, page(title, head, tag("main", [part for part in body if part])))


def _figures(evaluation: Mapping[str, Any], detector: EventDetector) -> Html:
    columns = [
        (network, part) for network in evaluation["networks"] for part in ("validation", "test")
    ]
    rows = [
        ("Windows: AUC", "windows", "auc", "{:.3f}"),
        ("Windows: average precision", "windows", "ap", "{:.3f}"),
        ("Windows: accuracy", "windows", "accuracy", "{:.3f}"),
        ("Windows: loss", "windows", "loss", "{:.3f}"),
        ("Windows: true positives", "windows", "true_positives", "{}"),
        ("Windows: false positives", "windows", "false_positives", "{}"),
        ("Windows: true negatives", "windows", "true_negatives", "{}"),
        ("Windows: false negatives", "windows", "false_negatives", "{}"),
        ("Events: precision", "events", "precision", "{:.3f}"),
        ("Events: recall", "events", "recall", "{:.3f}"),
        ("Events: F1", "events", "f1", "{:.3f}"),
        ("Events: false per hour", "events", "false_per_hour", "{:.1f}"),
        ("Events: delay, s", "events", "delay", "{:.2f}"),
    ]

    def cell(network: str, part: str, kind: str, name: str, form: str) -> str:
        value = evaluation["networks"][network][part][kind][name]
        return "n/a" if value is None else form.format(value)

    table = tag(
        "table",
        tag(
            "thead",
            tag(
                "tr", tag("th", ""), [tag("th", f"{network}, {part}") for network, part in columns]
            ),
        ),
        tag(
            "tbody",
            [
                tag(
                    "tr",
                    tag("th", text),
                    [tag("td", cell(n, p, kind, name, form)) for n, p in columns],
                )
                for text, kind, name, form in rows
            ],
        ),
    )
    decoder, step = detector.decoder, detector.stride_seconds
    lengths = [
        decoder.length * math.exp(sign * 2 * decoder.spread) * step + detector.window_seconds
        for sign in (-1, 1)
    ]
    rule = (
        f"A window counts as inside an event if it lies wholly inside, from its first to its last sample. Scores above "
        f"{detector.threshold:.2f} (int8: {evaluation['networks']['int8']['threshold']:.2f}) speak for an event. Events are what explains "
        f"the scores best, if one is expected every {decoder.interval * step:.0f} s, mostly {lengths[0]:.1f} to {lengths[1]:.1f} s long."
    )
    return tag(
        "section",
        tag("h2", "Figures"),
        tag("p", rule),
        tag("div", table, class_="scroll", tabindex="0"),
    )


def _recordings(
    archives: Sequence[Path],
    store: FeatureStore,
    windows: LabelledWindows,
    detector: EventDetector,
    scored: Sequence[Mapping[str, str]],
    events: Sequence[Mapping[str, str]],
) -> Html:
    """Show test recordings: what is heard, what is labelled, what the detector answers."""
    tested = list(dict.fromkeys(int(clip) for clip in windows.clip[windows.of("test")]))
    wrong = {
        clip: sum(
            row["path"] == store.clips[clip].path and row["outcome"] != "hit" for row in events
        )
        for clip in tested
    }
    shown = sorted(tested, key=lambda clip: -wrong[clip])[:_MOST_RECORDINGS]
    sounds = _sounds(archives, store, shown, detector)
    cards = []
    for clip in shown:
        name = store.clips[clip].path
        mine = [row for row in scored if row["path"] == name]
        start = float(mine[0]["start"])
        end = min(start + _SECONDS, float(mine[-1]["start"]) + detector.window_seconds)
        time = Axis.linear(start, end, "s", ticks=8)
        cards.append(
            tag(
                "article",
                tag("h3", name.rpartition("/")[2]),
                tag(
                    "p",
                    f"{wrong[clip]} event(s) missed or false in the whole recording."
                    if wrong[clip]
                    else "All events found, none false.",
                ),
                tag(
                    "div",
                    tag("audio", controls=True, preload="metadata", src=sounds[clip])
                    if clip in sounds
                    else "",
                    _spectrogram(store, clip, detector, time),
                    class_="clip",
                ),
                _over_time(mine, windows.intervals[clip], _found(events, name), detector, time),
                class_="card",
            )
        )
    entries = legend(
        ("bar s0 pale", "labelled"),
        ("line s2", "found"),
        ("line s1", "score"),
        ("line limit", "threshold"),
    )
    heading = tag("h2", "Recordings that were not trained on")
    lead = tag(
        "p", f"Those with the most errors come first; the first {_SECONDS:g} s of each are shown."
    )
    return tag("section", heading, lead, entries, tag("div", cards, class_="gallery wide"))


def _spectrogram(store: FeatureStore, clip: int, detector: EventDetector, time: Axis) -> Html:
    feature = detector.feature
    step = feature.hop_length / feature.sample_rate
    frames = np.array(store.clip_frames(clip)[int(time.low / step) : int(time.high / step)])
    quiet, loud = np.percentile(frames, [3, 99.7])
    highest = feature.n_bands * feature.sample_rate / feature.n_fft / 1000
    picture = image_address((frames - quiet) / max(loud - quiet, 1e-6), _MAP)
    return framed(
        tag("img", src=picture, alt=""),
        time,
        Axis.linear(0, highest, "kHz", ticks=3),
        "Band spectrum",
    )


def _found(events: Sequence[Mapping[str, str]], name: str) -> list[tuple[float, float]]:
    return [
        (float(row["start"]), float(row["end"]))
        for row in events
        if row["path"] == name and row["outcome"] != "missed"
    ]


def _over_time(
    mine: Sequence[Mapping[str, str]],
    intervals: Sequence[tuple[float, float]],
    found: Sequence[tuple[float, float]],
    detector: EventDetector,
    time: Axis,
) -> Html:
    scale = Axis.linear(0, 1, "score", ticks=3)
    chart = Chart(time, replace(scale, high=1.15))
    for a, b in intervals:
        if b > time.low and a < time.high:
            chart.area([max(a, time.low), min(b, time.high)], [0, 0], [1, 1], "s0")
    scores = np.array([float(row["float"]) for row in mine], dtype=np.float32)
    middles = np.array([float(row["start"]) for row in mine]) + detector.window_seconds / 2
    seen = middles <= time.high
    chart.line(middles[seen], scores[seen], "s1")
    for a, b in found:
        if b > time.low and a < time.high:
            chart.line([max(a, time.low), min(b, time.high)], [_FOUND, _FOUND], "s2")
    chart.line([time.low, time.high], [detector.threshold] * 2, "limit")
    return chart.html(
        "Scores of the windows over time, with the labelled events behind them and the found ones above them"
    )


def _learning(told: Mapping[str, Any]) -> Html:
    curves, best = told["curves"], told["best_epoch"]
    charts = []
    for name, text in (("loss", "Loss"), ("accuracy", "Accuracy")):
        both = [*curves[name], *curves[f"val_{name}"]]
        chart = Chart(
            Axis.linear(1, len(curves[name]), "epoch", whole=True),
            Axis.linear(min(both), max(both), text.lower()),
        )
        epochs = range(1, len(curves[name]) + 1)
        chart.line(epochs, curves[name], "s0")
        chart.line(epochs, curves[f"val_{name}"], "s1")
        chart.rule(best, "limit", "kept")
        charts.append(
            tag(
                "figure",
                tag("figcaption", text),
                chart.html(f"{text} over the epochs"),
                class_="card",
            )
        )
    entries = legend(
        ("line s0", "training"), ("line s1", "validation"), ("line limit", "weights that are kept")
    )
    return tag("section", tag("h2", "Learning"), entries, tag("div", charts, class_="gallery"))


def _inside(
    store: FeatureStore, windows: LabelledWindows, detector: EventDetector, model: Path
) -> Html:
    """Show the first window inside an event, and what the first layer's filters look for."""
    feature = detector.feature
    highest = feature.n_bands * feature.sample_rate / feature.n_fft / 1000
    frequency = Axis.linear(0, highest, "kHz", ticks=3)
    first = windows.of("training")[np.flatnonzero(windows.label[windows.of("training")] > 0)[0]]
    window = windows.gather(store, np.array([first]), detector.window)[0]
    begins = float(windows.first[first]) * feature.hop_length / feature.sample_rate
    low, high = float(window.min()), float(window.max())
    time = Axis.linear(begins, begins + detector.window_seconds, "s", ticks=4)
    pictures = [
        tag(
            "figure",
            tag("figcaption", "First window inside an event"),
            tag("p", store.clips[int(windows.clip[first])].path),
            framed(
                tag("img", src=image_address((window - low) / max(high - low, 1e-6), _MAP), alt=""),
                time,
                frequency,
                "Band spectrum",
            ),
            class_="card clip",
        )
    ]
    kernel: npt.NDArray[np.float32] = np.load(model / "first_layer.npy")
    most = float(np.abs(kernel).max()) or 1.0
    offsets = Axis(
        -0.5, len(kernel) - 0.5, tuple((index, str(index)) for index in range(len(kernel))), "frame"
    )
    pictures += [
        tag(
            "figure",
            tag("figcaption", f"Filter {index + 1}"),
            framed(
                tag(
                    "img",
                    src=image_address(0.5 + kernel[:, :, index] / (2 * most), "RdBu_r"),
                    alt="",
                ),
                offsets,
                frequency,
                "Weights",
            ),
            class_="card clip",
        )
        for index in range(min(kernel.shape[2], 16))
    ]
    text = "Filters of the first layer: red bands speak for what the filter looks for, blue ones against it."
    return tag(
        "section",
        tag("h2", "What the network sees"),
        tag("p", text),
        tag("div", pictures, class_="gallery"),
    )


def _skipped(skipped: Sequence[Mapping[str, str]]) -> Html | str:
    if not skipped:
        return ""
    return tag(
        "section",
        tag("h2", "Recordings that could not be used"),
        tag("ul", [tag("li", one["reason"]) for one in skipped], class_="notes"),
    )


def _sounds(
    archives: Sequence[Path], store: FeatureStore, shown: Sequence[int], detector: EventDetector
) -> dict[int, str]:
    """Return the beginning of recordings as data addresses."""
    wanted = {(store.clips[clip].source, store.clips[clip].path): clip for clip in shown}
    sounds = {}
    for path in archives:
        names = [name for source, name in wanted if source == path.name]
        if not names:
            continue
        with open_archive(path) as archive:
            for name, content in archive.stream(names):
                if isinstance(content, DatasetError):
                    continue
                try:
                    samples, rate = load(
                        content,
                        sample_rate=detector.feature.sample_rate,
                        channel=detector.feature.channel,
                        name=name,
                    )
                except AudioError:
                    continue
                loudest = float(np.abs(samples).max()) or 1.0
                sounds[wanted[path.name, name]] = flac_address(
                    samples[: round(_SECONDS * rate)] * np.float32(0.9 / loudest), rate
                )
    return sounds


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
