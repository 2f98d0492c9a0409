"""The typical clips of each group, to be named by the reader."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from stethoscope.counts import count
from stethoscope.datasets.clips import Clip
from stethoscope.detection.report.contributions import spread
from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.diagnosis.groups import TYPICAL, GroupedClip
from stethoscope.diagnosis.report.inputs import FaultInputs
from stethoscope.report.blocks import clip_card
from stethoscope.report.html import Content, Html, tag
from stethoscope.report.media import (
    ClipKey,
    RecordingKey,
    clip_key,
    clip_name,
    member_of,
    members_of,
    player,
    read_excerpts,
    sound_addresses,
)
from stethoscope.report.page import Section, section
from stethoscope.report.spectrogram import Levels, level_scale, levels_of, spectrogram
from stethoscope.report.words import short
from stethoscope.sound.definition import Frames

SECONDS = 5.0
"""Length of the excerpt of a clip, from its middle."""

MAX_COMPARED = 100
"""Most normal clips among which one to compare with is chosen."""


def typical_section(
    inputs: DetectionInputs, faults: FaultInputs, archives: Sequence[Path]
) -> Section | None:
    """Return the clips nearest to the centroid of each group; None if they are not wanted."""
    if "clips" not in faults.plots:
        return None
    typical = [faults.groups.typical(number) for number in faults.groups.sizes]
    members = members_of(archives)
    normal = [normal_clip(inputs, clips[0].machine, members) for clips in typical]
    shown: list[Clip | GroupedClip] = [clip for clips in typical for clip in clips]
    shown += [clip for clip in normal if clip]
    sounds = _sounds(shown, archives)
    parts: list[Content] = []
    for label, clips, reference in zip(faults.groups.labels, typical, normal, strict=True):
        compared: list[Clip | GroupedClip] = [*clips, *([reference] if reference else [])]
        levels = _levels(inputs, compared)
        cards = [
            _card(inputs, clip, f"distance {clip.distance:.2f}", sounds, levels) for clip in clips
        ]
        if reference:
            cards.insert(0, _card(inputs, reference, "normal, to compare with", sounds, levels))
        parts += [tag("h3", label), tag("div", cards, class_="gallery strip four")]
    text = (
        f"The {count(TYPICAL, 'clip')} nearest to the centroid of each group, beside a normal clip "
        "of the machine. All have the same gain; 0 dB is the loudest of a row. Listen for what the "
        "clips of a group have in common, then name the groups: in the parameter fault_names, in "
        "order, or in the finished bundle: "
    )
    command = tag("code", "stethoscope label BUNDLE 1=NAME 2=NAME")
    return section("typical", "Typical clips of each group", tag("p", text, command, "."), parts)


def normal_clip(
    inputs: DetectionInputs, machine: str, members: Collection[RecordingKey]
) -> Clip | None:
    """Return a normal clip of a machine, nearest to the mean spectrum of those of its training.

    Parameters
    ----------
    inputs : DetectionInputs
    machine : str
    members : collection of RecordingKey
        Recordings that can be played; if there are some of the machine, the clip is one of them.

    Returns
    -------
    Clip or None
        None if the machine has no normal clip in its training.
    """
    clips = inputs.store.clips
    training = inputs.normal_training.get(machine, [])
    playable = [one for one in training if member_of(clip_key(clips[one]), members)]
    positions = spread(playable or training, MAX_COMPARED)
    if not positions:
        return None
    spectra = np.array([inputs.mean_spectrum(one) for one in positions])
    distances = np.linalg.norm(spectra - spectra.mean(axis=0), axis=1)
    return clips[positions[int(distances.argmin())]]


def _levels(inputs: DetectionInputs, clips: Sequence[Clip | GroupedClip]) -> Levels | None:
    """Return common levels of clips; None if none of them is in the store."""
    frames = [one for one in (_frames(inputs, clip) for clip in clips) if one is not None]
    return levels_of(frames, inputs.scorer.feature) if frames else None


def _sounds(clips: Sequence[Clip | GroupedClip], archives: Sequence[Path]) -> dict[ClipKey, str]:
    wanted = {clip_key(clip): (clip.start, clip.end) for clip in clips}
    sounds = {}
    for key, sound in read_excerpts(archives, wanted):
        start = max(0.0, sound.seconds - SECONDS) / 2
        sounds[key] = sound.cut(start, start + SECONDS).limited()
    return sound_addresses(sounds)[0]


def _card(
    inputs: DetectionInputs,
    clip: Clip | GroupedClip,
    note: str,
    sounds: Mapping[ClipKey, str],
    levels: Levels | None,
) -> Html:
    feature = inputs.scorer.feature
    frames = _frames(inputs, clip)
    name = f"Spectrogram of {short(clip_name(clip))}"
    drawn = "" if frames is None else spectrogram(frames, feature, name, levels=levels)
    return clip_card(
        tag("h4", machine_name(clip.machine), tag("span", note)),
        clip_name(clip),
        player(sounds.get(clip_key(clip)), clip_name(clip)),
        tag("h4", "Spectrogram", level_scale(levels, feature)) if levels else "",
        drawn,
    )


def _frames(inputs: DetectionInputs, clip: Clip | GroupedClip) -> Frames | None:
    """Return the frames of the middle of a clip; None if it is not in the store."""
    position = inputs.position.get(clip_key(clip))
    if position is None:
        return None
    feature = inputs.scorer.feature
    frames = np.array(inputs.store.clip_frames(position))
    width = round(SECONDS * feature.sample_rate / feature.hop_length)
    first = max(0, len(frames) - width) // 2
    shown: Frames = frames[first : first + width]
    return shown
