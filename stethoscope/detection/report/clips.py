"""Clips to play, with their spectrogram and a map of what made their score."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stethoscope.counts import count
from stethoscope.detection.evidence import STRENGTHS, Evidence, heat
from stethoscope.detection.report.choice import ShownClips, choose
from stethoscope.detection.report.contributions import evidence_of, smooth
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.detection.scores import ScoredClip
from stethoscope.report.blocks import clip_card
from stethoscope.report.charts import framed, frequency_axis
from stethoscope.report.html import Html, tag
from stethoscope.report.media import (
    MAX_SAMPLE_RATE,
    ClipKey,
    clip_key,
    clip_name,
    colour_scale,
    picture,
    player,
    read_excerpts,
    sound_addresses,
)
from stethoscope.report.page import Section, fold, section
from stethoscope.report.spectrogram import (
    Levels,
    band_centres,
    level_scale,
    levels_of,
    spectrogram,
    time_axis,
)
from stethoscope.report.words import decibels, hertz, number, percent, short
from stethoscope.sound.definition import Frames
from stethoscope.sound.logmel import LogMel

SECONDS = 10.0
"""Longest excerpt, in seconds."""

_COLOURS = "inferno"
_SMOOTHING = {"frames": 7, "bands": 3}
_PEAK_SMOOTHING = {"frames": 15, "bands": 5}
_OUTCOMES = {
    ("anomaly", True): ("anomalous, found", "right"),
    ("anomaly", False): ("anomalous, missed", "wrong"),
    ("normal", True): ("normal, false alarm", "wrong"),
    ("normal", False): ("normal, no alarm", "right"),
    ("unknown", True): ("judged anomalous", "muted"),
    ("unknown", False): ("judged normal", "muted"),
}
"""Text and style by condition and decision."""


@dataclass(frozen=True)
class Excerpt:
    """The part of a clip that is shown.

    Attributes
    ----------
    first, last : int
        Frames, `last` excluded.
    start, end : float
        The same in seconds.
    whole : bool
        True if it is the whole clip.
    """

    first: int
    last: int
    start: float
    end: float
    whole: bool


@dataclass(frozen=True)
class _View:
    """Excerpt of a clip with its pictures; `times` are its start and end in the recording."""

    excerpt: Excerpt
    times: tuple[float, float]
    pictures: list[Html]


def clip_section(inputs: DetectionInputs, archives: Sequence[Path], room: int) -> Section:
    """Return a card for each of the most interesting clips.

    Parameters
    ----------
    inputs : DetectionInputs
    archives : sequence of Path
        Archives of the recordings that can be played.
    room : int
        Most bytes of all cards together.
    """
    groups = choose(inputs)
    shown = [clip for group in groups for clip in group.clips]
    shown = [clip for clip in shown if clip_key(clip) in inputs.position]
    levels = _levels(inputs, shown)
    views = {clip_key(clip): _view(inputs, clip, levels[clip.machine]) for clip in shown}
    sounds, sound_notes = _sounds(archives, views)
    first, more, room_notes = _cards(inputs, groups, views, sounds, room)
    absences = [group.absence for group in groups if group.absence and not group.clips]
    notes = [*absences, *sound_notes, *room_notes, *_format_notes(inputs, views)]
    text = (
        "Each clip has a spectrogram and a map of what made its score exceed the threshold: how "
        "strongly each place contributes. A place has the strength 1 if a clip that were like it "
        "everywhere would exceed the threshold by as much as 10 % of normal clips exceed the "
        "median of their scores. The colours are the same for all clips. A clip that does not "
        "exceed the threshold is dark everywhere."
    )
    lead = (
        "Listen to what was found, missed and called anomalous although it is normal. Click a "
        "picture to play from there. 0 dB is the loudest of the machine's clips that are shown."
    )
    return section(
        "clips",
        "Clips to listen to",
        tag("p", lead),
        tag("p", " ".join(notes), class_="soft"),
        tag("div", first, class_="gallery strip"),
        fold(count(len(more), "more clip"), tag("div", more, class_="gallery strip"))
        if more
        else "",
        fold("How to read the pictures", tag("p", text, class_="fine")),
    )


def _levels(inputs: DetectionInputs, clips: Sequence[ScoredClip]) -> dict[str, Levels]:
    """Return the levels of the spectrograms of each machine, so that its clips can be compared."""
    feature = inputs.scorer.feature
    frames: dict[str, list[Frames]] = {}
    for clip in clips:
        position = inputs.position[clip_key(clip)]
        frames.setdefault(clip.machine, []).append(np.array(inputs.store.clip_frames(position)))
    return {machine: levels_of(own, feature) for machine, own in frames.items()}


def _view(inputs: DetectionInputs, clip: ScoredClip, levels: Levels) -> _View:
    feature = inputs.scorer.feature
    position = inputs.position[clip_key(clip)]
    evidence = evidence_of(inputs, position, clip.machine)
    unit = inputs.thresholds.unit(clip.machine)
    strengths = smooth(evidence.above(clip.threshold, unit), **_SMOOTHING)
    step = feature.hop_length / feature.sample_rate
    excerpt = _excerpt(np.maximum(evidence.values, 0.0), step)
    shown = strengths[excerpt.first : excerpt.last]
    centres = band_centres(feature)
    peak = _peak(shown, centres, excerpt, step)
    frames = np.array(inputs.store.clip_frames(position)[excerpt.first : excerpt.last])
    frames = frames[:, : feature.n_mels]
    name = short(clip_name(clip))
    times = (clip.start, clip.end)
    if not excerpt.whole:
        times = (clip.start + excerpt.start, clip.start + excerpt.end)
    return _View(
        excerpt,
        times,
        [
            tag("h4", "Spectrogram", level_scale(levels, feature)),
            spectrogram(
                frames, feature, f"Spectrogram of {name}", start=excerpt.start, levels=levels
            ),
            *(
                _evidence_picture(
                    feature, shown, excerpt, f"{name}, over time and frequency. {peak}"
                )
                if shown.max() > STRENGTHS[0]
                else [tag("h4", "What made the score")]
            ),
            tag("p", " ".join(filter(None, (peak, _parts(evidence))))),
        ],
    )


def _evidence_picture(
    feature: LogMel, strengths: npt.NDArray[np.floating], excerpt: Excerpt, text: str
) -> list[Html]:
    return [
        tag("h4", "What made the score", _strength_scale()),
        framed(
            picture(heat(strengths), _COLOURS),
            time_axis(len(strengths), feature, start=excerpt.start),
            frequency_axis(band_centres(feature)),
            f"What made the score, over time and frequency, of {text}",
        ),
    ]


def _strength_scale() -> Html:
    low, high = STRENGTHS
    return colour_scale(f"≤ {low:g}", f"≥ {high:g}", _COLOURS)


def _parts(evidence: Evidence) -> str:
    """Return the contributions of the views in words; empty for a detector without parts."""
    if len(evidence.parts) < 2:
        return ""
    parts = sorted(evidence.parts.items(), key=lambda part: -part[1])
    return (
        f"By view: {', '.join(f'{name} {number(round(value, 2) + 0.0)}' for name, value in parts)}."
    )


def _excerpt(strengths: npt.NDArray[np.floating], step: float) -> Excerpt:
    """Return the part of a clip to show: all of it, or the part that contributes most."""
    n = len(strengths)
    width = max(1, int(SECONDS / step))
    if n <= width + 1:
        return Excerpt(0, n, 0.0, max(n - 1, 1) * step, whole=True)
    total = np.concatenate([[0.0], np.cumsum(strengths.mean(axis=1, dtype=np.float64))])
    first = int(np.argmax(total[width:] - total[:-width]))
    return Excerpt(first, first + width, first * step, (first + width) * step, whole=False)


def _peak(
    strengths: npt.NDArray[np.floating],
    centres: npt.NDArray[np.float64],
    excerpt: Excerpt,
    step: float,
) -> str:
    """Return where the evidence is strongest, in words."""
    if not strengths.any():
        return "The score does not exceed the threshold, so nothing is marked."
    if strengths.max() <= STRENGTHS[0]:
        return "The score exceeds the threshold so slightly that no place stands out."
    wide = smooth(strengths, **_PEAK_SMOOTHING)
    frame, band = np.unravel_index(int(wide.argmax()), wide.shape)
    high = max(float(centres[band]), 1.0)
    duration = float((wide[:, band] > wide[frame, band] / 2).mean())
    when = "throughout" if duration > 0.5 else f"around {excerpt.start + float(frame) * step:.1f} s"
    return f"Strongest {when}, near {hertz(high, high)}."


def _sounds(
    archives: Sequence[Path], views: Mapping[ClipKey, _View]
) -> tuple[dict[ClipKey, str], list[str]]:
    """Return the excerpts as data addresses, and notes on them."""
    excerpts = {key: view.times for key, view in views.items()}
    found = read_excerpts(archives, excerpts)
    sounds = {key: sound.limited() for key, sound in found}
    addresses, gain = sound_addresses(sounds)
    notes = []
    if missing := len(views) - len(sounds):
        notes.append(
            f"{missing} of {len(views)} recordings could not be read again from the archives and "
            "cannot be played."
        )
    if sounds:
        notes.append(
            f"All recordings are amplified by the same gain, {decibels(gain)}, so that their "
            "loudness can be compared."
        )
    return addresses, notes


def _cards(
    inputs: DetectionInputs,
    groups: Sequence[ShownClips],
    views: Mapping[ClipKey, _View],
    sounds: Mapping[ClipKey, str],
    room: int,
) -> tuple[list[Html], list[Html], list[str]]:
    """Return the card of the first clip of each group, those of all others, and notes.

    Clips without room have neither sound nor pictures.
    """
    cards: dict[ClipKey, Html] = {}
    n_bare = 0
    for reason, clip in _first_of_each(groups):
        key = clip_key(clip)
        pictures = views[key].pictures if key in views else []
        card = _card(inputs, reason, clip, player(sounds.get(key), clip_name(clip)), *pictures)
        if len(card.encode()) > room:
            n_bare += 1
            card = _card(inputs, reason, clip, player(None, clip_name(clip)))
        room -= len(card.encode())
        cards[key] = card
    notes = []
    if n_bare:
        notes.append(
            f"Sound and pictures of {n_bare} of {len(cards)} clips were left out to keep the file "
            "small."
        )
    own = [[cards[clip_key(clip)] for clip in group.clips] for group in groups]
    first = [one for group in own for one in group[:1]]
    return first, [one for group in own for one in group[1:]], notes


def _format_notes(inputs: DetectionInputs, views: Mapping[ClipKey, _View]) -> list[str]:
    notes = []
    if any(not view.excerpt.whole for view in views.values()):
        notes.append(
            f"Of clips longer than {SECONDS:g} s, the {SECONDS:g} s that contribute most to the "
            "score are shown."
        )
    rate = inputs.scorer.feature.sample_rate
    if rate > MAX_SAMPLE_RATE:
        notes.append(
            f"Recordings are played at {MAX_SAMPLE_RATE / 1000:g} kHz; the detector analyses "
            f"{rate / 1000:g} kHz."
        )
    return notes


def _first_of_each(groups: Sequence[ShownClips]) -> Iterable[tuple[str, ScoredClip]]:
    """Yield the first clip of each group with its reason, then the second of each.

    The last ones may find no room.
    """
    for rank in range(max((len(group.clips) for group in groups), default=0)):
        for group in groups:
            yield from ((group.reason, clip) for clip in group.clips[rank : rank + 1])


def _card(inputs: DetectionInputs, reason: str, clip: ScoredClip, *contents: Html) -> Html:
    outcome, style = _OUTCOMES[clip.condition, clip.decision]
    several = len({one.source for one in inputs.scored}) > 1
    heading = tag(
        "h3",
        tag("span", reason),
        " ",
        machine_name(clip.machine),
        " ",
        tag("span", outcome, class_=f"badge {style}"),
    )
    text = (
        f"Score {number(clip.score)}, threshold {number(clip.threshold)}; "
        f"{_share_below(inputs, clip)} normal clips are expected to score lower."
    )
    source = clip.source if several else ""
    return clip_card(heading, clip_name(clip), tag("p", text), *contents, source=source)


def _share_below(inputs: DetectionInputs, clip: ScoredClip) -> str:
    share = inputs.thresholds.probability(clip.score, clip.machine)
    if share >= 0.995:
        return "nearly all"
    return "nearly no" if share < 0.005 else f"{percent(share)} of"
