"""The model that is exported, and the facts that depend on its kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stethoscope.edge.c.layers import PlainNetwork, read_layers
from stethoscope.edge.c.text import Array, Constant
from stethoscope.machines import format_machine
from stethoscope.model.network import Int8Network
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.definition import Frames
from stethoscope.sound.feature import Feature

GoldenScores = Callable[[Frames, Frames], tuple[npt.NDArray[np.float32], float]]
"""Computes the scores of the golden windows, and the largest difference that they may have in C.

Takes the network's output [shape=(n_windows, n_outputs)] and its input, the normalised windows
[shape=(n_windows, window, n_values)].
"""


@dataclass(frozen=True)
class Int8File:
    """An int8 TFLite file, and its layers."""

    path: Path
    content: bytes
    layers: PlainNetwork

    @classmethod
    def read(cls, path: Path) -> "Int8File":
        """Read a file.

        Raises
        ------
        ModelError
            If plain C cannot run its network.
        """
        content = path.read_bytes()
        return cls(path, content, read_layers(content, path.name))

    def run(self, windows: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """Return the network's output for quantised windows [shape=(n_windows, n_outputs)]."""
        return Int8Network(self.path).steps(windows).reshape(len(windows), -1)


@dataclass(frozen=True)
class Target:
    """A model of a bundle, as the C source needs it.

    Attributes
    ----------
    kind : {"events", "anomaly", "classes"}
    name : str
    task : str
        What the model does, in words that follow its name.
    file : Int8File
    feature : Feature
    window, stride : int
        Frames per window, and from window to window.
    mean, deviation : float or np.ndarray [shape=(n_values,)]
        By which frames are normalised.
    constants : sequence of Constant
        Further constants of ``model.h``.
    golden_scores : GoldenScores
    labels : tuple of str
    arrays : sequence of Array
        Further arrays of ``model.c``.
    golden : sequence of Array
        Further golden vectors; ``golden.h`` has the number of their rows.
    clip_samples : int
        Samples of a clip that fills the window; 0 where a stream is processed.
    block_seconds : float
        Duration of the sound of a verdict about anomalies; 0 for other models.
    """

    kind: str
    name: str
    task: str
    file: Int8File
    feature: Feature
    window: int
    stride: int
    mean: float | Frames
    deviation: float | Frames
    constants: Sequence[Constant]
    golden_scores: GoldenScores
    labels: tuple[str, ...] = ()
    arrays: Sequence[Array] = ()
    golden: Sequence[Array] = ()
    clip_samples: int = 0
    block_seconds: float = 0.0

    @property
    def facts(self) -> str:
        """A sentence about the results."""
        if self.labels:
            return f"Classes: {', '.join(self.labels)}."
        return block_sentence(self.block_seconds)

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of ``sources`` whose files are exported, all into one folder."""
        return (
            "common",
            "network",
            "clip" if self.clip_samples else "stream",
            self.kind,
            "bands" if isinstance(self.feature, BandSpectrum) else "mel",
        )


def anomaly_task(machine: str) -> str:
    """Return what a detector of anomalies does; the id of the machine may be empty."""
    return f"decides whether {format_machine(machine)} sounds anomalous"


def block_sentence(seconds: float) -> str:
    """Return a sentence about the verdicts of a detector of anomalies."""
    return f"Every block of {seconds:.3g} s gets a verdict."
