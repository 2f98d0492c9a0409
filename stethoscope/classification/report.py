"""The report of a classifier of labelled sounds: one self-contained HTML file."""

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from stethoscope.classification.model import prepare
from stethoscope.classification.windows import draw
from stethoscope.datasets.alterations import alter
from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.clips import Clip
from stethoscope.detection.report.deviations import band_centres
from stethoscope.detection.report.listen import SAMPLE_RATE, flac_address, image_address
from stethoscope.errors import AudioError, DatasetError
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json, write_text
from stethoscope.report.charts import Axis, Chart, framed, frequency_axis, legend
from stethoscope.report.confusion import class_table, confusion_table, frequent_confusions
from stethoscope.report.html import Html, join, page, tag
from stethoscope.report.words import count, interval, percent, short
from stethoscope.sound.audio import Samples, resample
from stethoscope.sound.feature import load_for_feature
from stethoscope.sound.logmel import Frames, LogMel
from stethoscope.sound.planes import Planes, planes_of
from stethoscope.stats.figure import Figure

_MOST_MISTAKES = 12
_MOST_ALTERED = 2  # recordings whose altered versions are shown
_LOOKED_AT = 50  # clips among which one that shows masks is looked for
_DRAWS = 3  # windows shown as training hears them
_SECONDS = 10.0
_MAP = "magma"


@dataclass(frozen=True)
class Answer:
    """What was answered about a clip whose recording the network had not heard."""

    index: int
    fold: int
    truth: str
    answer: str
    probabilities: dict[str, float]


@dataclass(frozen=True)
class ClassInputs:
    """Everything that the sections read.

    Attributes
    ----------
    store : FeatureStore
    evaluation : dict
        The content of ``evaluation.json``.
    answers : list of Answer
    fit : dict
        How the delivered model was fitted.
    window : int
        Frames that it hears at once.
    training : dict
        The content of ``curves.json``.
    """

    store: FeatureStore
    evaluation: dict[str, Any]
    answers: list[Answer]
    fit: dict[str, Any]
    window: int
    training: dict[str, Any]

    @classmethod
    def read(
        cls,
        *,
        features: str | os.PathLike[str],
        model: str | os.PathLike[str],
        results: str | os.PathLike[str],
    ) -> Self:
        """Read the folders that the other steps left."""
        store = FeatureStore.open(features)
        evaluation = read_json(Path(results) / "evaluation.json")
        originals = {
            (clip.source, clip.path): index
            for index, clip in enumerate(store.clips)
            if not clip.augmentation
        }
        with (Path(results) / "answers.csv").open(newline="", encoding="utf-8") as file:
            answers = [
                Answer(
                    index=originals[row["source"], row["path"]],
                    fold=int(row["fold"]),
                    truth=row["label"],
                    answer=row["answer"],
                    probabilities={label: float(row[label]) for label in evaluation["labels"]},
                )
                for row in csv.DictReader(file)
            ]
        described = read_json(Path(model) / "model.json")
        training = read_json(Path(model) / "curves.json")
        return cls(store, evaluation, answers, described["fit"], int(described["window"]), training)


