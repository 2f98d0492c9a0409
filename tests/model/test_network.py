"""Networks as they are deployed."""

import numpy as np
import pytest
from scipy.special import softmax as scipy_softmax

from stethoscope.model.network import softmax


def test_softmax_equals_scipys_and_stands_large_logits() -> None:
    logits = np.array([[0.0, 1.0, -2.0], [1000.0, 999.0, 0.0]], dtype=np.float32)
    np.testing.assert_allclose(softmax(logits), scipy_softmax(logits, axis=1), rtol=1e-6)
    assert softmax(logits).sum(axis=1) == pytest.approx(1.0)
