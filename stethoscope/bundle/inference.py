"""The one way from sound to verdict.

Evaluation, ``predict``, the service and the golden vectors share this code.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.timeline import Window, clock, verdict_of_windows
from stethoscope.bundle.verdict import Verdict
from stethoscope.diagnosis.model import UNKNOWN, Diagnosis
from stethoscope.errors import AudioError, ModelError, ParameterError
from stethoscope.events.decoder import Scores
from stethoscope.events.model import Event
from stethoscope.machines import machine_key, split_key, type_of, types_of
from stethoscope.sound.audio import MAX_SECONDS
from stethoscope.sound.definition import Frames
from stethoscope.sound.measurement import Measurement
from stethoscope.sound.parts import LongSource, Source, windows_of
from stethoscope.sound.recording import Recording
from stethoscope.sound.suitability import Finding

COMPONENT_OK = "Component OK"
ANOMALY = "Anomaly"
UNKNOWN_FAULT = "Unknown fault"
NO_EVENT = "No event"

WINDOW_SECONDS = 10.0
"""Length of the windows of a long recording where the training recordings' is not known."""

_SHORTEST_STEP = 0.01
_SHORTEST_END = 0.5  # of a window
_LEAST_SECONDS = 0.05
"""Of a recording that is classified; a shorter one than the network's input is extended."""


