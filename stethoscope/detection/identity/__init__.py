"""The detector id-classifier: the embedding of a network that distinguishes machines."""

from stethoscope.detection.declaration import Declaration

ID_CLASSIFIER = Declaration(
    name="id-classifier",
    scores=("density", "cosine", "mahalanobis"),
    parameters=frozenset({"fit_validation_split"}),
    training_class="stethoscope.detection.identity.fit:IdClassifier",
    deployed_class="stethoscope.detection.identity.score:IdClassifierScorer",
    samples=True,
)
