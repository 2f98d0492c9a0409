"""What every detector does to be trained, and how one is made from the parameters."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from stethoscope.detection.options import DETECTOR, FIT, DetectorOptions, FitOptions
from stethoscope.detection.registry import DETECTORS
from stethoscope.features.store import FeatureStore
from stethoscope.progress import warn

Indices = npt.NDArray[np.intp]

_USED_BY_ALL = {"detector", "detector_score", "fit_verbose", "seed"}


class Detector(ABC):
    """The training half of a detector.

    Attributes
    ----------
    kind : str
        Name of the detector.
    cross_fits : bool
        Whether `fit` also scores every training clip by a model that was fitted without the clip's
        recording. No recording need then be held out.
    curves_ : dict of str to dict of str to list of float
        Loss curves by machine type; empty where nothing is trained by epochs.
    out_of_fold_ : np.ndarray [shape=(n_training,)] or None
        The scores of a detector that cross-fits, in the order of the clips' indices; otherwise
        None.
    """

    kind: ClassVar[str]
    cross_fits: ClassVar[bool] = False
    curves_: dict[str, dict[str, list[float]]]
    out_of_fold_: npt.NDArray[np.float64] | None = None

    @classmethod
    @abstractmethod
    def from_options(cls, options: DetectorOptions, fit: FitOptions) -> Self:
        """Make an unfitted detector."""

    @abstractmethod
    def fit(self, store: FeatureStore, training: Indices, held_out: Indices) -> Self:
        """Fit on clips of all machine types.

        Parameters
        ----------
        store : FeatureStore
        training : np.ndarray of int
            Indices of the clips to fit on.
        held_out : np.ndarray of int
            Indices of clips that may be used for validation only.
        """

    @abstractmethod
    def save(self, folder: Path) -> dict[str, Any]:
        """Write networks and numbers into a folder; return what ``model.json`` holds about them."""


def make_detector(options: DetectorOptions, fit: FitOptions) -> Detector:
    """Return an unfitted detector; warn about changed parameters that it does not use.

    Parameters
    ----------
    options : DetectorOptions
    fit : FitOptions
        How networks are fitted, and the seed.
    """
    kinds = {options.name, *options.kinds}
    used = {one.name for one in DETECTOR.parameters if one.used_by in kinds}.union(
        *(DETECTORS[name].parameters for name in kinds)
    )
    changed = {*DETECTOR.changed(options), *FIT.changed(fit)}
    if ignored := sorted(changed - used - _USED_BY_ALL):
        warn(
            f"detector {options.name} does not use {', '.join(ignored)}; "
            "choose a detector that does, or leave them at their defaults"
        )
    return new_detector(options, fit)


def new_detector(options: DetectorOptions, fit: FitOptions) -> Detector:
    """Return an unfitted detector, as `make_detector` does, but without warnings."""
    detector_class: type[Detector] = DETECTORS[options.name].import_training_class()
    return detector_class.from_options(options, fit)
