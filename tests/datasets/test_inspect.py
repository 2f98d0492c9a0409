import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.datasets.inspect import ClipCount, inspect, render
from stethoscope.errors import DatasetError


@pytest.fixture
def mixed(tmp_path: Path, wav: Callable[..., bytes]) -> Path:
    """Recordings of several rates, channel counts and bit depths, and every kind of bad one."""
    path = tmp_path / "-6_dB_fan.zip"
    folder = "fan/id_00/normal"
    nan = tmp_path / "nan.wav"
    soundfile.write(nan, np.array([0.0, np.nan]), 16_000, subtype="FLOAT")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{folder}/00000000.wav", wav(seconds=1.0))
        file.writestr(f"{folder}/00000001.wav", wav(seconds=2.0))
        file.writestr(f"{folder}/00000002.wav", wav(seconds=4.0, rate=44_100, channels=2, width=3))
        file.writestr("fan/id_00/abnormal/00000000.wav", wav(seconds=1.0, width=1))
        file.writestr(f"{folder}/00000003.wav", "text named like a recording")
        file.writestr(f"{folder}/00000004.wav", nan.read_bytes())
        file.writestr(f"{folder}/00000005.wav", b"")
        file.writestr(f"{folder}/00000006.wav", wav(seconds=0.0)[:44].replace(b"data", b"data"))
        file.writestr(f"{folder}/00000007.wav", wav(seconds=3.0))
        file.writestr("fan/loose.wav", wav(seconds=1.0))
    data = bytearray(path.read_bytes())
    at = data.index(wav(seconds=3.0))
    data[at + 1000] ^= 1
    path.write_bytes(data)
    return path


def test_inspection_counts_clips_by_machine_and_split(mixed: Path) -> None:
    found = inspect([mixed])
    assert found.layouts == {"-6_dB_fan.zip": "mimii"}
    assert (found.recordings, found.clips) == (10, 9)
    common = {"machine_type": "fan", "machine_id": "00", "domain": "", "snr_db": -6.0}
    assert found.groups == [
        ClipCount(split="test", condition="anomaly", clips=1, **common),
        ClipCount(split="test", condition="normal", clips=1, **common),
        ClipCount(split="train", condition="normal", clips=7, **common),
    ]
    assert found.unmatched == ["-6_dB_fan.zip: fan/loose.wav"]


def test_formats_and_durations_are_those_of_the_readable_recordings(mixed: Path) -> None:
    found = inspect([mixed])
    assert found.sample_rates == {"16000": 4, "44100": 1}
    assert found.channels == {"1": 4, "2": 1}
    assert found.bit_depths == {"16": 3, "24": 1, "8": 1}
    seconds = found.seconds
    assert (seconds["min"], seconds["median"], seconds["max"]) == pytest.approx(
        (1.0, 1.0, 4.0), abs=0.01
    )
    assert seconds["total"] == pytest.approx(9.0, abs=0.01)


def test_unreadable_recordings_are_named_with_the_reason(mixed: Path) -> None:
    reasons = {Path(one.path).stem: one.reason for one in inspect([mixed]).unreadable}
    for name, reason in (
        ("00000003", "not a readable recording"),
        ("00000004", "NaN"),
        ("00000005", "no samples"),
        ("00000006", "no samples"),
        ("00000007", "is broken"),
    ):
        assert reason in reasons.pop(name)
    assert reasons == {}


def test_inspection_is_printed_as_json_and_as_text(mixed: Path) -> None:
    found = inspect([mixed])
    value = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert value["clips"] == 9
    assert value["strangers"] == ["-6_dB_fan.zip: fan/loose.wav"]
    assert [set(one) for one in value["faults"]] == 5 * [{"source", "path", "reason", "kind"}]
    assert len(value) == 11
    text = render(found)
    assert [
        line.split() for line in text.splitlines() if line.startswith(("machine ", "fan "))
    ] == [
        ["machine", "id", "SNR", "dB", "train", "normal", "test", "normal", "test", "anomaly"],
        ["fan", "00", "-6", "7", "1", "1"],
    ]
    assert "16000 Hz (4, 80.0%), 44100 Hz (1, 20.0%)" in text
    assert "5 unreadable:" in text
    assert "fan/loose.wav" in text


