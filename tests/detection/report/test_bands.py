import numpy as np

from stethoscope.detection.report.bands import _strongest

CENTRES = 100.0 * np.arange(1, 41)


def test_strongest_bands_are_named_with_their_share() -> None:
    difference = np.zeros(40)
    difference[20:30] = 0.25
    text = _strongest(difference, CENTRES)
    assert text.endswith(" of what anomalous clips score higher.")
    assert "100" in text
    assert "2.1" in text
    assert "3.0 kHz" in text


def test_no_band_is_named_where_none_adds_to_the_score() -> None:
    text = _strongest(np.full(40, -0.2), CENTRES)
    assert text.startswith("No band adds more to the scores of anomalous clips")
