"""The deployed half of the event detector: from sound to events in time, with numpy and LiteRT."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stethoscope.checks import check, entries, fields, items, number, text, whole
from stethoscope.errors import AudioError, ModelError
from stethoscope.events.decoder import Decoder, EventWindows, Scores, evidence
from stethoscope.model.folder import read_description
from stethoscope.model.network import Int8Network, Network
from stethoscope.sound.audio import MAX_SECONDS, Samples
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import read_feature_of
from stethoscope.sound.parts import Source
from stethoscope.sound.recording import Recording

KIND = "events"
NETWORKS = ("float", "int8")
"""The networks that a model of events has: for a computer, and for a microcontroller."""

_WINDOWS = number(above=0, most=1e9)
_CLASS = {
    "thresholds": entries(number(least=0, most=1)),
    "decoder": fields(
        {
            "length": _WINDOWS,
            "spread": number(least=1e-3, most=100),
            "interval": number(above=1, most=1e12),
            "hold_off": whole(least=1, most=1_000_000),
        }
    ),
}
_MODEL = {
    "window": whole(least=1, most=100_000),
    "stride": whole(least=1, most=100_000),
    "mean": number(),
    "deviation": number(above=0),
    "labels": items(text()),
}
_ONE_CLASS = fields({**_MODEL, **_CLASS})
_CLASSES = fields({**_MODEL, "classes": items(fields({**_CLASS, "label": text()}), least=2)})


@dataclass(frozen=True, slots=True)
class Event:
    """An event that was found in a recording.

    Attributes
    ----------
    start, end : float
        In seconds.
    score : float
        Mean score of its windows, 0 to 1.
    reported_at : float
        When a stream would have reported that the event is on, in seconds: the end of the window
        after which an event is likelier than background.
    label : str
        Of its class.
    """

    start: float
    end: float
    score: float
    reported_at: float
    label: str = ""

    def to_json(self) -> dict[str, float | str]:
        """Return the event as JSON values, times rounded to a tenth of a millisecond."""
        return {
            name: value if name == "label" else round(value, 4)
            for name, value in asdict(self).items()
        }


@dataclass(kw_only=True)
class EventClass:
    """A class of events, and how its events are found in the scores of windows.

    Attributes
    ----------
    label : str
        Its label; the labels that were made one class are joined by commas.
    threshold : float
        Score at which a window is no evidence for or against an event.
    decoder : Decoder
    stride_seconds, window_seconds : float
        Time from window to window, and duration of a window.
    """

    label: str
    threshold: float
    decoder: Decoder
    stride_seconds: float
    window_seconds: float

    def events(self, scores: Scores) -> list[Event]:
        """Turn the scores of a recording's windows [shape=(n_windows,)] into events."""
        return [self.event(one) for one in self.decoder.decode(scores, self.threshold)]

    def event(self, found: EventWindows) -> Event:
        """Return an event at its times in the recording."""
        return Event(
            start=found.first * self.stride_seconds,
            end=found.last * self.stride_seconds + self.window_seconds,
            score=found.score,
            reported_at=found.reported * self.stride_seconds + self.window_seconds,
            label=self.label,
        )


