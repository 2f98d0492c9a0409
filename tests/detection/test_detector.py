import pytest

from stethoscope.detection.detector import make_detector
from stethoscope.detection.options import DetectorOptions, FitOptions


def warned(fit: FitOptions, capsys: pytest.CaptureFixture[str], **options) -> str:
    """Return the warnings of making a detector."""
    make_detector(DetectorOptions(**options), fit)
    return capsys.readouterr().err


def test_a_parameter_that_the_detector_does_not_use_is_warned_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fit = FitOptions(epochs=3, batch_size=64, verbose=0, seed=5)
    assert warned(fit, capsys, name="pooled-gmm", frames=9) == (
        "warning: detector pooled-gmm does not use feature_frames, fit_batch_size, fit_epochs; "
        "choose a detector that does, or leave them at their defaults\n"
    )
    fit = FitOptions(epochs=3, epoch_share=0.5, validation_split=0.2)
    assert "not use detector_epoch_share, fit_epochs;" in warned(
        fit, capsys, name="id-classifier", epochs=3
    )
    assert "not use detector_epochs;" in warned(FitOptions(), capsys, name="autoencoder", epochs=3)


def test_a_parameter_that_the_detector_uses_is_not_warned_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not warned(FitOptions(verbose=2), capsys, name="pooled-gmm")
    assert not warned(FitOptions(epochs=3), capsys, name="autoencoder", frames=9)


def test_an_ensemble_uses_the_parameters_of_its_members(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fit = FitOptions(epochs=3, validation_split=0.2)
    assert not warned(fit, capsys, name="ensemble")
    assert "fit_epochs" in warned(
        fit, capsys, name="ensemble", members=("pooled-gmm", "id-classifier")
    )
