from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from stethoscope.datasets.simulator.clip import simulate_clip
from stethoscope.datasets.simulator.machine import MACHINES
from stethoscope.datasets.simulator.session import OperatingPoint
from tests.datasets.simulator.measure import CLEAN_DB, peak_hz


def test_clips_of_a_session_share_a_speed_that_differs_between_sessions() -> None:
    def speed(session: int, index: int) -> float:
        y = simulate_clip(
            machine="fan", session=session, index=index, fault="imbalance", snr_db=CLEAN_DB
        )
        return peak_hz(y, 15.0, 35.0)

    speeds = np.array([[speed(session, index) for index in range(4)] for session in range(6)])
    within, between = speeds.std(axis=1).mean(), speeds.mean(axis=1).std()
    # A clip's own deviation is 1 %; a session adds 1.5 % and the load.
    assert within == pytest.approx(0.01 * speeds.mean(), rel=0.5)
    assert between == pytest.approx(0.015 * speeds.mean(), rel=0.7)


def test_clips_of_a_session_share_the_spectrum_of_the_background() -> None:
    def spectrum(session: int, index: int) -> npt.NDArray[Any]:
        y = simulate_clip(machine="fan", session=session, index=index, snr_db=-60.0)
        power = np.abs(np.fft.rfft(y))[:64_000] ** 2
        return 10 * np.log10(power.reshape(16, -1).mean(axis=1))

    spectra = np.array([[spectrum(session, index) for index in range(3)] for session in range(4)])
    spectra -= spectra.mean(axis=2, keepdims=True)
    between = spectra.mean(axis=1).std(axis=0).mean()
    assert spectra.std(axis=1).mean() < 0.8 * between


def test_a_higher_load_slows_the_machine_and_makes_it_louder() -> None:
    fan = MACHINES["fan"]
    loaded = OperatingPoint(speed=1.0, load=2.0).apply(fan)
    assert fan.rotor is not None
    assert loaded.rotor is not None
    assert loaded.rotor.shaft_hz == pytest.approx(24.0 * 0.99)
    assert loaded.rotor.blade_db == pytest.approx(fan.rotor.blade_db + 3.0)
    assert loaded.flow_db == pytest.approx(3.0)
    valve, cycle = MACHINES["valve"].cycle, OperatingPoint(1.1, 0.0).apply(MACHINES["valve"]).cycle
    assert valve is not None
    assert cycle is not None
    assert cycle.period_s == pytest.approx(valve.period_s / 1.1)