class Inference:
    """Gives verdicts on recordings with the models of a bundle.

    Parameters
    ----------
    bundle : Bundle
    decider : str
        Role of the model that decides what is anomalous: ``detector``, ``diagnosis``, ``events``
        or ``classifier``. By default the bundle's first of these.

    Attributes
    ----------
    role : str
        That role.

    Raises
    ------
    ParameterError
        If the bundle has no such model.
    """

    def __init__(self, bundle: Bundle, *, decider: str = "") -> None:
        self.bundle = bundle
        self.role = bundle.deciding_role(decider)

    @property
    def min_seconds(self) -> float:
        """Duration of the shortest recording that can be judged, in seconds."""
        if self.role == "events":
            return self.bundle.events.window_seconds
        if self.role != "detector":
            return _LEAST_SECONDS
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
        max_seconds: float | None = None,
        max_samples: int | None = None,
        compare: bool = True,
        window: float | None = None,
        step: float | None = None,
    ) -> Verdict:
        """Judge a recording with every model that the bundle has.

        A recording of at least 1.5 windows is judged window by window, each as if it were a
        recording of its own, and by :func:`~stethoscope.bundle.timeline.verdict_of_windows`. It is
        read in parts, so that memory does not grow with its length. A bundle without a detector
        judges recordings of any length as a whole.

        Parameters
        ----------
        source : path, bytes or binary file
        machine_id : str
            ``02`` or, if the model knows several machine types, ``fan/02``. If it is empty, an id
            in the recording's name (``..._id_02_...`` or ``section_02_...``) is used. Without an
            id, or with one that the model does not know, the threshold of all ids together is used.
        name : str
            Name of the recording in messages; the path by default.
        max_seconds : float, optional
            Longest duration that is accepted, in seconds. By default that of
            :class:`~stethoscope.sound.parts.LongSource`.
        max_samples : int, optional
            Most samples that are accepted, over all channels; by default as for `max_seconds`.
        compare : bool
            Whether the recording is compared with those of the training.
        window : float, optional
            Length of a window, in seconds; 0 judges every recording as a whole. By default
            :attr:`window_seconds`.
        step : float, optional
            From the start of a window to that of the next, in seconds; by default `window`.

        Raises
        ------
        AudioError
            If the recording cannot be used, or is so unlike those of the training that a verdict
            would say nothing about the machine; its attribute ``reason`` says why.
        ModelError
            If the model knows several machine types and `machine_id` does not name one of them.
        """
        with LongSource(
            source, name=name, max_seconds=max_seconds, max_samples=max_samples
        ) as opened:
            if self.role != "detector":
                return self._verdict_without_detector(
                    Recording.of(opened.whole(), opened.name), machine_id
                )
            machine = self.machine(machine_id, opened.name)
            seconds, hop = self._windows(window, step)
            if opened.is_long(seconds):
                return self._judge_windows(opened, machine, seconds, hop, compare=compare)
            return self._judge(Recording.of(opened.whole(), opened.name), machine, compare=compare)

    @property
    def window_seconds(self) -> float:
        """Length of the windows in which long recordings are judged, in seconds.

        It is that of the longest training recordings; :data:`WINDOW_SECONDS` where the bundle does
        not know it.
        """
        longest = [one.high["seconds"] for one in self.bundle.sound_profiles.values()]
        return max(self.min_seconds, max(longest, default=WINDOW_SECONDS))

    def _windows(self, window: float | None, step: float | None) -> tuple[float, float]:
        """Return length and step of the windows; a length of 0 for none."""
        seconds = self.window_seconds if window is None else window
        if seconds and not self.min_seconds <= seconds <= MAX_SECONDS:
            raise ParameterError(
                f"window is {seconds:g}; give {self.min_seconds:.3g} to {MAX_SECONDS:g} seconds,"
                " or 0 to judge recordings as a whole"
            )
        hop = seconds if step is None else step
        if seconds and not _SHORTEST_STEP <= hop <= MAX_SECONDS:
            raise ParameterError(
                f"step is {hop:g}; give {_SHORTEST_STEP:g} to {MAX_SECONDS:g} seconds"
            )
        return seconds, hop

    def _judge(self, recording: Recording, machine: str, *, compare: bool) -> Verdict:
        """Judge a recording, or a window of one, by the detector and with every other model."""
        frames, measured = self._frames(recording)
        warnings = self._warnings(recording, measured, machine) if compare else ()
        verdict = replace(self.decide(frames, machine), warnings=warnings)
        recording.check_finite(verdict.score)
        if diagnosis := self.bundle.diagnosis:
            verdict = self._with_diagnosis(verdict, diagnosis, recording)
        if "events" in self.bundle.models:
            verdict = replace(verdict, events=self._events(recording)[1])
        return verdict

    def _judge_windows(
        self, source: LongSource, machine: str, seconds: float, step: float, *, compare: bool
    ) -> Verdict:
        """Judge a long recording; refuse it if no window of it can be judged."""
        rate, windows = source.sample_rate, []
        refusal: AudioError | None = None
        intervals = windows_of(source.n_samples, rate, seconds, step)
        for (start, _), part in source.read(intervals):
            place = start / rate, start / rate + part.seconds
            name = f"{source.name} at {clock(place[0])}"
            if part.seconds < _SHORTEST_END * seconds:  # its header states more than it holds
                continue
            try:
                verdict = self._judge(Recording.of(part, name), machine, compare=compare)
            except AudioError as error:
                refusal = refusal or error
                windows.append(Window(*place, None, Finding(error.reason, str(error), True)))
            else:
                windows.append(Window(*place, verdict))
        if not any(window.verdict for window in windows):
            raise refusal or AudioError(f"{source.name}: holds no samples; record it again")
        return verdict_of_windows(windows, window=seconds, step=step)

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
        known = self.bundle.machines
        if not known:
            return ""
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

    def _verdict_without_detector(self, recording: Recording, machine_id: str) -> Verdict:
        """Judge a recording by the model that decides where it is no detector."""
        if self.role == "events":
            return self._verdict_by_events(recording)
        return self._verdict_by_classes(recording, machine_id)

    def _verdict_by_events(self, recording: Recording) -> Verdict:
        """Judge a recording by the events in it."""
        model = self.bundle.events
        scores, events = self._events(recording)
        clearest = model.clearest_class(scores)
        highest = float(scores[:, clearest].max())
        found = f"{len(events)} event{'s' if len(events) > 1 else ''}: {_named(events)}"
        return Verdict(
            anomaly=bool(events),
            message=found if events else NO_EVENT,
            probabilities=(1.0 - highest, highest),
            score=highest,
            threshold=model.classes[clearest].threshold,
            machine="",
            model=self.bundle.name,
            events=events,
        )

    def _verdict_by_classes(self, recording: Recording, machine_id: str) -> Verdict:
        """Judge a recording by its likeliest class.

        The score is how much likelier the likeliest other class is than normal. Without a class of
        normal sound nothing is anomalous.
        """
        machine, labels, probabilities, distance = self._classify(recording, machine_id)
        normal = self.bundle.normal_label
        likeliest = labels[max(range(len(labels)), key=probabilities.__getitem__)]
        score, threshold = max(probabilities), 1.0
        if normal:
            others = (p for label, p in zip(labels, probabilities, strict=True) if label != normal)
            score, threshold = max(others) - probabilities[labels.index(normal)], 0.0
        known = {normal: COMPONENT_OK, **self.bundle.messages}
        return Verdict(
            anomaly=bool(normal) and likeliest != normal,
            message=known.get(likeliest, likeliest),
            probabilities=probabilities,
            score=score,
            threshold=threshold,
            machine=machine,
            model=self.bundle.name,
            labels=labels,
            fault_distance=distance,
        )

    def _classify(
        self, recording: Recording, machine_id: str
    ) -> tuple[str, tuple[str, ...], tuple[float, ...], float | None]:
        """Return machine, labels and probabilities, and the distance from the known faults."""
        diagnosis = self.bundle.diagnosis
        if self.role != "diagnosis" or diagnosis is None:
            labels = self.bundle.classifier.labels
            found = self.bundle.classifier.classify_recording(recording)
            return "", labels, tuple(map(float, found)), None
        recording.measure(diagnosis.feature)
        frames = diagnosis.feature.extract(recording.samples(diagnosis.feature))
        machine = self.machine(machine_id, recording.name)
        diagnosed = diagnosis.diagnose(frames, machine)
        recording.check_finite(diagnosed.probabilities)
        probabilities = tuple(map(float, diagnosed.probabilities))
        return machine, diagnosis.labels, probabilities, diagnosed.distance

    def _events(self, recording: Recording) -> tuple[Scores, tuple[Event, ...]]:
        model = self.bundle.events
        scores = model.scores_of(recording)
        return scores, tuple(model.events(scores))


def _named(events: Sequence[Event]) -> str:
    """Return the labels of events, with their numbers where there are several."""
    counts = Counter(event.label for event in events)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{label} {number}" for label, number in sorted(counts.items()))


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
