"""The one way from sound to verdict: evaluation, ``predict``, the service and the golden vectors
share it.
"""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from stethoscope.bundle.bundle import Bundle
from stethoscope.errors import AudioError, ModelError
from stethoscope.events.model import Event
from stethoscope.machines import machine_key, split_key, type_of, types_of
from stethoscope.sound.audio import MAX_SECONDS, load
from stethoscope.sound.logmel import Frames

COMPONENT_OK = "Component OK"
ANOMALY = "Anomaly"
NO_EVENT = "No event"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a recording.

    Attributes
    ----------
    anomaly : bool
        The detector's decision: the score exceeds the threshold. Where there is no detector: an
        event was heard.
    message : str
        For people.
    probabilities : tuple of float
        Of normal and of each fault, by the diagnosis; without one ``(1 - p, p)`` with p the
        probability that a normal clip scores lower. Where there is no detector, p is the highest
        score of a window, 0 to 1.
    score, threshold : float
    machine : str
        Machine type and id whose threshold was taken; an empty id stands for the threshold of all
        ids together. Empty without a detector.
    model : str
    labels : tuple of str
        What the probabilities are of; empty without a diagnosis.
    events : tuple of Event, or None
        What was heard when; None without a model of events.
    """

    anomaly: bool
    message: str
    probabilities: tuple[float, ...]
    score: float
    threshold: float
    machine: str
    model: str
    labels: tuple[str, ...] = ()
    events: tuple[Event, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as the service answers it."""
        machine_type, machine_id = split_key(self.machine)
        return {
            "Anomaly": self.anomaly,
            "Details": {
                "Message": self.message,
                "Probabilities": list(self.probabilities),
                **({"Labels": list(self.labels)} if self.labels else {}),
                "Score": self.score,
                "Threshold": self.threshold,
                "MachineType": machine_type,
                "MachineId": machine_id or None,
                "Model": self.model,
                **(
                    {"Events": [event.to_json() for event in self.events]}
                    if self.events is not None
                    else {}
                ),
            },
        }


