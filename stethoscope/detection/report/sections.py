"""The parts of the report, from top to bottom: each takes the inputs and returns its section."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stethoscope import __version__
from stethoscope.detection.metrics import MachineFigures, Summary
from stethoscope.detection.report import plots
from stethoscope.detection.report.choice import Group
from stethoscope.detection.report.deviations import Profile
from stethoscope.detection.report.inputs import Inputs, machine_name
from stethoscope.report.html import Content, Html, join, tag
from stethoscope.report.words import (
    count,
    figure,
    found,
    interval,
    number,
    percent,
    separation,
    short,
)
from stethoscope.stats.figure import Figure

MAX_SKIPPED = 200
"""Most skipped recordings that are listed by name."""

MAX_CARDS = 9
"""Most charts of a section that are seen without unfolding it."""

MAX_CHARTS = 60
"""Most machines, or machine types, that a section draws charts of; of more, those of lowest AUC."""

MAX_VERDICTS = 12
"""Most machines with a verdict of their own in words; of more, those of lowest AUC are shown."""


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading that the table of contents points at."""

    key: str
    title: str
    html: Html


def section(key: str, title: str, *contents: Content) -> Section:
    """Return a section."""
    return Section(
        key, title, tag("section", tag("h2", title, id=key), *contents, aria_labelledby=key)
    )


def headline(inputs: Inputs) -> str:
    """Return the verdict in one sentence."""
    machines = list(inputs.by_machine)
    verdict = found(inputs.scored)
    return f"{machine_name(machines[0])}: {verdict}" if len(machines) == 1 else verdict


def header(inputs: Inputs, contents: Iterable[Section]) -> Html:
    """Return the verdict, the figures that matter, and the table of contents."""
    machines = list(inputs.by_machine)
    sources = sorted({clip.source for clip in inputs.scored} - {""})
    named = ", ".join(sources[:3]) + (f" and {len(sources) - 3} more" if len(sources) > 3 else "")
    subject = (
        ", ".join(machine_name(machine) for machine in machines)
        if len(machines) <= 4
        else count(len(machines), "machine")
    )
    return tag(
        "header",
        tag(
            "p",
            " · ".join(
                filter(None, ["Listening report", subject, str(inputs.model["kind"]), named])
            ),
            class_="over",
        ),
        tag("h1", headline(inputs)),
        tag("p", _lede(inputs), class_="lede"),
        tag("dl", _tiles(inputs), class_="tiles"),
        tag(
            "nav",
            [tag("a", one.title, href=f"#{one.key}") for one in contents],
            aria_label="Contents",
        ),
    )


def _lede(inputs: Inputs) -> str:
    overall, wanted = inputs.overall, inputs.thresholds.false_alarm_rate
    sentences = []
    if overall.auc.value is not None:
        across = "" if len(overall.machines) == 1 else ", averaged over the machines"
        sentences.append(
            f"Normal and anomalous clips are {separation(overall.auc)}: of a normal and an anomalous clip, the anomalous one "
            f"gets the higher score in {percent(overall.auc.value)} of all pairs{across}."
            if (overall.auc.low or 0) > 0.5
            else f"The ranking is {separation(overall.auc)} (AUC {overall.auc.value:.3f}, 95 % interval {interval(overall.auc)})."
        )
    else:
        sentences.append(
            f"How well normal and anomalous clips are told apart cannot be measured: {_why(overall)} in the test part."
        )
    rate = overall.false_alarm_rate
    if rate.value is None:
        sentences.append(
            f"Thresholds are set so that {percent(wanted)} of normal clips raise a false alarm; no normal test clip can confirm it."
        )
    else:
        sentences.append(
            f"Thresholds are set so that {percent(wanted)} of normal clips raise a false alarm; on the test clips {percent(rate.value)} did"
            f"{_against(wanted, rate)}."
        )
    return " ".join(sentences)


def _against(wanted: float, measured: Figure) -> str:
    """Return whether a rate differs from the wanted one by more than chance."""
    if measured.low is not None and wanted < measured.low:
        return ", which chance does not explain: too few normal clips stand behind the thresholds, or normal sounds otherwise in the test part"
    if measured.high is not None and wanted > measured.high:
        return ", fewer than chance explains"
    return ""


def _why(summary: Summary) -> str:
    """Return why no AUC could be computed for any machine."""
    reasons = {one.auc.reason for one in summary.machines}
    return reasons.pop() if len(reasons) == 1 else summary.auc.reason


