"""Altered versions of clips, to have more training data.

All alterations are seeded: the same clip is always altered in the same way.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stethoscope.datasets.clips import Clip
from stethoscope.errors import ParameterError, shown
from stethoscope.options import split_list
from stethoscope.progress import warn
from stethoscope.sound.audio import Samples
from stethoscope.sound.stretch import stretch

KINDS = {"noise": "0.005", "roll": "1600", "shift": "0.4", "stretch": "0.8-1.25"}
"""Alterations of samples by name, each with a usual amount.

The amounts are the standard deviation of white noise, a number of samples, the largest fraction of
the length, and the lowest and highest speed.
"""

_SLOWEST, _FASTEST = 0.25, 4.0
_DECIMAL = r"\d+(?:\.\d*)?|\.\d+"


def alterations_problem(text: str) -> str:
    """Return what is wrong with a list of alterations, separated by commas; empty if nothing is."""
    try:
        altered([], split_list(text))
    except ParameterError as error:
        return str(error)
    return ""


def altered(clips: Sequence[Clip], alterations: Sequence[str]) -> list[Clip]:
    """Return clips, each followed by an altered version for each alteration.

    A version has the recording, split and fold of its clip.

    Parameters
    ----------
    clips : sequence of Clip
    alterations : sequence of str
        ``noise 0.005``: white noise is added; ``roll 1600``: the clip is shifted circularly by this
        number of samples; ``shift 0.4``: it is shifted circularly by a random fraction of its
        length, at most this; ``stretch 0.8-1.25``: its speed is changed at the same pitch, by a
        random factor between these two.

    Raises
    ------
    ParameterError
        If there is no such alteration, or one is given twice.
    """
    for place, alteration in enumerate(alterations):
        if _parse(alteration) == ("stretch", 1.0, 1.0):
            warn(
                f"augmentation {shown(alteration)}: rate 1 changes nothing, so every clip is "
                "trained on twice; a range around it, such as stretch 0.8-1.25, varies the clips"
            )
        if alteration in alterations[:place]:
            raise ParameterError(
                f"augmentation {shown(alteration)} is given twice with the same result;"
                " change its amount"
            )
    return [
        version
        for clip in clips
        for version in (
            clip,
            *(replace(clip, augmentation=alteration) for alteration in alterations),
        )
    ]


def alter(samples: Samples, clip: Clip) -> Samples:
    """Return the samples of a clip, altered by its ``augmentation``.

    Random values depend only on the clip and its alteration.

    Parameters
    ----------
    samples : np.ndarray [shape=(..., n_samples), dtype=float32]
        All channels are altered in the same way, except for the noise.
    clip : Clip

    Raises
    ------
    ParameterError
        If there is no such alteration.
    """
    if not clip.augmentation:
        return samples
    kind, low, high = _parse(clip.augmentation)
    rng = np.random.default_rng(
        zlib.crc32(f"{clip.augmentation} {clip.recording} {clip.path} {clip.start}".encode())
    )
    if kind == "noise":
        return samples + np.float32(high) * rng.standard_normal(samples.shape, dtype=np.float32)
    if kind == "roll":
        return np.roll(samples, round(high), axis=-1)
    if kind == "shift":
        return np.roll(samples, int(rng.uniform(0.0, high) * samples.shape[-1]), axis=-1)
    # The logarithm of the rate is uniform, so that halving and doubling have the same probability.
    return stretch(samples, float(np.exp(rng.uniform(np.log(low), np.log(high)))))


def _parse(alteration: str) -> tuple[str, float, float]:
    """Return the kind of an alteration, and the lowest and highest value of its amount."""
    kind, _, amount = alteration.partition(" ")
    if kind not in KINDS or not (
        found := re.fullmatch(rf"(?P<low>{_DECIMAL})(?:-(?P<high>{_DECIMAL}))?", amount)
    ):
        raise ParameterError(f"augmentation {shown(alteration)} is not known; {_SUCH_AS}")
    low, high = float(found["low"]), float(found["high"] or found["low"])
    if kind != "stretch":
        if found["high"]:
            raise ParameterError(
                f"augmentation {shown(alteration)} has two amounts, {kind} takes one; {_SUCH_AS}"
            )
    elif not _SLOWEST <= low <= high <= _FASTEST:
        raise ParameterError(
            f"augmentation {shown(alteration)}: rates must rise and lie from {_SLOWEST:g} to"
            f" {_FASTEST:g}; {_SUCH_AS}"
        )
    return kind, low, high


_SUCH_AS = (
    f"give alterations such as {', '.join(f'{name} {usual}' for name, usual in KINDS.items())}"
)
