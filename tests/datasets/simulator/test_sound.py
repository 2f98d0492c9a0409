import numpy as np
import pytest
import scipy.signal

from stethoscope.datasets.simulator.clip import simulate_clip
from stethoscope.datasets.simulator.machine import MACHINES, Resonance
from stethoscope.datasets.simulator.signals import RATE
from stethoscope.datasets.simulator.sound import housing
from tests.datasets.simulator.measure import CLEAN_DB, peak_hz


@pytest.mark.parametrize("machine", ["fan", "pump"])
def test_blades_pass_a_whole_number_of_times_per_revolution(machine: str) -> None:
    typical = MACHINES[machine].rotor
    assert typical is not None
    speeds = set()
    for machine_id in (0, 2, 4):
        # A severe imbalance strengthens the line of the shaft; the blade-pass frequency is in the
        # same clip.
        y = simulate_clip(
            machine=machine, machine_id=machine_id, fault="imbalance", snr_db=CLEAN_DB, seconds=20.0
        )
        shaft = peak_hz(y, 0.7 * typical.shaft_hz, 1.3 * typical.shaft_hz)
        blade_pass = peak_hz(y, 4.5 * shaft, 9.5 * shaft)
        assert blade_pass / shaft == pytest.approx(round(blade_pass / shaft), abs=0.1)
        assert abs(round(blade_pass / shaft) - typical.blades) <= 1
        speeds.add(round(shaft, 1))
    assert len(speeds) == 3  # no two specimens are alike


def test_slider_repeats_its_stroke_and_fan_does_not() -> None:
    def rhythm(machine: str) -> tuple[float, float]:
        y = simulate_clip(machine=machine, snr_db=CLEAN_DB)
        envelope = np.abs(
            scipy.signal.hilbert(
                scipy.signal.sosfilt(
                    scipy.signal.butter(4, 500.0, "high", fs=RATE, output="sos"), y
                )
            )
        )
        envelope = scipy.signal.resample_poly(envelope, 1, 160)
        envelope -= envelope.mean()
        correlation = np.correlate(envelope, envelope, "full")[envelope.size :] / (
            envelope @ envelope
        )
        lag = 50 + int(np.argmax(correlation[50:250]))
        return (lag + 1) / 100.0, float(correlation[lag])

    cycle = MACHINES["slider"].cycle
    assert cycle is not None
    period, strength = rhythm("slider")
    assert period == pytest.approx(cycle.period_s, rel=0.25)
    assert strength > 0.5
    assert rhythm("fan")[1] < 0.3


def test_valve_rests_between_actuations() -> None:
    y = simulate_clip(machine="valve", snr_db=CLEAN_DB)
    frames = 10.0 * np.log10(np.mean(np.square(y[: 160_000 // 400 * 400]).reshape(-1, 400), axis=1))
    assert np.percentile(frames, 80) - np.percentile(frames, 10) > 6.0


def test_impacts_ring_at_the_resonances_with_their_quality() -> None:
    mode = Resonance(hz=1000.0, quality=20.0, gain_db=0.0)
    ringing = np.fft.irfft(housing((mode,), RATE), RATE)
    assert np.sum(np.square(ringing)) == pytest.approx(1.0, rel=1e-3)
    hz = np.arange(RATE // 2 + 1)
    power = np.abs(np.fft.rfft(ringing)) ** 2
    half = hz[power >= power.max() / 2.0]
    assert hz[np.argmax(power)] == pytest.approx(1000.0, abs=2.0)
    assert half[-1] - half[0] == pytest.approx(1000.0 / 20.0, abs=3.0)
