"""The wrong predictions with the highest probability, to listen to."""

from collections.abc import Mapping

from stethoscope.classification.report.inputs import ClassifiedClip, ClassInputs
from stethoscope.classification.report.sounds import clip_picture, clip_player
from stethoscope.report.blocks import clip_card
from stethoscope.report.html import Html, tag
from stethoscope.report.media import Sound
from stethoscope.report.page import Section, section
from stethoscope.report.words import percent, plain, short

MAX_MISTAKES = 12
"""Most mistakes that are shown."""

_LEAST = 0.05  # probability of a further class that is named


def mistake_section(inputs: ClassInputs, sounds: Mapping[int, Sound]) -> Section:
    """Return the wrong predictions of highest probability.

    Parameters
    ----------
    inputs : ClassInputs
    sounds : mapping of int to Sound
        Clips that can be played, by index in the store.
    """
    key, title = "mistakes", "Mistakes of highest probability"
    if not inputs.mistakes:
        return section(key, title, tag("p", "There is no mistake."))
    shown = inputs.mistakes[:MAX_MISTAKES]
    which = (
        "All mistakes are shown"
        if len(shown) == len(inputs.mistakes)
        else f"{len(shown)} mistakes are shown, of {len(inputs.mistakes):,}"
    )
    text = (
        f"{which}. Listen to the clips to find the cause: a wrong label, two sounds in one clip, "
        "or classes that are alike."
    )
    cards = [_card(inputs, one, sounds.get(one.index)) for one in shown]
    return section(key, title, tag("p", text), tag("div", cards, class_="gallery strip"))


def _card(inputs: ClassInputs, one: ClassifiedClip, sound: Sound | None) -> Html:
    store = inputs.store
    path = store.clips[one.index].path
    truth, answer = plain(one.truth), plain(one.answer)
    heading = tag(
        "h3",
        tag("span", f"Label: {truth}"),
        f"Predicted: {answer}, probability {percent(one.confidence)}",
    )
    return clip_card(
        heading,
        path,
        tag("p", f"Other probabilities: {_others(one)}."),
        clip_player(sound, f"{truth}, {path}"),
        clip_picture(store, store.clip_frames(one.index), f"Spectrogram of {short(path)}"),
    )


def _others(one: ClassifiedClip) -> str:
    """Return the probability of the true class, and of the next one if it is not very small."""
    rest = [
        (probability, label)
        for label, probability in one.probabilities.items()
        if label not in (one.answer, one.truth)
    ]
    shown = [(one.probabilities[one.truth], one.truth)]
    shown += [next_one for next_one in sorted(rest, reverse=True)[:1] if next_one[0] >= _LEAST]
    return ", ".join(f"{plain(label)} {percent(probability)}" for probability, label in shown)
