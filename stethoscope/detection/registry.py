"""Detectors: fitted on normal clips, written as a model folder that
:mod:`stethoscope.detection.scorer` scores with.
"""

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING

from stethoscope.detection.options import SCORES, DetectorOptions, FitOptions
from stethoscope.progress import warn

if TYPE_CHECKING:
    from stethoscope.detection.train import Detector

DETECTORS = tuple(SCORES)
"""Names of the detectors, the default first."""

_ALL = frozenset(field.name for field in fields(FitOptions))
_HEEDED = {
    "pooled-gmm": frozenset[str](),
    "autoencoder": _ALL,
    "interpolation": _ALL,
    "id-classifier": frozenset({"validation_split"}),
    "ensemble": frozenset({"validation_split"}),
}


def make_detector(options: DetectorOptions, fit: FitOptions, *, context: int) -> "Detector":
    """Return an unfitted detector. A ``fit_*`` parameter that was changed, but not for this
    detector, is warned about.

    Parameters
    ----------
    options : DetectorOptions
    fit : FitOptions
        The ``fit_*`` parameters and the seed.
    context : int
        Frames per window.

    Raises
    ------
    ParameterError
        If `context` cannot work.
    """
    heeded = _HEEDED[options.name].union(*(_HEEDED[kind] for kind in options.kinds))
    changed = {field.name for field in fields(fit) if getattr(fit, field.name) != field.default} - {
        "seed",
        "verbose",
    }
    if ignored := changed - heeded:
        names = sorted(
            "detector_epoch_share" if field == "epoch_share" else f"fit_{field}"
            for field in ignored
        )
        warn(
            f"detector {options.name} has no use for {', '.join(names)}; choose a detector that has, or leave them at their defaults"
        )
    return _make(options, fit, context)


def _make(options: DetectorOptions, fit: FitOptions, context: int) -> "Detector":
    # Modules are imported as they are needed: TensorFlow takes seconds to load, and the default
    # detector has no use for it.
    match options.name:
        case "pooled-gmm":
            from stethoscope.detection.pooled.fit import PooledGmm

            return PooledGmm()
        case "id-classifier":
            from stethoscope.detection.identity.fit import IdClassifier

            return IdClassifier(
                score=options.scores_by, epochs=options.epochs, verbose=fit.verbose, seed=fit.seed
            )
        case "ensemble":
            from stethoscope.detection.ensemble.fit import Ensemble

            members = [
                _make(replace(options, name=name, score=""), fit, context)
                for name in options.member_names
            ]
            return Ensemble(members, score=options.scores_by)
        case name:
            from stethoscope.detection.autoencoder.fit import Autoencoder
            from stethoscope.detection.autoencoder.interpolation import Interpolation
            from stethoscope.detection.autoencoder.training import Fit

            network = {"autoencoder": Autoencoder, "interpolation": Interpolation}[name]
            return network(context=context, fit_options=Fit(**asdict(fit)), score=options.scores_by)
