import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import scipy.signal
import soundfile
from sklearn.metrics import roc_auc_score

from stethoscope.datasets.simulator import machine as simulate
from stethoscope.datasets.simulator.machine import (
    FAULTS,
    MACHINES,
    RATE,
    simulate_archive,
    simulate_clip,
)
from stethoscope.errors import ParameterError

SMALL: dict[str, Any] = {
    "ids": 2,
    "train_clips": 2,
    "test_normal": 3,
    "test_anomaly": 3,
    "seconds": 0.5,
}
CLEAN_DB = 60.0


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def power_db(y: npt.NDArray[Any], low: float, high: float) -> float:
    """Power between two frequencies over that of the whole, in dB."""
    hz, power = scipy.signal.periodogram(y, RATE)
    return float(10.0 * np.log10(power[(hz >= low) & (hz < high)].sum() / power.sum()))


def peak_hz(y: npt.NDArray[Any], low: float, high: float) -> float:
    """The strongest line between two frequencies that is no multiple of the mains' hum."""
    hz, power = scipy.signal.periodogram(y, RATE, nfft=1 << 19)
    band = np.flatnonzero((hz >= low) & (hz < high) & (np.abs((hz + 50.0) % 100.0 - 50.0) > 2.0))
    return float(hz[band[np.argmax(power[band])]])


def centroid_hz(y: npt.NDArray[Any], low: float = 600.0) -> float:
    hz, power = scipy.signal.welch(y, RATE, nperseg=1024)
    above = hz >= low
    return float(np.sum(hz[above] * power[above]) / np.sum(power[above]))


# ------------------------------------------------------------------------------------------- the
# archive


def test_dcase_layout_holds_what_was_asked(tmp_path: Path) -> None:
    simulate_archive(tmp_path / "fan.zip", machine="fan", **SMALL | {"test_anomaly": 4})
    expected = {"fan/faults.csv"}
    for machine_id in ("00", "02"):
        expected |= {f"fan/train/normal_id_{machine_id}_{i:08d}.wav" for i in range(2)}
        expected |= {f"fan/test/normal_id_{machine_id}_{i:08d}.wav" for i in range(3)}
        expected |= {f"fan/test/anomaly_id_{machine_id}_{i:08d}.wav" for i in range(4)}
    assert set(members(tmp_path / "fan.zip")) == expected


def test_mimii_layout_gives_what_was_asked_under_the_baselines_split(tmp_path: Path) -> None:
    simulate_archive(tmp_path / "dcase.zip", machine="fan", **SMALL)
    simulate_archive(tmp_path / "mimii.zip", machine="fan", layout="mimii", **SMALL)
    dcase, mimii = members(tmp_path / "dcase.zip"), members(tmp_path / "mimii.zip")
    for machine_id in ("00", "02"):
        normal = sorted(name for name in mimii if f"fan/id_{machine_id}/normal/" in name)
        abnormal = sorted(name for name in mimii if f"fan/id_{machine_id}/abnormal/" in name)
        test, train = normal[: len(abnormal)], normal[len(abnormal) :]
        assert [mimii[name] for name in train] == [
            dcase[f"fan/train/normal_id_{machine_id}_{i:08d}.wav"] for i in range(2)
        ]
        assert [mimii[name] for name in test] == [
            dcase[f"fan/test/normal_id_{machine_id}_{i:08d}.wav"] for i in range(3)
        ]
        assert [mimii[name] for name in abnormal] == [
            dcase[f"fan/test/anomaly_id_{machine_id}_{i:08d}.wav"] for i in range(3)
        ]


@pytest.mark.parametrize("layout", ["dcase2020", "mimii"])
def test_without_a_number_there_are_as_many_normal_test_clips_as_anomalous_ones(
    tmp_path: Path, layout: Any
) -> None:
    simulate_archive(
        tmp_path / "fan.zip",
        machine="fan",
        layout=layout,
        ids=1,
        train_clips=1,
        test_anomaly=2,
        seconds=0.5,
    )
    assert (
        sum("normal" in name and "abnormal" not in name for name in members(tmp_path / "fan.zip"))
        == 1 + 2
    )


