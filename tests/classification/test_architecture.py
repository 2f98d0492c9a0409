"""The networks of a classifier."""

import numpy as np
import pytest

from stethoscope.classification.architecture import OneCycle, build
from stethoscope.classification.options import ClassFit


def test_the_learning_rate_rises_and_falls_once() -> None:
    cycle = OneCycle(0.01, 100)
    rates = [float(cycle(step)) for step in range(101)]
    assert rates[0] == pytest.approx(0.0004)
    assert rates[30] == pytest.approx(0.01, rel=1e-5)
    assert rates[65] == pytest.approx(0.005, rel=1e-5)
    assert 0 < rates[100] <= 1e-6 * 1.01


@pytest.mark.parametrize("network", ["mel-cnn", "mfcc-cnn"])
@pytest.mark.parametrize("planes", [1, 2])
def test_networks_give_probabilities_of_standardised_windows(network: str, planes: int) -> None:
    """Input in other units, with statistics in those units, gives the same answer."""
    import keras

    rng = np.random.default_rng(0)
    windows = rng.standard_normal((3, 16, 12 * planes)).astype(np.float32)
    fit = ClassFit(network=network, filters=(4, 8))  # type: ignore[arg-type]
    answers = []
    for scale, offset in ((1.0, 0.0), (10.0, -60.0)):
        keras.utils.set_random_seed(0)
        mean = np.full(12 * planes, offset, dtype=np.float32)
        variance = np.full(12 * planes, scale**2, dtype=np.float32)
        model = build(fit, 16, mean, variance, n_classes=5, planes=planes)
        answers.append(model.predict(windows * scale + offset, verbose=0))
    assert answers[0].shape == (3, 5)
    np.testing.assert_allclose(answers[0].sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-4)
