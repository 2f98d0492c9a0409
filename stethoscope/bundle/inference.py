"""The one way from sound to verdict.

Evaluation, ``predict``, the service and the golden vectors share this code.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stethoscope.bundle.bundle import Bundle
from stethoscope.diagnosis.model import UNKNOWN, Diagnosis
from stethoscope.errors import AudioError, ModelError
from stethoscope.events.decoder import Scores
from stethoscope.events.model import Event
from stethoscope.machines import machine_key, split_key, type_of, types_of
from stethoscope.sound.audio import MAX_SAMPLES, MAX_SECONDS
from stethoscope.sound.definition import Frames
from stethoscope.sound.measurement import Measurement
from stethoscope.sound.recording import Recording, Source
from stethoscope.sound.suitability import Finding

COMPONENT_OK = "Component OK"
ANOMALY = "Anomaly"
UNKNOWN_FAULT = "Unknown fault"
NO_EVENT = "No event"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result for one recording.

    Attributes
    ----------
    anomaly : bool
        The detector's decision: whether the score exceeds the threshold. Without a detector:
        whether an event was found.
    message : str
        For people.
    probabilities : tuple of float
        Of normal and of each fault, from the diagnosis. Without a diagnosis: ``(1 - p, p)`` with p
        the probability that a normal clip has a lower score. Without a detector: p is the highest
        score of a window, 0 to 1.
    score, threshold : float
    machine : str
        Machine type and id whose threshold was used, ``fan/02``. An empty id stands for the
        threshold of all ids together. Empty without a detector.
    model : str
        Name of the bundle.
    labels : tuple of str
        Labels of the probabilities; empty without a diagnosis.
    events : tuple of Event, or None
        The events in the recording; None without a model of events.
    fault_distance : float or None
        Distance from the nearest group of known faults, in units of the distance that few of the
        group's own recordings exceed. None without a diagnosis, or with one of an old version.
    warnings : tuple of Finding
        Why the verdict may be wrong: how the recording is unlike those of the training.
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
    fault_distance: float | None = None
    warnings: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        parts = [f"score={self.score:.4g}", f"threshold={self.threshold:.4g}"]
        if self.machine:
            parts.append(f"machine={self.machine!r}")
        if self.labels:
            pairs = zip(self.labels, self.probabilities, strict=True)
            parts.append(", ".join(f"{label} {p:.0%}" for label, p in pairs))
        if self.events is not None:
            parts.append(f"{len(self.events)} events")
        if self.warnings:
            parts.append(f"{len(self.warnings)} warnings")
        head = "anomalous" if self.anomaly else "normal"
        return f"Verdict({head}, {self.message!r}, {', '.join(parts)})"

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as the service answers it."""
        machine_type, machine_id = split_key(self.machine)
        details: dict[str, Any] = {
            "Message": self.message,
            "Probabilities": list(self.probabilities),
        }
        if self.labels:
            details["Labels"] = list(self.labels)
        if self.fault_distance is not None:
            details["FaultDistance"] = self.fault_distance
        details |= {
            "Score": self.score,
            "Threshold": self.threshold,
            "MachineType": machine_type,
            "MachineId": machine_id or None,
            "Model": self.model,
        }
        if self.events is not None:
            details["Events"] = [event.to_json() for event in self.events]
        if self.warnings:
            details["Warnings"] = [warning.to_json() for warning in self.warnings]
        return {"Anomaly": self.anomaly, "Details": details}


