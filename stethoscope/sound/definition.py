"""What the definitions of all features have in common."""

from abc import ABC, abstractmethod
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self, get_type_hints

import numpy as np
import numpy.typing as npt

from stethoscope.checks import Check, anything, check, flag, number, whole
from stethoscope.checks import fields as record
from stethoscope.errors import ModelError
from stethoscope.options import Options
from stethoscope.sound.audio import Samples

Frames = npt.NDArray[np.float32]
"""Values of consecutive frames [shape=(n_frames, n_values)]."""


_RULES: dict[Any, Check] = {int: whole(), float: number(), bool: flag}
"""The check of a field in JSON, by its type; the values of a field of texts are checked by it."""

_OF_EARLIER_VERSIONS = {"resampling": "soxr"}
"""Values of fields that earlier versions did not write."""


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
        """Build the definition from the value of :meth:`to_json`.

        Raises
        ------
        ModelError
            If a value is of another type than the field, or this version does not know the field.
        OptionError
            If a value is not within its range.
        """
        hints = get_type_hints(cls)
        types = {field.name: hints[field.name] for field in fields(cls)}
        earlier = {name: item for name, item in _OF_EARLIER_VERSIONS.items() if name in types}
        given = earlier | {key: item for key, item in value.items() if key != "kind"}
        if unknown := [name for name in given if name not in types]:
            raise ModelError(
                f"feature {cls.kind}: {', '.join(unknown)} is not known to this version; "
                "install the version that wrote it"
            )
        for name, item in given.items():
            rule = _RULES.get(types[name], anything)
            check(Path(f"feature {cls.kind}"), {name: item}, record({name: rule}))
        return cls(**given)
