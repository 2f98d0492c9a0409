"""From a recording of unknown origin to its verdict; runs in a worker process."""

import io
from dataclasses import dataclass
from typing import Any

import soundfile

from stethoscope.bundle.inference import Inference
from stethoscope.bundle.verdict import Verdict
from stethoscope.errors import UNUSABLE, AudioError, ModelError, ParameterError
from stethoscope.serve.limits import RATES, Limits, RefusalError
from stethoscope.serve.picture import draw_picture
from stethoscope.sound.formats import find_format
from stethoscope.sound.plain import open_sound

_SAMPLES_PER_BYTE = 6  # AAC of 64 kbit/s at 48 kHz


@dataclass(frozen=True, slots=True)
class ServedVerdict:
    """A verdict and how the service answers it.

    Attributes
    ----------
    verdict : Verdict
    probability : float or None
        Probability that a normal clip of the machine has a lower score; None without a detector.
    json : dict
        The answer, as JSON values.
    """

    verdict: Verdict
    probability: float | None
    json: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return what the service counts and logs of it, and the answer, as JSON values."""
        return {
            "machine": self.verdict.machine,
            "anomaly": self.verdict.anomaly,
            "score": self.verdict.score,
            "probability": self.probability,
            "json": self.json,
        }


@dataclass(frozen=True, slots=True)
class Header:
    """What a recording states before its samples.

    Attributes
    ----------
    samples : int
        Over all channels; 0 if it is unreadable. Of a recording that libsndfile cannot read it is
        what such a recording usually has.
    rate : int
        In Hz; 0 if libsndfile cannot read it.
    frames : int
        Samples per channel; 0 if libsndfile cannot read it.
    """

    samples: int = 0
    rate: int = 0
    frames: int = 0


def read_header(content: bytes) -> Header:
    """Read the header of a recording."""
    file = io.BytesIO(content)
    form = find_format(file)
    if form is None:
        return Header()
    if not form.library_names:
        return Header(_SAMPLES_PER_BYTE * len(content))
    try:
        with open_sound(file) as sound:
            return Header(sound.frames * sound.channels, sound.samplerate, sound.frames)
    except (soundfile.LibsndfileError, TypeError, ValueError):
        return Header()


def judge(
    inference: Inference,
    content: bytes,
    limits: Limits,
    *,
    machine_id: str,
    name: str,
    picture: bool = False,
    window: float | None = None,
    step: float | None = None,
    header: Header | None = None,
) -> ServedVerdict:
    """Judge a recording.

    Parameters
    ----------
    inference : Inference
    content : bytes
        The recording as it was sent.
    limits : Limits
    machine_id, name : str
        As for :meth:`stethoscope.bundle.inference.Inference.verdict`.
    picture : bool
        Whether the answer has a picture.
    window, step : float, optional
        As for :meth:`stethoscope.bundle.inference.Inference.verdict`.
    header : Header, optional
        Of the recording, if it was read before.

    Raises
    ------
    RefusalError
        413 or 422 if the recording cannot be judged.
    """
    name = name or "recording"
    _check_size(header or read_header(content), limits, name)
    try:
        verdict = inference.verdict(
            content,
            machine_id=machine_id,
            name=name,
            max_seconds=limits.max_seconds,
            max_samples=limits.max_samples,
            window=window,
            step=step,
        )
    except ParameterError as error:
        raise RefusalError(422, "bad_parameter", str(error)) from error
    except AudioError as error:
        raise RefusalError(422, error.reason, str(error)) from error
    except ModelError as error:
        raise RefusalError(422, "unknown_machine", str(error)) from error
    answer = verdict.to_json()
    if picture:
        answer["Picture"] = draw_picture(inference, content, verdict)
    probability = None
    if inference.role == "detector":
        probability = inference.bundle.thresholds.probability(verdict.score, verdict.machine)
    return ServedVerdict(verdict, probability, answer)


def _check_size(header: Header, limits: Limits, name: str) -> None:
    """Refuse a recording whose header declares more samples than the limits allow.

    A recording that libsndfile cannot read passes; decoding refuses it, or bounds it.
    """
    if not header.rate:
        return
    if not RATES[0] <= header.rate <= RATES[1]:
        raise _unusable(
            f"{name}: has {header.rate} samples per second; "
            f"{RATES[0]:,} to {RATES[1]:,} Hz are taken"
        )
    if header.frames > limits.max_seconds * header.rate:
        raise RefusalError(
            413,
            "too_long",
            f"{name}: lasts {header.frames / header.rate:.0f} s, "
            f"at most {limits.max_seconds:g} s are taken; cut it into clips",
        )
    if header.samples > limits.max_samples:
        raise RefusalError(
            413,
            "too_long",
            f"{name}: holds {header.samples:,} samples, "
            f"at most {limits.max_samples:,} are taken; "
            "send fewer channels, a lower rate or a shorter clip",
        )


def _unusable(message: str) -> RefusalError:
    return RefusalError(422, UNUSABLE, message)
