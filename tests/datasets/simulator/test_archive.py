import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator import archive as simulated_archive
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.datasets.simulator.clip import simulate_clip
from stethoscope.datasets.simulator.faults import FAULTS
from stethoscope.errors import ParameterError

SMALL: dict[str, Any] = {
    "ids": 2,
    "train_clips": 2,
    "test_normal": 3,
    "test_anomaly": 3,
    "seconds": 0.5,
}


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_dcase_layout_holds_the_requested_clips(tmp_path: Path) -> None:
    simulate_archive(tmp_path / "fan.zip", machine="fan", **SMALL | {"test_anomaly": 4})
    expected = {"fan/faults.csv"}
    for machine_id in ("00", "02"):
        expected |= {f"fan/train/normal_id_{machine_id}_{i:08d}.wav" for i in range(2)}
        expected |= {f"fan/test/normal_id_{machine_id}_{i:08d}.wav" for i in range(3)}
        expected |= {f"fan/test/anomaly_id_{machine_id}_{i:08d}.wav" for i in range(4)}
    assert set(members(tmp_path / "fan.zip")) == expected


def test_mimii_layout_gives_the_requested_clips_under_its_usual_split(tmp_path: Path) -> None:
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
def test_normal_test_clips_default_to_the_number_of_anomalous_ones(
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


def test_recordings_are_stored_16_khz_mono_pcm16_of_the_requested_length(tmp_path: Path) -> None:
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


def test_interrupted_simulation_leaves_the_existing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fan.zip").write_bytes(b"before")

    def interrupted(*arguments: object, **options: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(simulated_archive, "_record", interrupted)
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


def test_clips_of_sessions_lie_in_their_folders_and_differ_from_those_without(
    tmp_path: Path,
) -> None:
    simulate_archive(tmp_path / "fan.zip", machine="fan", **SMALL)
    simulate_archive(
        tmp_path / "sessions.zip",
        machine="fan",
        sessions=2,
        test_sessions=3,
        **SMALL | {"train_clips": 3},
    )
    content = members(tmp_path / "sessions.zip")
    assert [name for name in content if "train/" in name and "_id_00" in name] == [
        f"fan/train/session_{session}/normal_id_00_0000000{i}.wav"
        for i, session in enumerate(("00", "01", "00"))
    ]
    assert {
        clip.session for clip in index([tmp_path / "sessions.zip"]) if clip.split == "test"
    } == {
        "02",
        "03",
        "04",
    }
    faults = content["fan/faults.csv"].decode()
    assert "fan/test/session_02/anomaly_id_00_00000000.wav,imbalance," in faults
    # A clip of a set with sessions differs from the one of the same number without.
    plain = members(tmp_path / "fan.zip")["fan/train/normal_id_00_00000000.wav"]
    assert plain != content["fan/train/session_00/normal_id_00_00000000.wav"]
    recorded, _ = soundfile.read(
        io.BytesIO(content["fan/test/session_03/normal_id_00_00000001.wav"])
    )
    clip = simulate_clip(machine="fan", split="test", index=1, session=1, seconds=0.5)
    np.testing.assert_allclose(recorded, clip, atol=1.0 / 32768)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sessions": -1}, "sessions is -1"),
        ({"sessions": 2, "test_sessions": 0}, "test_sessions is 0"),
        ({"test_sessions": 2}, "test_sessions is 2 but sessions is 0"),
        ({"sessions": 2, "layout": "mimii"}, "sessions is 2 in the layout mimii"),
    ],
)
def test_sessions_that_cannot_work_are_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        simulate_archive(tmp_path / "x.zip", **{"machine": "fan"} | SMALL | options)


def test_mimii_refuses_unequal_numbers_of_test_clips(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="test_normal is 2 but test_anomaly 3"):
        simulate_archive(
            tmp_path / "x.zip", machine="fan", layout="mimii", test_normal=2, test_anomaly=3
        )
