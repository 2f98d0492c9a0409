"""The typical clips of each group, to be named by the reader."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from stethoscope.detection.report.inputs import DetectionInputs, machine_name
from stethoscope.diagnosis.groups import TYPICAL, GroupedClip
from stethoscope.diagnosis.report.inputs import FaultInputs
from stethoscope.report.blocks import clip_card
from stethoscope.report.html import Content, Html, tag
from stethoscope.report.media import (
    RecordingKey,
    Sound,
    player,
    read_sounds,
    recording_key,
    sound_addresses,
)
from stethoscope.report.page import Section, section
from stethoscope.report.spectrogram import spectrogram
from stethoscope.report.words import count, short
from stethoscope.sound.audio import load

SECONDS = 5.0
"""Length of the excerpt of a clip, from its middle."""


def typical_section(
    inputs: DetectionInputs, faults: FaultInputs, archives: Sequence[Path]
) -> Section | None:
    """Return the clips nearest to the centroid of each group; None if they are not wanted."""
    if "clips" not in faults.plots:
        return None
    typical = [faults.groups.typical(number) for number in faults.groups.sizes]
    sounds = _sounds(inputs, [clip for clips in typical for clip in clips], archives)
    parts: list[Content] = []
    for label, clips in zip(faults.groups.labels, typical, strict=True):
        cards = [_card(inputs, clip, sounds) for clip in clips]
        parts += [tag("h3", label), tag("div", cards, class_="gallery")]
    text = (
        f"The {count(TYPICAL, 'clip')} nearest to the centroid of each group. Listen for what the "
        "clips of a group have in common, then name the groups: in the parameter fault_names, in "
        "order, or in the finished bundle: "
    )
    command = tag("code", "stethoscope label BUNDLE 1=NAME 2=NAME")
    return section("typical", "Typical clips of each group", tag("p", text, command, "."), parts)


def _sounds(
    inputs: DetectionInputs, clips: Sequence[GroupedClip], archives: Sequence[Path]
) -> dict[RecordingKey, str]:
    channel = inputs.scorer.feature.channel

    def decode(content: bytes, name: str) -> Sound:
        return Sound(*load(content, channel=channel, name=name))

    wanted = {recording_key(clip) for clip in clips}
    sounds = {}
    for key, sound in read_sounds(archives, wanted, decode):
        start = max(0.0, sound.seconds - SECONDS) / 2
        sounds[key] = sound.cut(start, start + SECONDS).limited()
    return sound_addresses(sounds)[0]


def _card(inputs: DetectionInputs, clip: GroupedClip, sounds: Mapping[RecordingKey, str]) -> Html:
    distance = tag("span", f"distance to the centroid {clip.distance:.2f}")
    return clip_card(
        tag("h4", machine_name(clip.machine), distance),
        clip.path,
        player(sounds.get(recording_key(clip)), clip.path),
        _spectrogram(inputs, clip),
    )


def _spectrogram(inputs: DetectionInputs, clip: GroupedClip) -> Html | str:
    position = inputs.position.get(recording_key(clip))
    if position is None:
        return ""
    feature = inputs.scorer.feature
    frames = inputs.store.clip_frames(position)
    width = round(SECONDS * feature.sample_rate / feature.hop_length)
    first = max(0, len(frames) - width) // 2
    shown = frames[first : first + width]
    return spectrogram(shown, feature, f"Spectrogram of {short(clip.path)}")
