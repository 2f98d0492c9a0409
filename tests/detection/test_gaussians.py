import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf

from stethoscope.detection.gaussians import Covariance


@pytest.mark.parametrize(("n", "size"), [(3, 8), (40, 8), (500, 8), (20, 60)])
def test_it_is_scikit_learns_whatever_the_batches(n: int, size: int) -> None:
    rng = np.random.default_rng(n)
    values = rng.standard_normal((n, size)) @ rng.standard_normal((size, size))
    covariance = Covariance(size)
    for batch in np.array_split(values, 3):
        covariance.add(batch)
    expected, _ = ledoit_wolf(values, assume_centered=True)
    np.testing.assert_allclose(covariance.shrunk(), expected, rtol=1e-6, atol=2e-6)
    np.testing.assert_allclose(
        covariance.precision() @ covariance.shrunk(), np.eye(size), atol=1e-8
    )


def test_values_that_never_change_can_be_inverted() -> None:
    assert np.isfinite(Covariance(3).add(np.zeros((5, 3))).precision()).all()