class EventDetector:
    """Finds events in recordings with a model folder.

    Attributes
    ----------
    feature : BandSpectrum
    window, stride : int
        Frames per window, and from window to window.
    mean, deviation : float
        Frames are normalised with them.
    labels : list of str
        Labels of the events that it was trained on.
    classes : list of EventClass
        In the order of the network's outputs.
    """

    def __init__(
        self,
        network: Network | Int8Network,
        model: dict[str, Any],
        feature: BandSpectrum,
        name: str,
    ) -> None:
        self.network = network
        self.feature = feature
        self.window: int = model["window"]
        self.stride: int = model["stride"]
        self.mean: float = model["mean"]
        self.deviation: float = model["deviation"]
        self.labels: list[str] = model["labels"]
        self.classes = [self._class(one, name) for one in _described_classes(model)]

    @classmethod
    def open(cls, folder: str | os.PathLike[str], network: str = "float") -> Self:
        """Open a model folder.

        Parameters
        ----------
        folder : path
        network : {"float", "int8"}
            Which of its networks to run; each has a threshold of its own.

        Raises
        ------
        ModelError
            If the folder is incomplete, of another kind, or has no such network.
        """
        folder = Path(folder)
        model = read_description(folder, [KIND])
        check(folder / "model.json", model, _CLASSES if "classes" in model else _ONE_CLASS)
        for one in _described_classes(model):
            if network not in one["thresholds"]:
                raise ModelError(
                    f"{folder}: has no {network} network; it has {', '.join(one['thresholds'])}; "
                    "export the model again"
                )
        feature = read_feature_of(folder / "feature.json", BandSpectrum)
        opened = (Int8Network if network == "int8" else Network)(
            folder / f"events_{network}.tflite", (None, model["window"], feature.n_bands)
        )
        return cls(opened, model, feature, network)

    def _class(self, described: Mapping[str, Any], network: str) -> EventClass:
        decoder = described["decoder"]
        return EventClass(
            label=described["label"],
            threshold=described["thresholds"][network],
            decoder=Decoder(
                length=decoder["length"],
                spread=decoder["spread"],
                interval=decoder["interval"],
                hold_off=decoder["hold_off"],
            ),
            stride_seconds=self.stride_seconds,
            window_seconds=self.window_seconds,
        )

    @property
    def window_seconds(self) -> float:
        """Duration of a window, in seconds."""
        return window_samples(self.feature, self.window) / self.feature.sample_rate

    @property
    def stride_seconds(self) -> float:
        """Time from window to window, in seconds."""
        return self.stride * self.feature.hop_length / self.feature.sample_rate

    def scores(self, frames: Frames) -> Scores:
        """Score every window of a recording.

        Parameters
        ----------
        frames : np.ndarray [shape=(n_frames, n_bands), dtype=float32]

        Returns
        -------
        np.ndarray [shape=(n_windows, n_classes), dtype=float32]
            0 to 1; the higher, the likelier the window lies inside an event of the class.
        """
        if len(frames) < self.window:
            return np.empty((0, len(self.classes)), dtype=np.float32)
        windows = windows_of(normalise(frames, self.mean, self.deviation), self.window, self.stride)
        return self.network(windows, (len(windows), len(self.classes)))

    def clearest_class(self, scores: Scores) -> int:
        """Return the class with the most evidence in a window [shape=(n_windows, n_classes)]."""
        found = [
            evidence(values.max(keepdims=True), one.threshold)[0]
            for one, values in zip(self.classes, scores.T, strict=True)
        ]
        return int(np.argmax(found))

    def events(self, scores: Scores) -> list[Event]:
        """Turn the scores of a recording's windows [shape=(n_windows, n_classes)] into events.

        They are in order of their starts; those of different classes may overlap.
        """
        found = (
            event
            for one, values in zip(self.classes, scores.T, strict=True)
            for event in one.events(values)
        )
        return sorted(found, key=lambda event: event.start)

    def find(
        self,
        source: Source,
        *,
        name: str = "",
        max_seconds: float = MAX_SECONDS,
    ) -> list[Event]:
        """Find the events of a recording.

        Parameters
        ----------
        source : path, bytes or binary file
        name : str
            Name of the recording in messages; the path by default.
        max_seconds : float
            Longest duration that is accepted, in seconds.

        Raises
        ------
        AudioError
            If the recording cannot be decoded, is useless or shorter than one window.
        """
        recording = Recording(source, name=name, max_seconds=max_seconds)
        return self.events(self.scores_of(recording))

    def scores_of(self, recording: Recording) -> Scores:
        """Return the scores of the windows of a recording.

        Raises
        ------
        AudioError
            If the recording is useless or shorter than one window, or a score is not finite.
        """
        samples = recording.samples(self.feature)
        frames = self.frames(samples, recording.name)
        recording.measure(self.feature, padded=True)
        scores = self.scores(frames)
        recording.check_finite(scores)
        return scores

    def frames(self, samples: Samples, name: str = "recording") -> Frames:
        """Compute the frames of samples [shape=(n_samples,)].

        Raises
        ------
        AudioError
            If the samples are shorter than one window.
        """
        if len(samples) < window_samples(self.feature, self.window):
            lasts = len(samples) / self.feature.sample_rate
            raise AudioError(
                f"{name}: lasts {lasts:.3f} s, the model needs at least "
                f"{self.window_seconds:.3f} s; record longer"
            )
        return self.feature.extract(samples)


def describe_classes(classes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the entries of ``model.json`` on classes, of which each has its label.

    A single class is described as before there could be several.
    """
    if len(classes) > 1:
        return {"classes": list(classes)}
    return {name: value for name, value in classes[0].items() if name != "label"}


def _described_classes(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    described: list[Mapping[str, Any]] = model.get("classes") or [
        {
            "label": class_label(model["labels"]),
            "decoder": model["decoder"],
            "thresholds": model["thresholds"],
        }
    ]
    return described


def class_label(labels: Sequence[str]) -> str:
    """Return the label of a class, from those of its events."""
    return ", ".join(labels)


def window_samples(feature: BandSpectrum, window: int) -> int:
    """Return the length of a window of `window` frames, in samples."""
    return (window - 1) * feature.hop_length + feature.n_fft


def normalise(frames: Frames, mean: float, deviation: float) -> Frames:
    """Return normalised frames, computed in float32 as on a microcontroller."""
    return (frames - np.float32(mean)) / np.float32(deviation)


def windows_of(frames: Frames, window: int, stride: int) -> Frames:
    """Cut frames into windows [shape=(n_windows, window, n_bands)]."""
    cut = np.lib.stride_tricks.sliding_window_view(frames, window, axis=0)[::stride]
    return np.ascontiguousarray(cut.transpose(0, 2, 1))


def window_labels(
    intervals: Sequence[tuple[float, float]],
    starts: npt.NDArray[np.int64],
    length: int,
    sample_rate: int,
) -> Scores:
    """Label windows: 1 where all samples of the window lie inside one interval, else 0.

    Parameters
    ----------
    intervals : sequence of (float, float)
        Start and end, in seconds.
    starts : np.ndarray of int [shape=(n_windows,)]
        First sample of every window.
    length : int
        Samples per window.
    sample_rate : int
        In Hz.

    Returns
    -------
    np.ndarray [shape=(n_windows,), dtype=float32]
    """
    labels = np.zeros(len(starts), dtype=np.float32)
    for start, end in intervals:
        labels[(starts >= start * sample_rate) & (starts + length <= end * sample_rate)] = 1.0
    return labels
