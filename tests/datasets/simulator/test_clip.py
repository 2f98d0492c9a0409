from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from stethoscope.datasets.simulator.clip import simulate_clip
from stethoscope.datasets.simulator.faults import FAULTS
from stethoscope.datasets.simulator.machine import MACHINES
from stethoscope.errors import ParameterError
from tests.datasets.simulator.measure import CLEAN_DB


@pytest.mark.parametrize(
    ("name", "value"),
    [("fault", "rust"), ("severity", 1.5), ("index", -1), ("machine_id", -2), ("split", "dev")],
)
def test_bad_parameter_of_a_clip_is_named_with_its_value(name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=rf"{name} is '?{value}'?;"):
        simulate_clip(**{"machine": "fan", "seconds": 0.5} | {name: value})


@pytest.mark.parametrize("machine", MACHINES)
def test_background_lies_at_the_given_ratio_under_the_healthy_machine(machine: str) -> None:
    ratios = []
    for index in range(4):
        clean = simulate_clip(machine=machine, index=index, snr_db=CLEAN_DB).astype(np.float64)
        for snr_db in (6.0, -6.0):
            mixed = simulate_clip(machine=machine, index=index, snr_db=snr_db).astype(np.float64)
            share = mixed @ clean / (clean @ clean)
            noise = mixed - share * clean
            ratios.append(10.0 * np.log10(share**2 * (clean @ clean) / (noise @ noise)) - snr_db)
    assert np.mean(ratios) == pytest.approx(0.0, abs=1.0)  # the operating point moves single clips
    np.testing.assert_allclose(ratios[::2], ratios[1::2], atol=0.3)


@pytest.mark.parametrize("machine", MACHINES)
def test_loudness_does_not_separate_faulty_from_healthy(machine: str) -> None:
    def level(fault: str | None, index: int) -> float:
        y = simulate_clip(machine=machine, split="test", fault=fault, index=index, seconds=1.0)
        assert np.max(np.abs(y)) < 1.0
        return float(20.0 * np.log10(np.sqrt(np.mean(np.square(y, dtype=np.float64)))))

    normal = [level(None, index) for index in range(30)]
    anomalous = [level(FAULTS[index % 3], index) for index in range(30)]
    assert all(-34.0 < value < -26.0 for value in normal + anomalous)
    assert max(normal) - min(normal) > 3.0
    assert roc_auc_score([0] * 30 + [1] * 30, normal + anomalous) == pytest.approx(0.5, abs=0.2)