def write_class_report(
    path: str | os.PathLike[str],
    *,
    archives: Sequence[Path],
    features: str | os.PathLike[str],
    model: str | os.PathLike[str],
    results: str | os.PathLike[str],
) -> None:
    """Write the report of a classifier of labelled sounds.

    Parameters
    ----------
    path : path
        Written all or nothing.
    archives : sequence of Path
        Archives or folders of the recordings, for what can be played.
    features, model, results : path
        Feature store, model folder and folder of the cross-validation.
    """
    inputs = ClassInputs.read(features=features, model=model, results=results)
    mistakes = sorted(
        (one for one in inputs.answers if one.truth != one.answer),
        key=lambda one: -one.probabilities[one.answer],
    )
    altered = _altered_groups(inputs.store)
    wanted = [one.index for one in mistakes[:_MOST_MISTAKES]] + [group[0] for group in altered]
    sounds = _sounds(archives, inputs.store, wanted)
    sections = [
        ("classes", "Class by class", _by_class(inputs)),
        ("confusions", "What is taken for what", _confusions(inputs)),
        ("mistakes", "The most confident mistakes", _mistakes(inputs, mistakes, sounds)),
        ("altered", "More than was recorded", _more(inputs, altered, sounds)),
        ("learning", "Learning", _learning(inputs)),
        ("method", "How it was measured", _method(inputs)),
        ("skipped", "Recordings that could not be used", _skipped(inputs)),
    ]
    shown = [(key, title, content) for key, title, content in sections if content]
    body = [
        tag("section", tag("h2", title, id=key), content, aria_labelledby=key)
        for key, title, content in shown
    ]
    contents = tag(
        "nav", [tag("a", title, href=f"#{key}") for key, title, _ in shown], aria_label="Contents"
    )
    write_text(path, page("Classes of sound", _header(inputs, contents), tag("main", body)))


def _header(inputs: ClassInputs, contents: Html) -> Html:
    found = inputs.evaluation
    accuracy, labels = Figure(**found["accuracy"]), found["labels"]
    right = sum(one.truth == one.answer for one in inputs.answers)
    sources = ", ".join(sorted({clip.source for clip in inputs.store.clips} - {""}))
    lede = (
        f"{len(labels):,} classes, told apart by networks that had not heard the recordings they were asked about: "
        f"{len(found['folds'])} folds, no recording in two."
    )
    chance = max(one["clips"] for one in found["classes"]) / len(inputs.answers)
    tiles = [
        _tile(
            "Accuracy",
            percent(accuracy.value or 0.0),
            f"95 % interval {interval(accuracy, share=True)}",
        ),
        _tile(
            "Balanced accuracy", percent(found["balanced_accuracy"]), "mean recall of the classes"
        ),
        _tile("Macro F1", f"{found['macro_f1']:.3f}", "mean F1 of the classes"),
        _tile("Chance", percent(chance), "always answering the commonest class"),
    ]
    return tag(
        "header",
        tag(
            "p",
            " · ".join(filter(None, ["Sound classification", inputs.fit["network"], sources])),
            class_="over",
        ),
        tag("h1", f"{right:,} of {count(len(inputs.answers), 'clip')} recognised"),
        tag("p", lede, class_="lede"),
        tag("dl", tiles, class_="tiles"),
        contents,
    )


def _tile(name: str, value: str, below: str) -> Html:
    return tag(
        "div",
        tag("dt", name),
        tag("dd", value, class_="value"),
        tag("dd", below),
        class_="card tile",
    )


def _by_class(inputs: ClassInputs) -> Html:
    text = (
        "Precision: how many of the clips that were taken for the class belong to it. Recall: how many of its clips were recognised. "
        "Below each its 95 % interval, which says how much of it may be luck."
    )
    return join(tag("p", text), class_table(inputs.evaluation["classes"]))


def _confusions(inputs: ClassInputs) -> Html:
    labels, confusion = inputs.evaluation["labels"], inputs.evaluation["confusion"]
    return join(
        tag(
            "p",
            "Rows are what was heard, columns what was answered; the darker, the larger the share of the row.",
        ),
        confusion_table(labels, confusion),
        tag("p", frequent_confusions(labels, confusion)),
    )


