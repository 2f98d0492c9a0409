"""The parameters of anomaly detection; what is possible for each is tested with its pipeline."""

import pytest

from stethoscope.detection.options import DETECTOR, DetectorOptions
from stethoscope.errors import ParameterError


@pytest.mark.parametrize("frames", [1, 2, 4])
@pytest.mark.parametrize(
    "detector",
    [
        {"detector": "interpolation"},
        {"detector": "ensemble", "detector_members": "interpolation,autoencoder"},
    ],
)
def test_interpolation_needs_a_middle_frame_between_others(
    frames: int, detector: dict[str, str]
) -> None:
    message = f"feature_frames is {frames}; interpolation predicts the middle frame"
    with pytest.raises(ParameterError, match=message):
        DETECTOR.of({**detector, "feature_frames": frames})
    assert DETECTOR.of({**detector, "feature_frames": 3}).frames == 3


@pytest.mark.parametrize("members", ["", "autoencoder", "autoencoder,autoencoder"])
def test_an_ensemble_needs_two_different_members(members: str) -> None:
    with pytest.raises(ParameterError, match="name two different detectors or more"):
        DETECTOR.of({"detector": "ensemble", "detector_members": members})


def test_an_ensemble_fits_the_kinds_of_its_members() -> None:
    options = DETECTOR.of({"detector": "ensemble"})
    assert options.kinds == ("pooled-gmm", "autoencoder")
    assert DetectorOptions(name="autoencoder").kinds == ("autoencoder",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"detector": "gmm"},
            "detector is 'gmm'; choose one of pooled-gmm, autoencoder, interpolation, id-",
        ),
        (
            {"detector": "autoencoder", "detector_score": "max"},
            "detector_score is 'max'; autoencoder can score by mse, mahalanobis",
        ),
        (
            {"detector": "ensemble", "detector_members": "pooled-gmm, gmm"},
            "detector_members holds gmm; choose from pooled-gmm, autoencoder",
        ),
        (
            {"detector": "ensemble", "detector_members": "ensemble,autoencoder"},
            "detector_members holds ensemble",
        ),
    ],
)
def test_impossible_detector_parameters_are_named(values: dict[str, str], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        DETECTOR.of(values)
