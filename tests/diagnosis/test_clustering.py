"""Clustering, and the choice of the number of groups."""

import numpy as np
import pytest

from stethoscope.diagnosis.clustering import choose_number, cluster, elbow_or_highest, silhouettes


@pytest.mark.parametrize(
    ("inertia", "silhouette", "expected"),
    [
        # By hand: the line from 10 to 1 passes 7.75, 5.5 and 3.25; the inertia lies 1.75, 3.5 and
        # 1.75 below it.
        ({1: 10.0, 2: 6.0, 3: 2.0, 4: 1.5, 5: 1.0}, {2: 0.52, 3: 0.50, 4: 0.3, 5: 0.2}, 3),
        ({1: 10.0, 2: 6.0, 3: 2.0, 4: 1.5, 5: 1.0}, {2: 0.60, 3: 0.50, 4: 0.3, 5: 0.2}, 2),
        ({1: 10.0, 2: 6.0, 3: 2.0, 4: 1.5, 5: 1.0}, {2: 0.52, 4: 0.3}, 2),
        ({1: 10.0}, {}, 1),
    ],
)
def test_elbow_and_silhouette_choose_the_number(
    inertia: dict[int, float], silhouette: dict[int, float], expected: int
) -> None:
    assert elbow_or_highest(inertia, silhouette) == expected


def test_groups_are_numbered_from_the_largest() -> None:
    points = np.repeat([[0.0, 0.0], [5.0, 0.0], [0.0, 7.0]], [2, 6, 4], axis=0)
    found = cluster(points, 3, seed=0)
    assert found.group.tolist() == [2] * 2 + [0] * 6 + [1] * 4
    np.testing.assert_allclose(found.centroids, [[5, 0], [0, 7], [0, 0]], atol=1e-12)
    assert found.inertia == pytest.approx(0.0)
    assert found.smallest == 2


def test_silhouettes_are_computed_for_two_groups_and_up() -> None:
    """By hand: two pairs at distance 1, ten apart. (10 - 1) / 10 and (10.05 - 1) / 10.05, about."""
    points = np.array([[0.0, 0.0], [0.0, 1.0], [10.0, 0.0], [10.0, 1.0]])
    tried = {number: cluster(points, number, seed=0) for number in (1, 2, 4)}
    between = (10 + np.hypot(10, 1)) / 2
    assert silhouettes(points, tried, seed=0) == {2: pytest.approx((between - 1) / between)}


def test_a_number_with_tiny_groups_is_chosen_only_where_all_have_them() -> None:
    rng = np.random.default_rng(0)
    centres = np.repeat([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]], [8, 7, 1], axis=0)
    points = centres + 0.1 * rng.standard_normal(centres.shape)
    tried = {number: cluster(points, number, seed=0) for number in range(1, 5)}
    silhouette = silhouettes(points, tried, seed=0)
    assert max(silhouette, key=silhouette.__getitem__) == 3
    assert choose_number(tried, silhouette) == 2
