"""Sounds and spectrograms of clips, as long as what is played."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from stethoscope.datasets.clips import Clip
from stethoscope.features.store import FeatureStore
from stethoscope.report.html import Html, join, tag
from stethoscope.report.media import (
    RecordingKey,
    Sound,
    player,
    read_sounds,
    recording_key,
    sound_address,
)
from stethoscope.report.spectrogram import level_scale, levels_of, spectrogram
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import load_for_feature

SECONDS = 10.0
"""Longest excerpt, from the beginning of the clip, in seconds."""


def read_clip_sounds(
    archives: Sequence[Path], store: FeatureStore, indices: Iterable[int]
) -> dict[int, Sound]:
    """Return clips of the store as the feature takes them; unreadable ones are left out."""
    wanted: dict[RecordingKey, list[int]] = {}
    for index in dict.fromkeys(indices):
        wanted.setdefault(recording_key(store.clips[index]), []).append(index)

    def decode(content: bytes, name: str) -> Sound:
        return Sound(load_for_feature(content, store.feature, name=name), store.feature.sample_rate)

    return {
        index: _part(sound, store.clips[index])
        for key, sound in read_sounds(archives, wanted, decode)
        for index in wanted[key]
    }


def _part(sound: Sound, clip: Clip) -> Sound:
    return sound.cut(clip.start, clip.end or sound.seconds)


def clip_player(sound: Sound | None, name: str) -> Html:
    """Return the player of the beginning of a clip, at full level."""
    address = sound_address(sound.cut(0.0, SECONDS).limited()) if sound else None
    return player(address, name)


def clip_picture(store: FeatureStore, frames: Frames, description: str) -> Html:
    """Return the spectrogram of the beginning of a clip."""
    feature = store.feature
    shown = round(SECONDS * feature.sample_rate / feature.hop_length) + 1
    levels = levels_of([frames[:shown]], feature)
    scale = tag("h4", "Spectrogram", level_scale(levels, feature))
    return join(scale, spectrogram(frames[:shown], feature, description, levels=levels))
