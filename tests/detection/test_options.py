import pytest

from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.errors import ParameterError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"name": "gmm"},
            "detector is 'gmm'; choose one of pooled-gmm, autoencoder, interpolation, id-classifier, ensemble",
        ),
        (
            {"name": "autoencoder", "score": "max"},
            "detector_score is 'max'; autoencoder can score by mse, mahalanobis",
        ),
        (
            {"name": "ensemble", "members": "pooled-gmm, gmm"},
            "detector_members holds gmm; choose from pooled-gmm, autoencoder",
        ),
        (
            {"name": "ensemble", "members": "ensemble,autoencoder"},
            "detector_members holds ensemble",
        ),
        ({"name": "ensemble", "members": "autoencoder"}, "name two different detectors or more"),
        (
            {"name": "ensemble", "members": "autoencoder,autoencoder"},
            "name two different detectors or more",
        ),
        ({"epochs": 0}, "detector_epochs is 0"),
    ],
)
def test_impossible_detector_options_are_named(values: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        DetectorOptions(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "fit_epochs is 0"),
        ({"batch_size": 0}, "fit_batch_size is 0"),
        ({"validation_split": 1.0}, "fit_validation_split is 1.0"),
        ({"verbose": 3}, "fit_verbose is 3"),
        ({"epoch_share": 0.0}, "detector_epoch_share is 0.0"),
        ({"compile_optimizer": "adm"}, "fit_compile_optimizer is 'adm'"),
        ({"compile_loss": "mse2"}, "fit_compile_loss is 'mse2'"),
    ],
)
def test_impossible_fit_options_are_named(values: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        FitOptions(**values)