def _mistakes(
    inputs: ClassInputs, mistakes: Sequence[Answer], sounds: Mapping[int, tuple[Samples, int]]
) -> Html:
    if not mistakes:
        return tag("p", "There were none: every clip was recognised.")
    shown = mistakes[:_MOST_MISTAKES]
    text = (
        "Listen to them first: a wrong label, two sounds in one clip or a class that is hard to draw a line around is heard at once. "
        f"{'All' if len(shown) == len(mistakes) else f'The {len(shown)} surest'} of {count(len(mistakes), 'mistake')}."
    )
    cards = []
    for one in shown:
        clip = inputs.store.clips[one.index]
        # Its own class is said already.
        others = sorted(
            (
                (p, label)
                for label, p in one.probabilities.items()
                if label not in (one.answer, one.truth)
            ),
            reverse=True,
        )[:1]
        rest = "".join(f", {_spoken(label)} {percent(p)}" for p, label in others if p >= 0.05)
        cards.append(
            tag(
                "article",
                tag(
                    "h3",
                    tag("span", f"Labelled {_spoken(one.truth)}"),
                    f"Taken for {_spoken(one.answer)}, {percent(one.probabilities[one.answer])} sure",
                ),
                tag("span", short(clip.path), class_="file", title=clip.path),
                tag(
                    "p",
                    f"Other answers: {_spoken(one.truth)} {percent(one.probabilities[one.truth])}{rest}.",
                ),
                _player(sounds.get(one.index), f"{_spoken(one.truth)}, {short(clip.path)}"),
                _picture(
                    inputs.store,
                    np.array(inputs.store.clip_frames(one.index)),
                    f"Spectrogram of {short(clip.path)}",
                ),
                class_="card clip",
            )
        )
    return join(tag("p", text), tag("div", cards, class_="gallery"))


def _more(
    inputs: ClassInputs, groups: Sequence[Sequence[int]], sounds: Mapping[int, tuple[Samples, int]]
) -> Html | str:
    fit, store = inputs.fit, inputs.store
    ways = [
        f"turned round in time by {_amount(float(fit['shift']))}" if fit["shift"] else "",
        f"masked in two bands and two stretches of time of up to {percent(fit['mask'])} each"
        if fit["mask"]
        else "",
        f"mixed in pairs (mixup, beta distribution of {fit['mixup']:g})" if fit["mixup"] else "",
    ]
    ways = [way for way in ways if way]
    if not ways and not groups:
        return ""
    parts: list[Html] = []
    if groups:
        text = (
            "Altered versions that were trained on beside what was recorded. They stay in the fold of their recording, and nobody is "
            "asked about them."
        )
        parts.append(tag("p", text))
        for group in groups:
            cards = [_altered_card(store, group[0], index, sounds.get(group[0])) for index in group]
            parts.append(tag("div", cards, class_="gallery"))
    if ways:
        text = f"While training, clips are {', '.join(ways[:-1])}{' and ' if len(ways) > 1 else ''}{ways[-1]}, anew in every epoch."
        parts.append(tag("p", text))
        if fit["shift"] or fit["mask"]:
            parts.append(
                tag(
                    "div",
                    _drawn_cards(
                        inputs, _fullest(store, [one.index for one in inputs.answers[:_LOOKED_AT]])
                    ),
                    class_="gallery",
                )
            )
    return join(*parts)


def _amount(share: float) -> str:
    return "any amount" if share == 1 else f"up to {percent(share)} of their length"


def _fullest(store: FeatureStore, indices: Sequence[int]) -> int:
    """Return the clip with the least silence in it: a mask over silence shows nothing."""
    return max(
        indices,
        key=lambda index: float(
            np.mean(store.clip_frames(index)) - np.max(store.clip_frames(index))
        ),
    )


def _altered_card(
    store: FeatureStore, original: int, index: int, sound: tuple[Samples, int] | None
) -> Html:
    clip = store.clips[index]
    rate = store.n_frames[original] / store.n_frames[index]
    name = clip.augmentation or "as recorded"
    drawn = f", here {rate:.2f}" if clip.augmentation.startswith("stretch") and rate != 1 else ""
    heard = sound and (alter(sound[0], clip), sound[1])
    return tag(
        "article",
        tag("h3", tag("span", _spoken(clip.label)), name + drawn),
        tag("span", short(clip.path), class_="file", title=clip.path),
        _player(heard, f"{clip.path}, {name}"),
        _picture(
            store, np.array(store.clip_frames(index)), f"Spectrogram of {short(clip.path)}, {name}"
        ),
        class_="card clip",
    )