def _tiles(inputs: Inputs) -> list[Html]:
    overall = inputs.overall
    anomalous = sum(one.n_anomaly for one in overall.machines)
    normal = sum(one.n_normal for one in overall.machines)
    hits = sum(clip.decision for clip in inputs.scored if clip.condition == "anomaly")
    alarms = sum(clip.decision for clip in inputs.scored if clip.condition == "normal")
    mean = "mean over machines, " if len(overall.machines) > 1 else ""
    tiles = [
        _tile(
            "Anomalies found",
            f"{hits:,}",
            f"of {anomalous:,}",
            f"{count(anomalous - hits, 'anomalous clip')} missed",
        )
        if anomalous
        else _tile("Anomalies found", "n/a", "", "no anomalous test clips"),
        _tile(
            "False alarms",
            f"{alarms:,}",
            f"in {normal:,}",
            f"{percent(overall.false_alarm_rate.value or 0.0)} (95 % interval {interval(overall.false_alarm_rate, share=True)}); "
            f"{percent(inputs.thresholds.false_alarm_rate)} wanted",
        )
        if normal
        else _tile("False alarms", "n/a", "", "no normal test clips"),
    ]
    for name, value in (
        ("AUC", overall.auc),
        (f"pAUC up to {percent(inputs.max_fpr)} false alarms", overall.pauc),
    ):
        if value.value is None:
            tiles.append(_tile(name, "n/a", "", _why(overall)))
        else:
            tiles.append(
                _tile(
                    name,
                    f"{value.value:.3f}",
                    "",
                    f"{mean}95 % interval {interval(value)}; 0.5 is chance, 1 perfect",
                )
            )
    return tiles


def _tile(name: str, value: str, beside: str, below: str) -> Html:
    shown = tag("dd", value, tag("small", f" {beside}") if beside else "", class_="value")
    return tag("div", tag("dt", name), shown, tag("dd", below), class_="card tile")


def machines(inputs: Inputs) -> Section:
    """Return the verdict per machine in words and bars, and the table of figures."""
    overall = inputs.overall
    figures = {one.machine: one for one in overall.machines}
    shown = inputs.worst_first[:MAX_VERDICTS]
    left_out = len(figures) - len(shown)
    parts: list[Content] = [
        tag(
            "ul",
            [_verdict(inputs, figures[machine]) for machine in sorted(shown)],
            class_="verdicts",
        )
        if len(figures) > 1
        else "",
        tag(
            "p",
            f"Shown are the {len(shown)} machines of lowest AUC; the other {left_out} are in the table.",
            class_="soft",
        )
        if left_out
        else "",
        tag("h3", "Figures") if len(figures) > 1 else "",
        _figures_table(inputs),
        tag(
            "p",
            f"AUC: share of pairs of a normal and an anomalous clip that are ranked rightly. pAUC: the same where at most "
            f"{percent(inputs.max_fpr)} of normal clips raise a false alarm, scaled so that 0.5 is chance. Precision: share of alarms "
            f"that are anomalies. Recall: share of anomalies that raise an alarm. Small print gives 95 % intervals, by bootstrap for "
            f"AUC and pAUC and by Wilson's formula for shares. A threshold comes from the scores of normal clips kept from training; "
            f"pooled means those of all machines of the type.",
            class_="fine",
        ),
    ]
    return section("machines", "Machine by machine" if len(figures) > 1 else "Figures", *parts)


def _verdict(inputs: Inputs, figures: MachineFigures) -> Html:
    clips = inputs.by_machine[figures.machine]
    worst = inputs.is_worst(figures.machine)
    apart = separation(figures.auc)
    wanted = inputs.thresholds.false_alarm_rate
    return tag(
        "li",
        tag(
            "div",
            tag("strong", machine_name(figures.machine)),
            join(" ", tag("span", "lowest AUC", class_="badge anomaly")) if worst else "",
            tag("small", found(clips) + (f"; {apart}" if apart else "")),
        ),
        _meter(figures.recall, "anomaly", "anomalies found"),
        _meter(
            figures.false_alarm_rate, "normal", f"false alarms, {percent(wanted)} wanted", wanted
        ),
    )


