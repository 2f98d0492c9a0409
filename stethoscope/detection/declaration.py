"""What a detector's folder declares about itself, once."""

from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A detector, as the ``__init__.py`` of its folder declares it.

    The classes are named by text, ``package.module:Class``, and imported when they are needed:
    training loads TensorFlow, which is neither installed where models are deployed nor wanted where
    only the names of the detectors are.

    Attributes
    ----------
    name : str
        As users write it.
    scores : tuple of str
        The ways in which it can score a clip, its default first.
    parameters : frozenset of str
        Parameters that it uses, among those that several detectors use and others ignore. A
        parameter of a single detector names it in its own definition.
    training_class : str
        Its :class:`~stethoscope.detection.detector.Detector`.
    deployed_class : str
        Its :class:`~stethoscope.detection.scorer.Scorer`.
    combines : bool
        Whether it combines other detectors; it cannot be combined itself.
    samples : bool
        Whether it needs the samples of a clip beside its log-mel spectrogram.
    """

    name: str
    scores: tuple[str, ...]
    parameters: frozenset[str]
    training_class: str
    deployed_class: str
    combines: bool = False
    samples: bool = False

    def import_training_class(self) -> Any:
        """Return the class that is fitted."""
        return resolve_name(self.training_class)

    def import_deployed_class(self) -> Any:
        """Return the class that scores."""
        return resolve_name(self.deployed_class)
