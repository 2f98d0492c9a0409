"""The detector ensemble: the scores of several detectors, combined."""

from stethoscope.detection.declaration import Declaration

ENSEMBLE = Declaration(
    name="ensemble",
    scores=("mean", "max"),
    parameters=frozenset({"fit_validation_split"}),
    training_class="stethoscope.detection.ensemble.fit:Ensemble",
    deployed_class="stethoscope.detection.ensemble.score:EnsembleScorer",
    combines=True,
)