def _meter(share: Figure, style: str, words: str, wanted: float | None = None) -> Html:
    """Return a share as a bar, with a mark where it should end."""
    if share.value is None:
        return tag(
            "div", tag("span", class_="meter none"), tag("small", f"{words}: n/a", class_="soft")
        )
    mark = "" if wanted is None else tag("b", style=f"left:{100 * wanted:.1f}%")
    bar = tag(
        "span",
        tag("i", style=f"width:{100 * share.value:.1f}%"),
        mark,
        class_=f"meter {style}",
        aria_hidden="true",
    )
    return tag("div", bar, tag("small", f"{percent(share.value)} {words}"))


def _figures_table(inputs: Inputs) -> Html:
    overall = inputs.overall
    head = (
        "Machine",
        "Clips",
        "AUC",
        "pAUC",
        "Precision",
        "Recall",
        "F1",
        "False-alarm rate",
        "Threshold",
    )
    rows = [
        [*_figure_cells(inputs, one), _threshold(inputs, one.machine)] for one in overall.machines
    ]
    foot = []
    if len(rows) > 1:
        rest: list[Content] = ["", "", ""]
        foot = [
            [
                "Arithmetic mean",
                "",
                _area(overall.auc),
                _area(overall.pauc),
                *rest,
                figure(overall.false_alarm_rate, share=True),
                "",
            ],
            [
                "Harmonic mean",
                "",
                _area(overall.harmonic_auc),
                _area(overall.harmonic_pauc),
                *rest,
                "",
                "",
            ],
        ]
    return table(head, rows, foot, caption="Figures per machine")


def _figure_cells(inputs: Inputs, one: MachineFigures) -> list[Content]:
    worst = inputs.is_worst(one.machine)
    clips = [
        f"{one.n_normal} normal",
        tag("small", f"{one.n_anomaly} anomalous"),
        tag("small", f"{one.n_unknown} unknown") if one.n_unknown else "",
    ]
    return [
        join(
            machine_name(one.machine),
            tag("small", tag("span", "lowest AUC", class_="badge anomaly")) if worst else "",
        ),
        clips,
        _area(one.auc),
        _area(one.pauc),
        figure(one.precision, share=True),
        figure(one.recall, share=True),
        figure(one.f1),
        figure(one.false_alarm_rate, share=True),
    ]


def _area(value: Figure) -> Html:
    """Return an AUC with its interval drawn on a line from 0 to 1, with chance in the middle."""
    text = figure(value)
    if value.value is None or value.low is None or value.high is None:
        return text
    left, at, right = (100 * one for one in (value.low, value.value, value.high))
    drawn = [
        tag("i", style=f"left:{left:.1f}%;width:{right - left:.1f}%"),
        tag("b", style=f"left:{at:.1f}%"),
    ]
    return join(text, tag("span", drawn, class_="range", aria_hidden="true"))


def _threshold(inputs: Inputs, machine: str) -> Html:
    threshold = inputs.thresholds.of(machine)
    basis = f"from {count(threshold.n_clips, 'clip')}{', pooled' if threshold.pooled else ''}"
    return join(number(threshold.value), tag("small", basis))


_BREAKDOWNS = {
    "machine_type": ("By machine type", "Machine type"),
    "snr_db": ("By signal-to-noise ratio", "SNR"),
    "domain": ("By domain", "Domain"),
}


def breakdowns(inputs: Inputs) -> Section | None:
    """Return tables of means by machine type, SNR and domain, where the clips have more than one of
    them.
    """
    if not inputs.breakdowns:
        return None
    head = (
        "Machines",
        "Clips",
        "AUC, mean",
        "pAUC, mean",
        "AUC, harmonic",
        "Lowest AUC",
        "False-alarm rate",
    )
    parts: list[Content] = []
    for name, values in inputs.breakdowns.items():
        title, first = _BREAKDOWNS.get(name, (f"By {name}", name))
        rows = [
            [f"{number(float(value))} dB" if name == "snr_db" else value, *_mean_cells(summary)]
            for value, summary in values.items()
        ]
        parts += [tag("h3", title), table((first, *head), rows, caption=title)]
    return section("breakdowns", "Where it works, and where it does not", *parts)