class Inference:
    """Listens to recordings with a bundle.

    Parameters
    ----------
    bundle : Bundle
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def frames(
        self,
        source: str | os.PathLike[str] | bytes | BinaryIO,
        *,
        name: str = "",
        max_seconds: float = MAX_SECONDS,
    ) -> Frames:
        """Turn a recording into the detector's frames [shape=(n_frames, n_mels)].

        Raises
        ------
        AudioError
            If the recording cannot be decoded or is shorter than one window.
        """
        detector = self.bundle.detector
        feature = detector.feature
        samples, _ = load(
            source,
            sample_rate=feature.sample_rate,
            channel=feature.channel,
            name=name,
            max_seconds=max_seconds,
        )
        if feature.n_frames(len(samples)) < detector.min_frames:
            least = (detector.min_frames - 1) * feature.hop_length / feature.sample_rate
            lasts = len(samples) / feature.sample_rate
            raise AudioError(
                f"{name or 'recording'}: lasts {lasts:.3f} s, the model needs at least {least:.3f} s; record longer"
            )
        return feature.extract(samples)

    def verdict(
        self,
        source: str | os.PathLike[str] | bytes | BinaryIO,
        *,
        machine_id: str = "",
        name: str = "",
        max_seconds: float = MAX_SECONDS,
    ) -> Verdict:
        """Say whether a recording is anomalous, which fault it sounds like, and what was heard
        when, by the models that the bundle has.

        Parameters
        ----------
        source : path, bytes or binary file
        machine_id : str
            ``02`` or, where several machine types are known, ``fan/02``. Where it is empty, an id
            in the recording's name (``..._id_02_...`` or ``section_02_...``) is taken. An id the
            model does not know, or none, is judged by the threshold of all ids together.
        name : str
            What messages call the recording; the path by default.
        max_seconds : float
            Longest duration that is accepted, in seconds.

        Raises
        ------
        AudioError
            If the recording cannot be used.
        ModelError
            If several machine types are known and `machine_id` does not tell which.
        """
        if not name and isinstance(source, (str, os.PathLike)):
            name = str(source)
        content = source if isinstance(source, (str, os.PathLike, bytes)) else source.read()
        if "detector" not in self.bundle.models:
            return self._of_events(content, name, max_seconds)
        machine = self.machine(machine_id, name)
        verdict = self.judge(self.frames(content, name=name, max_seconds=max_seconds), machine)
        if diagnosis := self.bundle.diagnosis:
            feature = diagnosis.feature
            samples, _ = load(
                content,
                sample_rate=feature.sample_rate,
                channel=feature.channel,
                name=name,
                max_seconds=max_seconds,
            )
            probabilities = diagnosis.probabilities(feature.extract(samples), machine)
            fault = diagnosis.likeliest_fault(probabilities)
            verdict = replace(
                verdict,
                message=self.bundle.messages.get(fault, fault) if verdict.anomaly else COMPONENT_OK,
                probabilities=tuple(map(float, probabilities)),
                labels=diagnosis.labels,
            )
        if "events" in self.bundle.models:
            verdict = replace(
                verdict,
                events=tuple(
                    self.bundle.events.listen(content, name=name, max_seconds=max_seconds)
                ),
            )
        return verdict

    def _of_events(
        self, content: str | os.PathLike[str] | bytes, name: str, max_seconds: float
    ) -> Verdict:
        """Say what was heard when, with a bundle that has no detector of anomalies."""
        model = self.bundle.events
        feature = model.feature
        samples, _ = load(
            content,
            sample_rate=feature.sample_rate,
            channel=feature.channel,
            name=name,
            max_seconds=max_seconds,
        )
        scores = model.scores(model.frames(samples, name))
        events = tuple(model.events(scores))
        highest = float(scores.max())
        heard = f"{len(events)} event{'s' if len(events) > 1 else ''}: {', '.join(model.labels)}"
        return Verdict(
            anomaly=bool(events),
            message=heard if events else NO_EVENT,
            probabilities=(1.0 - highest, highest),
            score=highest,
            threshold=model.threshold,
            machine="",
            model=self.bundle.name,
            events=events,
        )

    def judge(self, frames: Frames, machine: str) -> Verdict:
        """Say whether frames of a machine [shape=(n_frames, n_mels)] are anomalous, by the detector
        alone.
        """
        thresholds = self.bundle.thresholds
        score = self.bundle.detector.score(frames, machine)
        anomaly = thresholds.decide(score, machine)
        p = thresholds.probability(score, machine)
        return Verdict(
            anomaly=anomaly,
            message=ANOMALY if anomaly else COMPONENT_OK,
            probabilities=(1.0 - p, p),
            score=score,
            threshold=thresholds.threshold(machine),
            machine=machine,
            model=self.bundle.name,
        )

    def machine(self, machine_id: str, name: str = "") -> str:
        """Return the machine key, ``fan/02``, that an id and a recording's name stand for; its id
        is empty if unknown.
        """
        known = sorted(self.bundle.thresholds.machines)
        wanted = machine_id or machine_id_of_name(name)
        if wanted in known:
            return wanted
        types = types_of(known)
        machine_type, number = split_key(wanted) if "/" in wanted else ("", wanted)
        matching = [
            machine
            for machine in known
            if split_key(machine)[1] == number and machine_type in ("", type_of(machine))
        ]
        if len(matching) == 1:
            return matching[0]
        if len(types) > 1 and machine_type not in types:
            raise ModelError(
                f"machine id {wanted!r} does not say which of {', '.join(types)} is meant; give one of {', '.join(known)}"
            )
        return machine_key(machine_type if machine_type in types else types[0], "")


def machine_id_of_name(name: str) -> str:
    """Return the machine id in a recording's name, as the DCASE and MIMII sets write it, or an
    empty string.
    """
    path = Path(name)
    found = re.search(r"(?:^|_)(?:id|section)_(\d{2})(?:_|$)", path.stem) or re.fullmatch(
        r"id_(\d{2})", path.parent.parent.name
    )
    return found.group(1) if found else ""