def test_recordings_are_stored_16_khz_mono_pcm16_of_the_asked_length(tmp_path: Path) -> None:
    simulate_archive(tmp_path / "valve.zip", machine="valve", **SMALL | {"seconds": 0.7})
    with zipfile.ZipFile(tmp_path / "valve.zip") as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    for name, data in members(tmp_path / "valve.zip").items():
        if name.endswith(".wav"):
            info = soundfile.info(io.BytesIO(data))
            assert (info.samplerate, info.channels, info.subtype, info.frames) == (
                16_000,
                1,
                "PCM_16",
                11_200,
            )


def test_fault_table_names_every_anomalous_clip_once(tmp_path: Path) -> None:
    simulate_archive(tmp_path / "pump.zip", machine="pump", layout="mimii", **SMALL)
    content = members(tmp_path / "pump.zip")
    rows = list(csv.DictReader(io.StringIO(content["pump/faults.csv"].decode())))
    assert [row["path"] for row in rows] == sorted(name for name in content if "/abnormal/" in name)
    assert [row["fault"] for row in rows] == 2 * list(FAULTS)
    severities = [float(row["severity"]) for row in rows]
    assert all(0.5 <= severity <= 1.0 for severity in severities)
    assert len(set(severities)) > 3


def test_equal_parameters_give_equal_bytes_and_a_larger_set_contains_the_smaller(
    tmp_path: Path,
) -> None:
    for name, changes in {
        "a": {},
        "b": {},
        "larger": {"ids": 3, "train_clips": 4, "test_anomaly": 5},
        "other": {"seed": 1},
    }.items():
        simulate_archive(tmp_path / f"{name}.zip", machine="slider", **SMALL | changes)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    small, larger, other = (members(tmp_path / f"{name}.zip") for name in ("a", "larger", "other"))
    recordings = [name for name in small if name.endswith(".wav")]
    assert all(larger[name] == small[name] for name in recordings)
    assert all(other[name] != small[name] for name in recordings)
    assert len(set(small.values())) == len(small)


def test_archive_holds_the_clips_that_simulate_clip_returns(tmp_path: Path) -> None:
    simulate_archive(tmp_path / "fan.zip", machine="fan", snr_db=6.0, **SMALL)
    row = next(
        csv.DictReader(io.StringIO(members(tmp_path / "fan.zip")["fan/faults.csv"].decode()))
    )
    recorded, _ = soundfile.read(io.BytesIO(members(tmp_path / "fan.zip")[row["path"]]))
    clip = simulate_clip(
        machine="fan",
        split="test",
        fault=row["fault"],
        severity=float(row["severity"]),
        snr_db=6.0,
        seconds=0.5,
    )
    np.testing.assert_allclose(recorded, clip, atol=1.0 / 32768)


def test_interrupted_simulation_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fan.zip").write_bytes(b"before")

    def interrupted(*arguments: object, **options: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(simulate, "_record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulate_archive(tmp_path / "fan.zip", machine="fan", **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["fan.zip"]
    assert (tmp_path / "fan.zip").read_bytes() == b"before"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("machine", "turbine"),
        ("layout", "dcase1999"),
        ("seed", -1),
        ("snr_db", float("nan")),
        ("snr_db", 100.0),
        ("ids", 0),
        ("ids", 51),
        ("train_clips", 0),
        ("test_normal", -1),
        ("test_anomaly", -1),
        ("seconds", 0.0),
        ("seconds", float("inf")),
    ],
)
def test_bad_parameter_of_an_archive_is_named_with_its_value(
    tmp_path: Path, name: str, value: Any
) -> None:
    with pytest.raises(ParameterError, match=rf"{name} is '?{value}'?;"):
        simulate_archive(tmp_path / "x.zip", **{"machine": "fan"} | SMALL | {name: value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("fault", "rust"), ("severity", 1.5), ("index", -1), ("machine_id", -2), ("split", "dev")],
)
def test_bad_parameter_of_a_clip_is_named_with_its_value(name: str, value: Any) -> None:
    with pytest.raises(ParameterError, match=rf"{name} is '?{value}'?;"):
        simulate_clip(**{"machine": "fan", "seconds": 0.5} | {name: value})