def _mean_cells(summary: Summary) -> list[Content]:
    normal, anomalous = (
        sum(getattr(one, name) for one in summary.machines) for name in ("n_normal", "n_anomaly")
    )
    worst = next((one for one in summary.machines if one.machine == summary.worst_machine), None)
    return [
        str(len(summary.machines)),
        join(f"{normal:,} normal", tag("small", f"{anomalous:,} anomalous")),
        _area(summary.auc),
        _area(summary.pauc),
        figure(summary.harmonic_auc),
        join(f"{worst.auc.value:.3f}", tag("small", machine_name(worst.machine)))
        if worst
        else figure(summary.auc),
        figure(summary.false_alarm_rate, share=True),
    ]


def cautions(inputs: Inputs) -> Section | None:
    """Return what a reader must know before trusting the figures."""
    sentences = _grouped(inputs.warnings, len(inputs.by_machine))
    if inputs.skipped:
        sentences.append(
            f"{count(len(inputs.skipped), 'recording')} could not be used; they are named at the end."
        )
    if not sentences:
        return None
    return section(
        "cautions",
        "Before you rely on it",
        tag("ul", [tag("li", text) for text in sentences], class_="notes"),
    )


def _grouped(warnings: Iterable[str], n_machines: int) -> list[str]:
    """Return warnings with those that say the same of several machines made one."""
    machines: dict[str, list[str]] = {}
    for warning in warnings:
        subject, colon, text = warning.partition(": ")
        if colon and "/" in subject and " " not in subject:
            machines.setdefault(text, []).append(machine_name(subject))
        else:
            machines.setdefault(warning, [])
    everyone = f"all {n_machines} machines"
    return [
        f"{everyone if len(names) == n_machines > 3 else ', '.join(names)}: {text}"
        if names
        else text
        for text, names in machines.items()
    ]


def settings(inputs: Inputs) -> Section:
    """Return how the sound was turned into features, how the detector was made, and with which
    versions.
    """
    feature = {"feature": inputs.scorer.feature.to_json()}
    model = {
        name: value
        for name, value in inputs.model.items()
        if name not in ("versions", "schema_version")
    }
    decision = {
        "threshold": {
            "method": inputs.thresholds.method,
            "wanted false-alarm rate": inputs.thresholds.false_alarm_rate,
        }
    }
    versions = inputs.model.get("versions", {})
    return section(
        "settings",
        "Settings and versions",
        table(
            ("Setting", "Value"),
            [[name, value] for name, value in _flat({**model, **feature, **decision})],
            caption="Settings",
            words=True,
        ),
        tag("h3", "Versions"),
        table(
            ("Package", "Version"),
            [[name, str(version)] for name, version in versions.items()],
            caption="Versions of packages",
            words=True,
        ),
    )


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{name} · ")
        else:
            yield (
                f"{prefix}{name}",
                ", ".join(map(str, item)) if isinstance(item, list) else str(item),
            )


def skipped(inputs: Inputs) -> Section | None:
    """Return the recordings that could not be used, with reasons."""
    if not inputs.skipped:
        return None
    rows = [
        [tag("code", short(f"{one.source}/{one.path}", 200)), short(one.reason, 400)]
        for one in inputs.skipped[:MAX_SKIPPED]
    ]
    left_out = len(inputs.skipped) - len(rows)
    return section(
        "skipped",
        "Recordings that could not be used",
        table(("Recording", "Reason"), rows, caption="Skipped recordings", words=True),
        tag("p", f"{left_out:,} more are named in evaluation.json.", class_="soft")
        if left_out
        else "",
    )


def footer() -> Html:
    """Return the last line."""
    return tag(
        "footer",
        f"Made by stethoscope {__version__}. This file needs no network: sounds, pictures and figures are inside it.",
    )


def table(
    head: Iterable[str],
    rows: Iterable[Iterable[Content]],
    foot: Iterable[Iterable[Content]] = (),
    *,
    caption: str,
    words: bool = False,
) -> Html:
    """Return a table that scrolls by itself where it is too wide; `words` sets its cells for text
    instead of figures.
    """

    def line(cells: Iterable[Content]) -> Html:
        first, *others = cells
        return tag("tr", tag("th", first, scope="row"), [tag("td", cell) for cell in others])

    last = [line(cells) for cells in foot]
    return tag(
        "div",
        tag(
            "table",
            tag("thead", tag("tr", [tag("th", text, scope="col") for text in head])),
            tag("tbody", [line(cells) for cells in rows]),
            tag("tfoot", last) if last else "",
            class_="words" if words else None,
            aria_label=caption,
        ),
        class_="scroll",
        role="region",
        tabindex="0",
        aria_label=caption,
    )