def _drawn_cards(inputs: ClassInputs, index: int) -> list[Html]:
    """Return windows of one clip as an epoch of training hears them."""
    store, fit = inputs.store, inputs.fit
    frames = prepare(store.clip_frames(index), store.feature)
    rng = np.random.default_rng(fit["seed"])
    cards = []
    for number in range(_DRAWS):
        drawn = draw(
            frames,
            inputs.window,
            shift=float(fit["shift"]),
            masked=float(fit["mask"]),
            fill=frames.mean(axis=0),
            planes=planes_of(store.feature),
            rng=rng,
        )
        name = f"Epoch {number + 1}"
        cards.append(
            tag(
                "article",
                tag("h3", tag("span", _spoken(store.clips[index].label)), name),
                _picture(store, drawn, f"{name}: as training hears it"),
                class_="card clip",
            )
        )
    return cards


def _learning(inputs: ClassInputs) -> Html:
    training = inputs.training
    curves, best = training["curves"], training["best_epoch"]
    watched = "val_loss" in curves
    charts = []
    for name, text in (("loss", "Loss"), ("accuracy", "Accuracy")):
        drawn = [curves[name], *([curves[f"val_{name}"]] if watched else [])]
        every = [value for curve in drawn for value in curve]
        epochs = range(1, len(curves[name]) + 1)
        low, high = (0.0, 1.0) if name == "accuracy" else (min(0.0, *every), max(every))
        chart = Chart(
            Axis.linear(1, len(curves[name]), "epoch", whole=True),
            Axis.linear(low, high, text.lower()),
        )
        for curve, style in zip(drawn, ("s0", "s1"), strict=False):
            chart.line(epochs, curve, style)
        if watched:
            chart.rule(best, "limit", "kept")
        charts.append(
            tag(
                "figure",
                tag("figcaption", text),
                chart.html(f"{text} over the epochs"),
                class_="card",
            )
        )
    watching = (
        f" {count(training['held_out'], 'clip')} watched; the weights of epoch {best}, of the lowest loss on them, are kept."
        if watched
        else ""
    )
    text = (
        f"The model that is delivered was trained on {count(training['clips'], 'clip')} in {training['seconds']:.0f} s. Before the first "
        f"epoch it recognised {percent(training['accuracy_before'])} of them.{watching}"
    )
    hard = "Mixed and masked clips are harder than clips as they are: accuracy while training lies below that on the same clips afterwards."
    entries = legend(("line s0", "training"), ("line s1", "watching")) if watched else ""
    hint = tag("p", hard, class_="fine") if inputs.fit["mixup"] or inputs.fit["mask"] else ""
    return join(tag("p", text), entries, tag("div", charts, class_="gallery wide"), hint)


def _method(inputs: ClassInputs) -> Html:
    found = inputs.evaluation
    text = (
        f"{len(found['folds'])} networks were trained, each on all folds but one, and each was asked about the fold that it had not heard: "
        f"{found['seconds']:.0f} s in all. A recording, with all its slices and altered versions, lies in one fold. The model that is "
        "delivered is trained after that, in the same way and with the same seed, on all folds. It has not been asked itself, for there is "
        "nothing left that it has not heard: the figures are those of the networks above, which learned from less."
    )
    rows = [
        tag(
            "tr",
            tag("th", str(one["fold"])),
            tag("td", f"{one['clips']:,}"),
            tag("td", percent(one["accuracy"])),
        )
        for one in found["folds"]
    ]
    table = tag(
        "table",
        tag("thead", tag("tr", [tag("th", name) for name in ("Fold", "Clips asked", "Accuracy")])),
        tag("tbody", rows),
        class_="narrow",
    )
    settings = ", ".join(
        f"{name} {_value(value)}"
        for name, value in inputs.fit.items()
        if name not in ("verbose", "window")
    )
    seconds = inputs.window * inputs.store.feature.hop_length / inputs.store.feature.sample_rate
    heard = (
        f"Heard at {inputs.store.feature.sample_rate / 1000:g} kHz, {planes_of(inputs.store.feature)} channel(s), "
        f"{inputs.window} frames ({seconds:.2f} s) at once. {settings[0].upper()}{settings[1:]}."
    )
    return join(
        tag("p", text),
        tag("div", table, class_="scroll fit", tabindex="0"),
        tag("p", heard, class_="fine"),
    )