class Inference:
    """Gives verdicts on recordings with the models of a bundle.

    Parameters
    ----------
    bundle : Bundle
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @property
    def min_seconds(self) -> float:
        """Duration of the shortest recording that can be judged, in seconds."""
        if "detector" not in self.bundle.models:
            return self.bundle.events.window_seconds
        detector = self.bundle.detector
        return (
            (detector.min_frames - 1) * detector.feature.hop_length / detector.feature.sample_rate
        )

    def verdict(
        self,
        source: Source,
        *,
        machine_id: str = "",
        name: str = "",
        max_seconds: float = MAX_SECONDS,
        max_samples: int = MAX_SAMPLES,
        compare: bool = True,
    ) -> Verdict:
        """Judge a recording with every model that the bundle has.

        Parameters
        ----------
        source : path, bytes or binary file
        machine_id : str
            ``02`` or, if the model knows several machine types, ``fan/02``. If it is empty, an id
            in the recording's name (``..._id_02_...`` or ``section_02_...``) is used. Without an
            id, or with one that the model does not know, the threshold of all ids together is used.
        name : str
            Name of the recording in messages; the path by default.
        max_seconds : float
            Longest duration that is accepted, in seconds.
        max_samples : int
            Most samples that are accepted, over all channels.
        compare : bool
            Whether the recording is compared with those of the training.

        Raises
        ------
        AudioError
            If the recording cannot be used, or is so unlike those of the training that a verdict
            would say nothing about the machine; its attribute ``reason`` says why.
        ModelError
            If the model knows several machine types and `machine_id` does not name one of them.
        """
        recording = Recording(source, name=name, max_seconds=max_seconds, max_samples=max_samples)
        if "detector" not in self.bundle.models:
            return self._verdict_by_events(recording)
        machine = self.machine(machine_id, recording.name)
        frames, measured = self._frames(recording)
        warnings = self._warnings(recording, measured, machine) if compare else ()
        verdict = replace(self.decide(frames, machine), warnings=warnings)
        recording.check_finite(verdict.score)
        if diagnosis := self.bundle.diagnosis:
            verdict = self._with_diagnosis(verdict, diagnosis, recording)
        if "events" in self.bundle.models:
            events = self._events(recording)[1]
            verdict = replace(verdict, events=events)
        return verdict

    def frames(self, source: Source, *, name: str = "", max_seconds: float = MAX_SECONDS) -> Frames:
        """Compute the detector's frames of a recording that is not useless.

        The recording is not compared with those of the training.

        Parameters
        ----------
        source, name, max_seconds
            As for :meth:`verdict`.

        Returns
        -------
        np.ndarray [shape=(n_frames, n_mels), dtype=float32]

        Raises
        ------
        AudioError
            As for :meth:`verdict`.
        """
        return self._frames(Recording(source, name=name, max_seconds=max_seconds))[0]

    def decide(self, frames: Frames, machine: str) -> Verdict:
        """Judge frames with the detector alone.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_mels), dtype=float32]
        machine : str
            Machine type and id, ``fan/00``.
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
        """Return the key of the machine that an id or a recording's name stands for.

        Parameters
        ----------
        machine_id, name : str
            As for :meth:`verdict`.

        Returns
        -------
        str
            ``fan/02``, or ``fan/`` if the id is not known.

        Raises
        ------
        ModelError
            If the model knows several machine types and the id does not name one of them.
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
                f"machine id {wanted!r} names none of the machine types {', '.join(types)}; "
                f"give one of {', '.join(known)}"
            )
        return machine_key(machine_type if machine_type in types else types[0], "")

    def _frames(self, recording: Recording) -> tuple[Frames, Measurement]:
        """Compute the frames of a recording, and measure it; refuse what is useless."""
        feature = self.bundle.detector.feature
        samples = recording.samples(feature)
        n_samples = samples.shape[-1]
        if feature.n_frames(n_samples) < self.bundle.detector.min_frames:
            raise AudioError(
                f"{recording.name}: lasts {n_samples / feature.sample_rate:.3f} s, "
                f"the model needs at least {self.min_seconds:.3f} s; record longer"
            )
        measured = recording.measure(feature)
        frames = feature.extract(samples)
        return frames, measured.with_bands(frames[:, : feature.n_mels])

    def _warnings(
        self, recording: Recording, measured: Measurement, machine: str
    ) -> tuple[Finding, ...]:
        """Return what to warn about; refuse what is too unlike the training recordings."""
        profile = self.bundle.sound_profiles.get(type_of(machine))
        findings = profile.compare(measured) if profile else []
        if findings and findings[0].refuses:
            raise recording.refusal(findings[0])
        return tuple(findings)

    def _with_diagnosis(
        self, verdict: Verdict, diagnosis: Diagnosis, recording: Recording
    ) -> Verdict:
        frames = diagnosis.feature.extract(recording.samples(diagnosis.feature))
        false_alarms = self.bundle.thresholds.false_alarm_rate if verdict.anomaly else 1.0
        found = diagnosis.diagnose(frames, verdict.machine, false_alarms=false_alarms)
        message = COMPONENT_OK
        if verdict.anomaly:
            messages = {UNKNOWN: UNKNOWN_FAULT, **self.bundle.messages}
            message = messages.get(found.fault, found.fault)
        return replace(
            verdict,
            message=message,
            probabilities=tuple(map(float, found.probabilities)),
            labels=diagnosis.labels,
            fault_distance=found.distance,
        )

    def _verdict_by_events(self, recording: Recording) -> Verdict:
        """Judge a recording with a bundle that has no detector."""
        model = self.bundle.events
        scores, events = self._events(recording)
        highest = float(scores.max())
        found = f"{len(events)} event{'s' if len(events) > 1 else ''}: {', '.join(model.labels)}"
        return Verdict(
            anomaly=bool(events),
            message=found if events else NO_EVENT,
            probabilities=(1.0 - highest, highest),
            score=highest,
            threshold=model.threshold,
            machine="",
            model=self.bundle.name,
            events=events,
        )

    def _events(self, recording: Recording) -> tuple[Scores, tuple[Event, ...]]:
        model = self.bundle.events
        scores = model.scores_of(recording)
        return scores, tuple(model.events(scores))


def machine_id_of_name(name: str) -> str:
    """Return the machine id in the name of a recording of the DCASE and MIMII sets.

    Returns
    -------
    str
        Two digits; empty if the name has no id.
    """
    path = Path(name)
    found = re.search(r"(?:^|_)(?:id|section)_(\d{2})(?:_|$)", path.stem) or re.fullmatch(
        r"id_(\d{2})", path.parent.parent.name
    )
    return found.group(1) if found else ""
