"""The detector pooled-gmm: pooled spectra and a Gaussian per machine."""

from stethoscope.detection.declaration import Declaration

POOLED_GMM = Declaration(
    name="pooled-gmm",
    scores=("vote",),
    parameters=frozenset(),
    training_class="stethoscope.detection.pooled.fit:PooledGmm",
    deployed_class="stethoscope.detection.pooled.score:PooledScorer",
)