def test_set_that_does_not_fit_the_chosen_layout_is_inspected(
    tmp_path: Path, wav: Callable[..., bytes]
) -> None:
    for i in range(30):
        (tmp_path / "bells").mkdir(exist_ok=True)
        (tmp_path / "bells" / f"audio_{i}.wav").write_bytes(wav())
    found = inspect([tmp_path / "bells"], "mimii")
    assert (found.layouts, found.clips, found.recordings) == ({"bells": "unknown"}, 0, 30)
    assert found.sample_rates == {"16000": 30}
    assert "bells: the recordings do not fit the chosen layout; leave out --layout" in render(found)


def test_inspection_says_what_a_run_would_use(tmp_path: Path, wav: Callable[..., bytes]) -> None:
    (tmp_path / "pump").mkdir()
    for i in range(30):
        (tmp_path / "pump" / f"2024-05-{1 + i // 10:02d} {i}.wav").write_bytes(wav())
    text = render(inspect([tmp_path / "pump"]))
    assert "pump: layout folders (as pump/normal/01.wav" in text
    assert (
        "a run trains on 20 normal clips of 1 machine from 2 sessions and tests on 10 normal clips"
    ) in text
    assert "there is no anomalous recording" in text


def test_inspection_says_into_how_many_clips_long_recordings_are_cut(
    tmp_path: Path, wav: Callable[..., bytes]
) -> None:
    """One of 62 s becomes six clips, one of 14 s stays whole."""
    (tmp_path / "pump").mkdir()
    for i in range(6):
        (tmp_path / "pump" / f"{i}.wav").write_bytes(wav(seconds=62.0 if i < 5 else 14.0))
    text = render(inspect([tmp_path / "pump"]))
    assert "a run cuts 5 long recordings into 30 clips of about 10 s (dataset_clip_seconds)" in text
    assert "a run trains on 24 normal clips of 1 machine and tests on 7 normal clips" in text


def test_inspection_says_that_a_lone_recording_is_divided(
    tmp_path: Path, wav: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is so large that it is read part by part."""
    (tmp_path / "pump").mkdir()
    (tmp_path / "pump" / "monday.wav").write_bytes(wav(seconds=200.0))
    expected = "a run trains on 15 normal clips of 1 machine and tests on 5 normal clips"
    for large in (32 << 20, 1 << 20):
        monkeypatch.setattr("stethoscope.datasets.archives.LARGE_BYTES", large)
        found = inspect([tmp_path / "pump"])
        assert found.seconds["total"] == pytest.approx(200.0, abs=0.01)
        assert expected in render(found)
        assert "pump: the single recording is divided" in render(found)


def test_inspection_warns_about_mixed_lengths_and_names_the_remedy(
    tmp_path: Path, wav: Callable[..., bytes]
) -> None:
    (tmp_path / "pump").mkdir()
    for i in range(40):
        (tmp_path / "pump" / f"{i:02d}.wav").write_bytes(wav(seconds=3.0 + (i % 8)))
    text = render(inspect([tmp_path / "pump"]))
    assert "pump: its normal training clips last 3 to 10 s" in text
    assert "dataset_clip_seconds=3," in text


def test_set_without_a_readable_recording_is_inspected(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    for i in range(25):
        (tmp_path / "bad" / f"{i}.wav").write_text("text")
    text = render(inspect([tmp_path / "bad"]))
    assert "none readable" in text
    assert "25 unreadable:" in text
    assert "and 5 more" in text
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no recordings"):
        inspect([tmp_path / "empty"])


def test_real_archive_is_inspected(shared_data: Path) -> None:
    found = inspect([shared_data / "dev_data_fan_sample.zip"])
    assert found.sample_rates == {"16000": 21}
    assert found.channels == {"1": 21}
    assert found.bit_depths == {"16": 21}
    assert found.seconds["total"] == pytest.approx(210)
    assert found.unreadable == []
