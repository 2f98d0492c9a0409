import pytest

from stethoscope.datasets.simulator.clip import simulate_clip
from stethoscope.datasets.simulator.machine import MACHINES
from tests.datasets.simulator.measure import CLEAN_DB, centroid_hz, peak_hz, power_db


@pytest.mark.parametrize("machine", ["fan", "pump", "slider"])
def test_imbalance_strengthens_the_shaft_line_with_its_severity(machine: str) -> None:
    rotor = MACHINES[machine].rotor
    assert rotor is not None
    shares = [
        power_db(
            simulate_clip(machine=machine, fault="imbalance", severity=severity, snr_db=CLEAN_DB),
            0.6 * rotor.shaft_hz,
            1.4 * rotor.shaft_hz,
        )
        for severity in (0.0, 0.5, 1.0)
    ]
    assert shares[1] - shares[0] > 2.0
    assert shares[2] - shares[1] > 2.0


@pytest.mark.parametrize("machine", ["fan", "pump"])
def test_voltage_change_slows_the_rotor_and_raises_the_hum(machine: str) -> None:
    rotor = MACHINES[machine].rotor
    assert rotor is not None
    healthy, faulty = (
        simulate_clip(
            machine=machine,
            fault="voltage change",
            severity=severity,
            snr_db=CLEAN_DB,
            seconds=20.0,
        )
        for severity in (0.0, 1.0)
    )
    near_shaft = 0.7 * rotor.shaft_hz, 1.3 * rotor.shaft_hz
    assert peak_hz(faulty, *near_shaft) < 0.97 * peak_hz(healthy, *near_shaft)
    assert power_db(faulty, 99.0, 101.0) - power_db(healthy, 99.0, 101.0) > 3.0


@pytest.mark.parametrize(
    ("machine", "direction"), [("fan", -1), ("pump", 1), ("slider", 1), ("valve", 1)]
)
def test_clogging_moves_the_flow_noise(machine: str, direction: int) -> None:
    healthy, mild, severe = (
        centroid_hz(
            simulate_clip(machine=machine, fault="clogging", severity=severity, snr_db=CLEAN_DB)
        )
        for severity in (0.0, 0.5, 1.0)
    )
    assert direction * (mild - healthy) > 0.0
    assert direction * (severe - mild) > 0.0
    assert direction * (severe - healthy) > 0.04 * healthy
