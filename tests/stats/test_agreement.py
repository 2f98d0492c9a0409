import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from stethoscope.stats.agreement import adjusted_rand_index


@pytest.mark.parametrize("groups", [1, 2, 5, 40])
def test_adjusted_rand_index_equals_that_of_scikit_learn(groups: int) -> None:
    rng = np.random.default_rng(groups)
    for size in (1, 2, 40):
        first, noise = rng.integers(groups, size=(2, size)).tolist()
        mixed = [
            one if rng.random() < 0.7 else other for one, other in zip(first, noise, strict=True)
        ]
        for second in (first, noise, mixed, list(range(size))):
            expected = adjusted_rand_score(first, second)
            assert adjusted_rand_index(first, second) == pytest.approx(expected)
