import numpy as np

from stethoscope.detection.spectra import NormalSpectra


def test_the_variance_of_a_silent_band_is_at_least_one_decibel_squared() -> None:
    spectra = NormalSpectra(np.array([[-30.0, -156.5]]), np.array([[4.0, 0.0]]))
    np.testing.assert_allclose(
        spectra.deviation(np.array([[-26.0, -156.0]], dtype=np.float32), 0), [[4.0, 0.25]]
    )
