"""Networks as they are deployed."""

import numpy as np
import pytest
from scipy.special import softmax as scipy_softmax

from stethoscope.model.network import quantise, softmax


def test_softmax_equals_scipys_and_stands_large_logits() -> None:
    logits = np.array([[0.0, 1.0, -2.0], [1000.0, 999.0, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(softmax(logits), scipy_softmax(logits, axis=1), rtol=1e-6)
    assert softmax(logits).sum(axis=1) == pytest.approx(1.0)


def test_values_are_quantised_to_the_nearest_step_and_halves_to_the_even_one() -> None:
    values = np.array([0.5, 1.5, -0.5, 0.6, 1000, -1000], dtype=np.float32)
    assert quantise(values, 1.0, 0).tolist() == [0, 2, 0, 1, 127, -128]
    assert quantise(values[:1], 0.25, 10).tolist() == [12]