def score_distributions(inputs: Inputs) -> Section:
    """Return the distribution of the scores of every machine."""
    cards = [
        plots.score_chart(machine, inputs.by_machine[machine])
        for machine in inputs.worst_first[:MAX_CHARTS]
    ]
    return section(
        "scores",
        "Scores and thresholds",
        tag(
            "p",
            "The better normal (upwards) and anomalous clips (downwards) lie on different sides of the threshold, the better the detector.",
        ),
        gallery(cards, left_out=len(inputs.by_machine) - len(cards)),
    )


def trade_offs(inputs: Inputs) -> Section | None:
    """Return ROC, DET and the calibration of the false-alarm rate by machine type."""
    cards = []
    for machine_type, clips in list(inputs.by_type.items())[:MAX_CHARTS]:
        cards += plots.curve_charts(inputs, machine_type, clips)
        cards += plots.calibration_charts(inputs, machine_type, clips)
    if not cards:
        return None
    return section(
        "curves",
        "What other thresholds would give",
        tag(
            "p",
            "Fewer false alarms are paid for with missed anomalies. The dots are the thresholds in use.",
        ),
        gallery(cards, left_out=max(0, len(inputs.by_type) - MAX_CHARTS)),
    )


def bands(inputs: Inputs, profiles: Mapping[str, Profile]) -> Section | None:
    """Return which frequency bands carry the deviation, machine by machine."""
    known = [(machine, profiles[machine]) for machine in inputs.worst_first if machine in profiles]
    cards = [
        plots.band_chart(
            inputs, machine, profile.usual, profile.anomaly, in_training=profile.in_training
        )
        for machine, profile in known[:MAX_CHARTS]
        if profile.anomaly is not None
    ]
    if not cards:
        return None
    return section(
        "bands",
        "Which frequencies give it away",
        tag(
            "p",
            "Deviation is what the detector did not expect. Here is its mean over time, in normal and in anomalous clips.",
        ),
        gallery(cards, left_out=max(0, len(known) - MAX_CHARTS)),
    )


def clip_maps(inputs: Inputs) -> Section | None:
    """Return the maps of clips by machine type."""
    charts = (
        plots.clip_map(inputs, machine_type, clips)
        for machine_type, clips in list(inputs.by_type.items())[:MAX_CHARTS]
    )
    cards = [card for card in charts if card is not None]
    if not cards:
        return None
    return section(
        "map",
        "Map of the clips",
        tag(
            "p",
            "Clips that sound alike lie close together: the two principal components of the mean log-mel spectra, each less that of its "
            "machine's normal training clips. Anomalies that lie among the normal clips differ in something finer than the mean spectrum.",
        ),
        gallery(cards, wide=True, left_out=max(0, len(inputs.by_type) - MAX_CHARTS)),
    )


def listening(groups: Sequence[Group], cards: Sequence[Html], notes: Sequence[str]) -> Section:
    """Return the clips to hear and see."""
    absences = [group.absence for group in groups if group.absence and not group.clips]
    return section(
        "clips",
        "Listen and look",
        tag(
            "p",
            "Each clip has its spectrogram, as the detector hears it, and a map of where it deviates from what is normal for its machine: "
            "dark is as usual, bright is many times the deviation that normal clips have in that band. A click on a picture plays from "
            "there, where scripts are allowed.",
        ),
        tag("p", " ".join([*absences, *notes]), class_="soft"),
        tag("div", cards, class_="gallery"),
    )


def training(inputs: Inputs) -> Section:
    """Return the loss curves."""
    return section("loss", "Training", plots.loss_charts(inputs.curves))


def gallery(cards: Sequence[Html], *, wide: bool = False, left_out: int = 0) -> Html:
    """Return cards side by side; what goes beyond a screen or two unfolds on demand, and what was
    left out is said.
    """
    style = "gallery wide" if wide else "gallery"
    first, rest = cards[:MAX_CARDS], cards[MAX_CARDS:]
    more = (
        tag("details", tag("summary", f"{len(rest)} more"), tag("div", rest, class_=style))
        if rest
        else ""
    )
    note = (
        tag("p", f"{left_out} more were left out to keep the file small.", class_="soft")
        if left_out
        else ""
    )
    return join(tag("div", first, class_=style), more, note)