def test_mimii_refuses_unequal_numbers_of_test_clips(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="test_normal is 2 but test_anomaly 3"):
        simulate_archive(
            tmp_path / "x.zip", machine="fan", layout="mimii", test_normal=2, test_anomaly=3
        )


# ---------------------------------------------------------------------------------------------- the
# scene


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
def test_loudness_alone_tells_nothing(machine: str) -> None:
    def level(fault: str | None, index: int) -> float:
        y = simulate_clip(machine=machine, split="test", fault=fault, index=index, seconds=1.0)
        assert np.max(np.abs(y)) < 1.0
        return float(20.0 * np.log10(np.sqrt(np.mean(np.square(y, dtype=np.float64)))))

    normal = [level(None, index) for index in range(30)]
    anomalous = [level(FAULTS[index % 3], index) for index in range(30)]
    assert all(-34.0 < value < -26.0 for value in normal + anomalous)
    assert max(normal) - min(normal) > 3.0
    assert roc_auc_score([0] * 30 + [1] * 30, normal + anomalous) == pytest.approx(0.5, abs=0.2)


def test_background_comes_and_goes_and_differs_from_clip_to_clip() -> None:
    spectra, swings = [], []
    for index in range(6):
        y = simulate_clip(machine="fan", index=index, snr_db=-60.0)
        _, _, power = scipy.signal.spectrogram(y, RATE, nperseg=RATE // 2)
        bands = 10.0 * np.log10(power[: RATE // 4].reshape(8, -1, power.shape[1]).mean(axis=1))
        spectra.append(bands.mean(axis=1) - bands.mean())
        swings.append(np.ptp(bands.mean(axis=0)))
    assert np.mean(swings) > 3.0
    assert (
        np.std(spectra, axis=0).mean() > 0.5
    )  # estimates of one and the same spectrum differ by 0.1 dB


# -------------------------------------------------------------------------------------------- the
# machines


@pytest.mark.parametrize("machine", ["fan", "pump"])
def test_blades_pass_a_whole_number_of_times_per_revolution(machine: str) -> None:
    typical = MACHINES[machine].rotor
    assert typical is not None
    speeds = set()
    for machine_id in (0, 2, 4):
        # A severe imbalance makes the shaft's own line stand out; the same clip tells the
        # blade-pass frequency.
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


def test_impacts_ring_at_the_resonances_with_their_quality() -> None:
    mode = simulate.Resonance(hz=1000.0, quality=20.0, gain_db=0.0)
    ringing = np.fft.irfft(simulate._housing((mode,), RATE), RATE)
    assert np.sum(np.square(ringing)) == pytest.approx(1.0, rel=1e-3)
    hz = np.arange(RATE // 2 + 1)
    power = np.abs(np.fft.rfft(ringing)) ** 2
    half = hz[power >= power.max() / 2.0]
    assert hz[np.argmax(power)] == pytest.approx(1000.0, abs=2.0)
    assert half[-1] - half[0] == pytest.approx(1000.0 / 20.0, abs=3.0)


def test_noise_has_unit_power_and_the_asked_spectrum() -> None:
    levels = np.array([0.0, -20.0, -6.0, -12.0])
    knots = np.array([50.0, 500.0, 2000.0, 7900.0])
    y = simulate._noise(20 * RATE, knots, levels, np.random.default_rng(0))
    assert np.mean(np.square(y, dtype=np.float64)) == pytest.approx(1.0, rel=0.02)
    hz, power = scipy.signal.welch(y, RATE, nperseg=4096)
    expected = np.interp(hz, knots, 10.0 ** (levels / 20.0)) ** 2
    measured = 10.0 * np.log10(power / expected)[(hz > 100.0) & (hz < 7800.0)]
    assert np.std(measured) < 0.6
