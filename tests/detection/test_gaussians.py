import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf, ledoit_wolf

from stethoscope.detection.gaussians import Covariance, fit_gaussians


@pytest.mark.parametrize(("n", "size"), [(3, 8), (40, 8), (500, 8), (20, 60)])
def test_the_covariance_of_batches_equals_scikit_learns(n: int, size: int) -> None:
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


def test_the_covariance_of_constant_values_has_an_inverse() -> None:
    assert np.isfinite(Covariance(3).add(np.zeros((5, 3))).precision()).all()


def test_gaussians_equal_scikit_learns_covariance_and_scipys_distance() -> None:
    rng = np.random.default_rng(0)
    segments = [rng.normal(size=(3, 5)).astype(np.float32) for _ in range(8)]
    owners = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    gaussians = fit_gaussians(segments, owners, 2)
    values = [
        np.concatenate([s for s, o in zip(segments, owners, strict=True) if o == machine])
        for machine in (0, 1)
    ]
    np.testing.assert_allclose(gaussians.means, [value.mean(axis=0) for value in values], rtol=1e-5)
    expected = LedoitWolf(assume_centered=True).fit(
        np.concatenate([value - value.mean(axis=0) for value in values]).astype(float)
    )
    np.testing.assert_allclose(np.linalg.inv(gaussians.precision), expected.covariance_, atol=1e-5)
    for machine in (0, 1):
        distance = mahalanobis(segments[6][0], gaussians.means[machine], gaussians.precision)
        assert gaussians.squared_distances(segments[6], machine)[0] == pytest.approx(
            distance**2, rel=1e-9
        )
        levels = gaussians.levels(np.stack(segments[:2]), machine, 0.25)
        squares = [
            mahalanobis(one, gaussians.means[machine], gaussians.precision) ** 2
            for one in segments[1]
        ]
        assert levels[1] == pytest.approx(np.log(np.quantile(squares, 0.25)), rel=1e-9)


def test_shrinkage_in_units_of_each_value_equals_scikit_learns_on_scaled_residuals() -> None:
    rng = np.random.default_rng(1)
    spread = np.array([0.01, 1.0, 30.0, 5.0])
    segments = [(rng.normal(size=(3, 4)) * spread).astype(np.float32) for _ in range(8)]
    owners = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    gaussians = fit_gaussians(segments, owners, 2, least_deviation=0.05)
    values = [np.concatenate(segments[:3]), np.concatenate(segments[3:])]
    residuals = np.concatenate([one - one.mean(axis=0, dtype=float) for one in values])
    units = residuals.std(axis=0) + 0.05
    expected = LedoitWolf(assume_centered=True).fit(residuals / units).covariance_
    np.testing.assert_allclose(
        np.linalg.inv(gaussians.precision), expected * np.outer(units, units), rtol=1e-4, atol=1e-8
    )
