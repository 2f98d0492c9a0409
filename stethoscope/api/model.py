"""A deployed model in a Python program or a notebook."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import soundfile

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.bundle.trial import try_in_process
from stethoscope.bundle.verdict import Verdict
from stethoscope.detection.evidence import STRENGTHS, heat
from stethoscope.errors import ParameterError
from stethoscope.sound.display import dynamic_range
from stethoscope.sound.parts import Source

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_CHANNELS = 64

Sound = Source | npt.NDArray[Any]
"""A recording: its path, its content, an open binary file, or samples.

Samples are an array [shape=(n_samples,) or (channels, n_samples)] of floats from -1 to 1, or of
whole numbers over the range of their type.
"""


def load(bundle: str | os.PathLike[str], *, trial: bool = False) -> "Model":
    """Load a bundle.

    Parameters
    ----------
    bundle : path
        The folder ``bundle`` of a run.
    trial : bool
        Open it first in a new Python process, and judge its golden sounds there: for a bundle that
        somebody else made. A network that crashes or hangs its runtime is an error then, and does
        not end this program. It takes about a second.

    Raises
    ------
    ModelError
        If it is no bundle, or was altered, or failed in the trial.

    Examples
    --------
    >>> model = stethoscope.load("runs/first/bundle")  # doctest: +SKIP
    >>> model.predict("new.wav").anomaly  # doctest: +SKIP
    False
    """
    if trial:
        try_in_process(bundle)
    return Model(Bundle.open(bundle))


class Model:
    """A model that judges recordings, as ``stethoscope predict`` and the service do.

    Parameters
    ----------
    bundle : Bundle
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._inference = Inference(bundle)

    def __repr__(self) -> str:
        return f"Model({self.name!r}, machines={self.machines})"

    @property
    def name(self) -> str:
        """Name of the bundle."""
        return self.bundle.name

    @property
    def machines(self) -> list[str]:
        """The machines that have a threshold of their own, such as ``fan/00``."""
        return list(self.bundle.manifest["machines"])

    def predict(
        self,
        recording: Sound,
        *,
        sample_rate: int | None = None,
        machine_id: str = "",
        window: float | None = None,
        step: float | None = None,
    ) -> Verdict:
        """Judge a recording.

        Parameters
        ----------
        recording : path, bytes, binary file or np.ndarray
            See :data:`Sound`.
        sample_rate : int
            In Hz; for an array only.
        machine_id : str
            ``02`` or ``fan/02``; by default taken from the name of the file.
        window, step : float, optional
            Length of the windows in which a long recording is judged, and from window to window,
            in seconds; a length of 0 judges it as a whole.

        Raises
        ------
        AudioError
            If the recording says nothing about the machine; its ``reason`` is for programs.
        ParameterError
            If an array has no sample rate, or another shape, or the window is out of range.
        """
        source = _source(recording, sample_rate)
        return self._inference.verdict(source, machine_id=machine_id, window=window, step=step)

    def explain(
        self, recording: Sound, *, sample_rate: int | None = None, machine_id: str = ""
    ) -> "Explanation":
        """Judge a recording, and return what made its score.

        It takes more time than :meth:`predict`, whose parameters and errors it has. A long
        recording is judged as a whole.

        Raises
        ------
        ModelError
            If the bundle has no detector of anomalies.
        """
        source = _content(_source(recording, sample_rate))
        name = os.fspath(recording) if isinstance(recording, str | os.PathLike) else ""
        detector = self.bundle.detector
        verdict = self._inference.verdict(source, machine_id=machine_id, name=name, window=0)
        frames = self._inference.frames(source, name=name)
        evidence = detector.evidence(frames, verdict.machine)
        feature = detector.feature
        lines = np.arange(1 + feature.n_fft // 2) * (feature.sample_rate / feature.n_fft)
        return Explanation(
            verdict=verdict,
            times=np.arange(len(frames)) * (feature.hop_length / feature.sample_rate),
            frequencies=np.maximum.accumulate(lines[feature.filters.argmax(axis=1)]),
            spectrogram=frames[:, : feature.n_mels],
            evidence=evidence.values,
            strengths=evidence.above(
                verdict.threshold, self.bundle.thresholds.unit(verdict.machine)
            ),
            parts=dict(evidence.parts),
            dynamic_range=dynamic_range(feature),
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """What made the score of a recording. In a notebook it is shown as a figure.

    Attributes
    ----------
    verdict : Verdict
    times : np.ndarray [shape=(n_frames,)]
        Of the frames, in seconds.
    frequencies : np.ndarray [shape=(n_bands,)]
        Of the bands of the spectrogram, in Hz.
    spectrogram : np.ndarray [shape=(n_frames, n_bands)]
        In decibels.
    evidence : np.ndarray [shape=(n_frames, n_places)]
        What each place contributes to the score, in units of the score; over the same frequencies.
    strengths : np.ndarray [shape=(n_frames, n_places)]
        How strongly each place contributes to what lies above the threshold; 0 everywhere if
        nothing does. See :meth:`stethoscope.detection.evidence.Evidence.above`.
    parts : mapping of str to float
        Contributions of the parts of the detector; empty for a detector without parts.
    """

    verdict: Verdict
    times: npt.NDArray[np.floating]
    frequencies: npt.NDArray[np.floating]
    spectrogram: npt.NDArray[np.floating]
    evidence: npt.NDArray[np.floating]
    strengths: npt.NDArray[np.floating]
    parts: Mapping[str, float]
    dynamic_range: float = field(repr=False)

    def __repr__(self) -> str:
        return f"Explanation({self.verdict!r}, {len(self.times)} frames)"

    def figure(self) -> "Figure":
        """Return the spectrogram above what made the score, as a figure of matplotlib.

        Raises
        ------
        ModuleNotFoundError
            If matplotlib is not installed; it is part of the extra ``train``.
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 5), layout="constrained")
        above, below = figure.subplots(2, sharex=True, sharey=True)
        loudest = float(self.spectrogram.max())
        quietest = max(float(self.spectrogram.min()), loudest - self.dynamic_range)
        image = self._draw(above, self.spectrogram, (quietest, loudest), "viridis")
        figure.colorbar(image, ax=above, label="dB")
        image = self._draw(below, heat(self.strengths), (0.0, 1.0), "inferno")
        low, high = STRENGTHS
        ticks = [0.0, 0.5, 1.0]
        bar = figure.colorbar(image, ax=below, label="strength", ticks=ticks)
        bar.ax.set_yticklabels([f"{low * (high / low) ** tick:g}" for tick in ticks])
        verdict = self.verdict
        above.set_title(f"{verdict.message}: score {verdict.score:.3g} ({verdict.threshold:.3g})")
        below.set_title("What made the score exceed the threshold")
        below.set_xlabel("seconds")
        return figure

    def _draw(
        self, axes: Any, values: npt.NDArray[np.floating], limits: tuple[float, float], colours: str
    ) -> Any:
        low, high = limits
        end = float(self.times[-1]) if len(self.times) > 1 else 1.0
        image = axes.imshow(
            values.T,
            origin="lower",
            aspect="auto",
            cmap=colours,
            vmin=low,
            vmax=high,
            extent=(0.0, end, 0.0, 1.0),
            interpolation="nearest",
        )
        places = np.linspace(0, len(self.frequencies) - 1, 6).round().astype(int)
        axes.set_yticks(
            (places + 0.5) / len(self.frequencies),
            [f"{frequency:.0f}" for frequency in self.frequencies[places]],
        )
        axes.set_ylabel("Hz")
        return image

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.figure().savefig(content, format="png", dpi=100)
        return content.getvalue()


def _source(recording: Sound, sample_rate: int | None) -> Source:
    """Return what can be decoded: samples become the content of a WAV file of floats."""
    if not isinstance(recording, np.ndarray):
        if sample_rate is not None:
            raise ParameterError("sample_rate is for an array only; a file has its own")
        return recording
    if sample_rate is None or not sample_rate >= 1:
        raise ParameterError(f"sample_rate is {sample_rate}; give that of the array, in Hz")
    samples = np.atleast_2d(recording)
    if (
        samples.ndim != 2
        or not 1 <= len(samples) <= _MOST_CHANNELS
        or samples.dtype.kind not in ("fiu")
    ):
        raise ParameterError(
            f"the array has the shape {recording.shape} and the type {recording.dtype}; "
            "give numbers of the shape (samples,) or (channels, samples)"
        )
    content = io.BytesIO()
    soundfile.write(content, _as_floats(samples).T, int(sample_rate), "FLOAT", format="WAV")
    return content.getvalue()


def _as_floats(samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return samples with the full scale from -1 to 1."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    limits = np.iinfo(samples.dtype)
    middle, half = (limits.max + limits.min + 1) / 2, (limits.max - limits.min + 1) / 2
    scaled: npt.NDArray[np.float32] = ((samples - middle) / half).astype(np.float32)
    return scaled


def _content(source: Source) -> Source:
    """Return a source that can be read twice."""
    return source.read() if hasattr(source, "read") else source
