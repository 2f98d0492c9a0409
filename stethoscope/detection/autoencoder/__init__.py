"""The detectors autoencoder and interpolation: networks that predict frames of a window."""

from stethoscope.detection.declaration import Declaration

_PARAMETERS = frozenset(
    {
        "detector_epoch_share",
        "feature_frames",
        "fit_batch_size",
        "fit_compile_loss",
        "fit_compile_optimizer",
        "fit_epochs",
        "fit_shuffle",
        "fit_validation_split",
    }
)

AUTOENCODER = Declaration(
    name="autoencoder",
    scores=("mse", "mahalanobis"),
    parameters=_PARAMETERS,
    training_class="stethoscope.detection.autoencoder.fit:Autoencoder",
    deployed_class="stethoscope.detection.autoencoder.score:PredictionScorer",
)

INTERPOLATION = Declaration(
    name="interpolation",
    scores=("mse", "mahalanobis"),
    parameters=_PARAMETERS,
    training_class="stethoscope.detection.autoencoder.fit:Interpolation",
    deployed_class="stethoscope.detection.autoencoder.score:PredictionScorer",
)
