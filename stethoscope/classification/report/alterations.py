"""The altered versions of clips on which the network was trained."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stethoscope.classification.model import prepare_frames
from stethoscope.classification.report.inputs import ClassInputs
from stethoscope.classification.report.sounds import clip_picture, clip_player
from stethoscope.classification.windows import draw_window
from stethoscope.datasets.alterations import alter
from stethoscope.features.store import FeatureStore
from stethoscope.report.blocks import clip_card
from stethoscope.report.html import Html, tag
from stethoscope.report.media import Sound
from stethoscope.report.page import Section, section
from stethoscope.report.words import percent, plain, short
from stethoscope.sound.planes import planes_of

MAX_ALTERED = 2
"""Most recordings of which the altered versions are shown."""

_CANDIDATES = 50  # clips among which the example with least silence is chosen
_EPOCHS = 3  # windows of the example that are shown


def altered_groups(store: FeatureStore) -> list[list[int]]:
    """Return a few recordings of different classes with their altered versions.

    Returns
    -------
    list of list of int
        For each recording the indices in the store: of the recorded clip, then of its versions.
    """
    groups: dict[tuple[str, str, float], list[int]] = {}
    for index, clip in enumerate(store.clips):
        groups.setdefault((clip.source, clip.path, clip.start), []).append(index)
    chosen: dict[str, list[int]] = {}
    for group in groups.values():
        if len(group) > 1 and not store.clips[group[0]].augmentation:
            chosen.setdefault(store.clips[group[0]].label, group)
    return list(chosen.values())[:MAX_ALTERED]


def alteration_section(
    inputs: ClassInputs, groups: Sequence[Sequence[int]], sounds: Mapping[int, Sound]
) -> Section | None:
    """Return altered versions of clips, stored and drawn during training; None without any.

    Parameters
    ----------
    inputs : ClassInputs
    groups : sequence of sequence of int
        Result of :func:`altered_groups`.
    sounds : mapping of int to Sound
        Clips that can be played, by index in the store.
    """
    parts: list[Html] = []
    if groups:
        text = (
            "The network was also trained on these altered versions. They are in the same fold as "
            "their recording and are not used for testing."
        )
        parts.append(tag("p", text))
    for group in groups:
        cards = [_card(inputs.store, index, sounds.get(group[0]), group[0]) for index in group]
        parts.append(tag("div", cards, class_="gallery"))
    if methods := _methods(inputs.fit):
        parts.append(tag("p", f"In every epoch of training, clips are altered: {methods}."))
        if inputs.fit["shift"] or inputs.fit["mask"]:
            parts.append(tag("div", _drawn_cards(inputs), class_="gallery"))
    return section("altered", "Altered training clips", *parts, folded=True) if parts else None


def _methods(fit: Mapping[str, Any]) -> str:
    """Return how clips are altered in every epoch; empty if they are not."""
    shift, mask, mixup = float(fit["shift"]), float(fit["mask"]), fit["mixup"]
    amount = "any amount" if shift == 1 else f"up to {percent(shift)} of their length"
    methods = [
        f"shifted circularly in time by {amount}" if shift else "",
        f"masked in two frequency bands and two time intervals of up to {percent(mask)} each"
        if mask
        else "",
        f"mixed in pairs (mixup, beta distribution with parameter {mixup:g})" if mixup else "",
    ]
    return "; ".join(filter(None, methods))


def _card(store: FeatureStore, index: int, sound: Sound | None, original: int) -> Html:
    clip = store.clips[index]
    name = clip.augmentation or "as recorded"
    rate = store.n_frames[original] / store.n_frames[index]
    stretched = clip.augmentation.startswith("stretch") and rate != 1
    altered = sound and Sound(alter(sound.samples, clip), sound.rate)
    return clip_card(
        tag(
            "h3",
            tag("span", plain(clip.label)),
            f"{name}, here {rate:.2f}" if stretched else name,
        ),
        clip.path,
        clip_player(altered, f"{clip.path}, {name}"),
        clip_picture(store, store.clip_frames(index), f"Spectrogram of {short(clip.path)}, {name}"),
    )


def _drawn_cards(inputs: ClassInputs) -> list[Html]:
    """Return windows of one clip as they are drawn in different epochs."""
    store, fit = inputs.store, inputs.fit
    index = _fullest(store, [one.index for one in inputs.answers[:_CANDIDATES]])
    clip = store.clips[index]
    frames = prepare_frames(store.clip_frames(index), store.feature)
    rng = np.random.default_rng(fit["seed"])
    cards = []
    for number in range(1, _EPOCHS + 1):
        window = draw_window(
            frames,
            inputs.window,
            shift=float(fit["shift"]),
            masked=float(fit["mask"]),
            fill=frames.mean(axis=0),
            planes=planes_of(store.feature),
            rng=rng,
        )
        heading = tag("h3", tag("span", plain(clip.label)), f"Epoch {number}")
        spectrogram = clip_picture(
            store, window, f"Epoch {number}: spectrogram of the altered clip"
        )
        cards.append(clip_card(heading, clip.path, spectrogram))
    return cards


def _fullest(store: FeatureStore, indices: Sequence[int]) -> int:
    """Return the clip with the least silence: a mask is not visible in silence."""

    def fullness(index: int) -> float:
        frames = store.clip_frames(index)
        return float(np.mean(frames) - np.max(frames))

    return max(indices, key=fullness)
