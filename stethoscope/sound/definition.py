"""What the definitions of all features have in common."""

from abc import ABC, abstractmethod
from dataclasses import asdict, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from stethoscope.options import Options
from stethoscope.sound.audio import Samples

Frames = npt.NDArray[np.float32]
"""Values of consecutive frames [shape=(n_frames, n_values)]."""


class FeatureDefinition(Options, ABC):
    """How frames are computed from samples.

    The definition is stored with everything that was computed by it, so that a model gets the same
    feature as in training. Derived classes are frozen dataclasses.

    Attributes
    ----------
    kind : str
        Name of the kind of feature in JSON.
    """

    kind: ClassVar[str]

    @property
    @abstractmethod
    def size(self) -> int:
        """Values per frame."""

    @abstractmethod
    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a recording of `n_samples` samples."""

    @abstractmethod
    def extract(self, samples: Samples) -> Frames:
        """Compute the frames of a recording at ``sample_rate``.

        Parameters
        ----------
        samples : np.ndarray [shape=(n_samples,), dtype=float32]

        Returns
        -------
        np.ndarray [shape=(n_frames, size), dtype=float32]
        """

    def at_rate(self, sample_rate: int) -> Self:
        """Return the same definition for recordings that are resampled to a rate, in Hz."""
        return replace(self, sample_rate=sample_rate)

    def to_json(self) -> dict[str, Any]:
        """Return the definition as JSON values, ``{"kind": ..., ...}``."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Build the definition from the value of :meth:`to_json`."""
        return cls(**{key: item for key, item in value.items() if key != "kind"})
