import numpy as np

from stethoscope.detection.report.bands import _strongest

CENTRES = 100.0 * np.arange(1, 41)


def test_strongest_bands_are_named_with_their_excess() -> None:
    anomaly = np.full(40, 2.0)
    anomaly[20:30] = 8.0
    text = _strongest(np.full(40, 2.0), anomaly, CENTRES)
    assert text.endswith(": 4.0 times the deviation of normal clips.")
    assert "2.1" in text
    assert "3.0 kHz" in text


def test_no_band_is_named_where_all_deviate_alike() -> None:
    text = _strongest(np.ones(40), np.full(40, 1.2), CENTRES)
    assert text == "In all bands, anomalous clips deviate about as much as normal clips."
