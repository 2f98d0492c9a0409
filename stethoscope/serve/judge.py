"""From a recording that anyone may have sent to its verdict, in a thread."""

import io
import math
from dataclasses import dataclass
from typing import Any

import soundfile

from stethoscope.bundle.inference import Inference, Verdict
from stethoscope.errors import AudioError, ModelError
from stethoscope.serve.limits import Limits, Refusal
from stethoscope.serve.picture import draw

RATES = (1_000, 768_000)
"""Lowest and highest sample rate that is taken, in Hz."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict with what goes beside it.

    Attributes
    ----------
    verdict : Verdict
    probability : float or None
        Probability that a normal clip of the machine scores lower; None without a detector.
    json : dict
        What is answered.
    """

    verdict: Verdict
    probability: float | None
    json: dict[str, Any]


def judge(
    inference: Inference,
    content: bytes,
    limits: Limits,
    *,
    machine_id: str,
    name: str,
    picture: bool = False,
) -> Answer:
    """Say whether a recording is anomalous.

    Raises
    ------
    Refusal
        413 or 422 if the recording cannot be judged.
    """
    name = name or "recording"
    _check_size(content, limits, name)
    try:
        verdict = inference.verdict(
            content, machine_id=machine_id, name=name, max_seconds=limits.max_seconds
        )
    except AudioError as error:
        raise Refusal(422, "unusable_recording", str(error)) from error
    except ModelError as error:
        raise Refusal(422, "unknown_machine", str(error)) from error
    if not math.isfinite(verdict.score):
        raise Refusal(
            422,
            "unusable_recording",
            f"{name}: its samples are too large to compute with; scale them to -1..1",
        )
    answer = verdict.to_json()
    if picture:
        answer["Picture"] = draw(inference, content, verdict)
    compared = "detector" in inference.bundle.models
    return Answer(
        verdict,
        inference.bundle.thresholds.probability(verdict.score, verdict.machine)
        if compared
        else None,
        answer,
    )


def _check_size(content: bytes, limits: Limits, name: str) -> None:
    """Refuse by its header a recording that would unpack to too much; one that cannot be read is
    refused where it is decoded.
    """
    try:
        info = soundfile.info(io.BytesIO(content))
    except (soundfile.LibsndfileError, TypeError, ValueError):
        return
    if not RATES[0] <= info.samplerate <= RATES[1]:
        raise Refusal(
            422,
            "unusable_recording",
            f"{name}: has {info.samplerate} samples per second; {RATES[0]:,} to {RATES[1]:,} Hz are taken",
        )
    if info.frames > limits.max_seconds * info.samplerate:
        lasts = f"lasts {info.frames / info.samplerate:.0f} s, at most {limits.max_seconds:g} s are taken"
        raise Refusal(413, "too_long", f"{name}: {lasts}; cut it into clips")
    if info.frames * info.channels > limits.max_samples:
        holds = f"holds {info.frames * info.channels:,} samples, at most {limits.max_samples:,} are taken"
        raise Refusal(
            413, "too_long", f"{name}: {holds}; send fewer channels, a lower rate or a shorter clip"
        )
