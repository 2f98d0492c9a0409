"""Which clips resemble a known fault."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from stethoscope.diagnosis.known import KnownFaults, fit_known_faults
from stethoscope.errors import ModelError

SIZE = 6
DIRECTIONS = np.eye(SIZE)[:3] * 8.0


def made(
    rng: np.random.Generator, counts: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return descriptions of normal clips and of groups, whose faults are mild to severe."""
    classes = np.repeat(np.arange(len(counts)), counts)
    severity = rng.uniform(0.5, 1.0, len(classes))[:, np.newaxis]
    towards = np.vstack([np.zeros(SIZE), DIRECTIONS])[classes]
    values = severity * towards + rng.normal(size=(len(classes), SIZE))
    return values, classes, [str(index) for index in range(len(classes))]


def test_the_distance_is_that_of_the_angle_in_whitened_space() -> None:
    """The same with scikit-learn's covariance and a matrix square root."""
    values, classes, recordings = made(np.random.default_rng(0), (30, 20, 20))
    known = fit_known_faults(values, classes, recordings)
    assert known is not None
    means = np.array([values[classes == group].mean(axis=0) for group in range(3)])
    residuals = values - means[classes]
    units = residuals.std(axis=0) + 0.05
    covariance = LedoitWolf(assume_centered=True).fit(residuals / units).covariance_
    whiten = np.linalg.inv(np.linalg.cholesky(covariance)) / units
    clip = np.array([3.0, 1.0, 0.5, 0.0, -1.0, 2.0])
    for group, distance in enumerate(known.distances(clip), start=1):
        one, other = whiten @ (clip - means[0]), whiten @ (means[group] - means[0])
        cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert distance == pytest.approx(1 - cosine, abs=1e-3)


def test_a_fault_of_any_severity_is_known_and_another_fault_is_not() -> None:
    rng = np.random.default_rng(1)
    known = fit_known_faults(*made(rng, (60, 40, 40)))
    assert known is not None
    new, classes, _ = made(rng, (0, 200, 200, 200))
    beyond = np.array([known.relative_distance(one) > 1 for one in new])
    assert beyond[classes < 3].mean() < 0.15
    assert beyond[classes == 3].mean() > 0.95
    for severity in (0.7, 1.0, 3.0):
        assert known.relative_distance(severity * DIRECTIONS[0]) < 1
    assert known.relative_distance(-DIRECTIONS[0]) > 1


def test_few_members_lie_beyond_their_limit_though_they_were_not_fitted() -> None:
    """The limits keep their rate on new members, also where values are many and clips are few."""
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(20):
        known = fit_known_faults(*made(rng, (30, 24, 24)))
        assert known is not None
        new, *_ = made(rng, (0, 50, 50))
        shares.append(np.mean([known.relative_distance(one) > 1 for one in new]))
    assert 0.03 < np.mean(shares) < 0.11


def test_small_groups_share_a_limit() -> None:
    rng = np.random.default_rng(3)
    known = fit_known_faults(*made(rng, (30, 60, 12, 12)))
    assert known is not None
    assert known.limits[1] == known.limits[2] != known.limits[0]


def test_without_a_second_recording_there_are_no_limits() -> None:
    rng = np.random.default_rng(4)
    values, classes, recordings = made(rng, (10, 1))
    assert fit_known_faults(values, classes, recordings) is None
    values, classes, _ = made(rng, (10, 5))
    assert fit_known_faults(values, classes, ["normal"] * 10 + ["same"] * 5) is None


def test_the_numbers_are_written_and_read(tmp_path: Path) -> None:
    known = fit_known_faults(*made(np.random.default_rng(5), (30, 20, 20)))
    assert known is not None
    sizes = {"n_groups": 2, "n_values": SIZE}
    assert KnownFaults.read(tmp_path, **sizes) is None
    known.write(tmp_path)
    again = KnownFaults.read(tmp_path, **sizes)
    assert again is not None
    assert again.relative_distance(np.ones(SIZE)) == known.relative_distance(np.ones(SIZE))
    with pytest.raises(ModelError, match=r"known_faults\.npz: means has the shape \(3, 6\)"):
        KnownFaults.read(tmp_path, n_groups=3, n_values=SIZE)
