import numpy as np

from stethoscope.stats.moments import Moments


def test_mean_and_variance_by_group_equal_numpys() -> None:
    rng = np.random.default_rng(0)
    rows = [rng.normal(-30, 6, (length, 3)).astype(np.float32) for length in (4, 1, 7)]
    moments = Moments(3, n_groups=2)
    for group, batch in zip((0, 1, 0), rows, strict=True):
        moments.add(batch, group)
    groups = [np.concatenate([rows[0], rows[2]]).astype(float), rows[1].astype(float)]
    np.testing.assert_allclose(moments.mean(), [one.mean(axis=0) for one in groups], rtol=1e-12)
    np.testing.assert_allclose(moments.variance(), [one.var(axis=0) for one in groups], atol=1e-9)
