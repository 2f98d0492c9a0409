"""The result for one recording."""

from dataclasses import dataclass
from typing import Any

from stethoscope.events.model import Event
from stethoscope.machines import split_key
from stethoscope.sound.suitability import Finding

Stretch = tuple[float, float]
"""Start and end, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What was found in the windows of a long recording.

    Attributes
    ----------
    window, step : float
        Length of a window, and from the start of one to that of the next, in seconds.
    starts : tuple of float
        Of every window, in seconds. The last one ends where the recording ends.
    scores : tuple of (float or None)
        Of every window; None for a refused one.
    anomalous : int
        Number of anomalous windows.
    stretches : tuple of Stretch
        Where at least 3 of 5 consecutive windows are anomalous.
    refused : tuple of (float, float, Finding)
        Start, end and reason of each window that cannot be judged.
    """

    window: float
    step: float
    starts: tuple[float, ...]
    scores: tuple[float | None, ...]
    anomalous: int
    stretches: tuple[Stretch, ...]
    refused: tuple[tuple[float, float, Finding], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the timeline as the service answers it."""
        return {
            "Window": self.window,
            "Step": self.step,
            "Starts": [round(start, 3) for start in self.starts],
            "Scores": list(self.scores),
            "Anomalous": self.anomalous,
            "Stretches": [
                {"Start": round(start, 3), "End": round(end, 3)} for start, end in self.stretches
            ],
            "Refused": [
                {"Start": round(start, 3), "End": round(end, 3), **why.to_json()}
                for start, end, why in self.refused
            ],
        }


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
        Of several classes of events: of that with the most evidence.
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
    timeline : Timeline or None
        The windows of a long recording; None for one that was judged as a whole.
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
    timeline: Timeline | None = None

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
        if self.timeline:
            parts.append(f"{len(self.timeline.starts)} windows")
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
        if self.timeline:
            details["Timeline"] = self.timeline.to_json()
        return {"Anomaly": self.anomaly, "Details": details}