def _skipped(inputs: ClassInputs) -> Html | str:
    skipped = inputs.evaluation["skipped"]
    return (
        tag("ul", [tag("li", one["reason"]) for one in skipped], class_="notes") if skipped else ""
    )


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _spoken(label: str) -> str:
    return label.replace("_", " ")


def _altered_groups(store: FeatureStore) -> list[list[int]]:
    """Return, of a few recordings of different classes, the clip as it came and its altered
    versions.
    """
    groups: dict[tuple[str, str, float], list[int]] = {}
    for index, clip in enumerate(store.clips):
        groups.setdefault((clip.source, clip.path, clip.start), []).append(index)
    chosen: dict[str, list[int]] = {}
    for group in groups.values():
        if len(group) > 1 and not store.clips[group[0]].augmentation:
            chosen.setdefault(store.clips[group[0]].label, group)
    return list(chosen.values())[:_MOST_ALTERED]


def _player(sound: tuple[Samples, int] | None, name: str) -> Html:
    if sound is None:
        return tag("p", "The recording itself is not included.", class_="soft")
    samples, rate = sound
    loudest = float(np.abs(samples).max(initial=0.0)) or 1.0
    channels = np.atleast_2d(samples)[:, : round(_SECONDS * rate)] * np.float32(0.9 / loudest)
    if rate > SAMPLE_RATE:
        channels, rate = (
            np.stack([resample(channel, rate, SAMPLE_RATE) for channel in channels]),
            SAMPLE_RATE,
        )
    return tag(
        "audio",
        controls=True,
        preload="metadata",
        src=flac_address(channels.T, rate),
        aria_label=f"Recording {name}",
    )


def _picture(store: FeatureStore, frames: Frames, name: str) -> Html:
    """Return the picture of the first channel, as long as what is played."""
    feature = store.feature
    of = feature.of if isinstance(feature, Planes) else feature
    step = feature.hop_length / feature.sample_rate
    heard = frames[: round(_SECONDS / step) + 1, : of.size]
    quiet, loud = np.percentile(heard, [3, 99.7])
    picture = image_address((heard - quiet) / max(float(loud - quiet), 1e-6), _MAP)
    values = (
        frequency_axis(band_centres(of))
        if isinstance(of, LogMel)
        else Axis.linear(0, of.size, "coefficient", ticks=4)
    )
    return framed(
        tag("img", src=picture, alt=""),
        Axis.linear(0, max(len(heard) - 1, 1) * step, "s", ticks=5),
        values,
        name,
    )


def _sounds(
    archives: Sequence[Path], store: FeatureStore, indices: Iterable[int]
) -> dict[int, tuple[Samples, int]]:
    """Return clips as the feature takes them, each with its rate; what cannot be read again is left
    out.
    """
    wanted: dict[str, dict[str, list[int]]] = {}
    for index in dict.fromkeys(indices):
        clip = store.clips[index]
        wanted.setdefault(clip.source, {}).setdefault(clip.path, []).append(index)
    sounds: dict[int, tuple[Samples, int]] = {}
    for path in archives:
        if path.name not in wanted:
            continue
        with open_archive(path) as archive:
            for name, content in archive.stream(list(wanted[path.name])):
                if isinstance(content, DatasetError):
                    continue
                try:
                    samples = load_for_feature(content, store.feature, name=name)
                except AudioError:
                    continue
                for index in wanted[path.name][name]:
                    sounds[index] = (
                        _cut(samples, store.clips[index], store.feature.sample_rate),
                        store.feature.sample_rate,
                    )
    return sounds


def _cut(samples: Samples, clip: Clip, rate: int) -> Samples:
    return samples[..., round(clip.start * rate) : round(clip.end * rate) or samples.shape[-1]]
