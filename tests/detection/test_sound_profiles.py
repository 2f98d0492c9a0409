"""Useless clips teach nothing, and the recordings of a training are remembered."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.datasets.layouts import index
from stethoscope.detection.detector import make_detector
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.sound_profiles import count_unlike, read_sound_profiles
from stethoscope.detection.train import train_detector
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore
from stethoscope.sound.logmel import LogMel

RATE = 16_000


@pytest.fixture(scope="module")
def fans(fan_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated fans as a folder that tests copy."""
    folder = tmp_path_factory.mktemp("fans")
    with zipfile.ZipFile(fan_archive) as archive:
        archive.extractall(folder)
    return folder


def evaluated(folder: Path, work: Path) -> Path:
    """Train the default detector on a folder and evaluate it; return the folder of the work."""
    extract_features([folder], index([folder]), LogMel(n_mels=32), work / "features", min_frames=5)
    detector = make_detector(DetectorOptions(), FitOptions(verbose=0))
    store = FeatureStore.open(work / "features")
    train_detector(store, detector, work / "model", validation_split=0.25, seed=0)
    evaluate_detector(work / "features", work / "model", work / "results")
    return work


@pytest.fixture(scope="module")
def undisturbed(fans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return evaluated(fans, tmp_path_factory.mktemp("undisturbed"))


# The set has 16 training clips; with 16 silent ones, half of them are silent.
@pytest.mark.parametrize("count", [1, 7, 16])
def test_silent_training_clips_change_nothing_but_the_list_of_what_was_left_out(
    fans: Path, undisturbed: Path, tmp_path: Path, count: int
) -> None:
    folder = Path(shutil.copytree(fans, tmp_path / fans.name))
    for number in range(count):
        name = f"normal_id_{('00', '02')[number % 2]}_{90 + number:08}.wav"
        soundfile.write(folder / "fan" / "train" / name, np.zeros(RATE), RATE)
    work = evaluated(folder, tmp_path / "work")
    for name in ("results/thresholds.json", "results/scores.csv", "model/normal_scores.csv"):
        assert (work / name).read_bytes() == (undisturbed / name).read_bytes()
    found, before = (
        json.loads((one / "results" / "evaluation.json").read_text()) for one in (work, undisturbed)
    )
    skipped = found.pop("skipped")
    assert [one["kind"] for one in skipped] == ["silent"] * count
    assert before.pop("skipped") == []
    assert found == before


def test_silent_test_clips_are_left_out_of_the_figures(
    fans: Path, undisturbed: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(fans, tmp_path / fans.name))
    soundfile.write(folder / "fan" / "test" / "anomaly_id_00_00000090.wav", np.zeros(RATE), RATE)
    work = evaluated(folder, tmp_path / "work")
    name = "results/scores.csv"
    assert (work / name).read_bytes() == (undisturbed / name).read_bytes()


def test_model_remembers_what_its_training_recordings_were_like(undisturbed: Path) -> None:
    ((name, profile),) = read_sound_profiles(undisturbed / "model").items()
    assert name == "fan"
    assert profile["clips"] == 16
    assert (profile["low"]["seconds"], profile["high"]["seconds"]) == (1.0, 1.0)
    assert profile["sample_rates"] == [RATE]
    store = FeatureStore.open(undisturbed / "features")
    test = store.where(lambda clip: clip.split == "test")
    assert count_unlike(undisturbed / "model", store, test)["refused"] == 0


def test_test_clips_unlike_the_training_are_counted_and_warned_about(
    fans: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(fans, tmp_path / fans.name))
    test = folder / "fan" / "test"
    samples, _ = soundfile.read(test / "normal_id_00_00000000.wav", dtype="float32")
    soundfile.write(test / "normal_id_00_00000000.wav", 0.05 * samples, RATE, subtype="FLOAT")
    gappy, _ = soundfile.read(test / "anomaly_id_00_00000000.wav", dtype="float32")
    gappy[: RATE // 10] = 0.0
    soundfile.write(test / "anomaly_id_00_00000000.wav", gappy, RATE, subtype="FLOAT")
    work = evaluated(folder, tmp_path / "work")
    found = json.loads((work / "results" / "evaluation.json").read_text())
    unlike = found["unlike_training"]
    assert (unlike["clips"], unlike["refused"]) == (12, 1)
    assert unlike["warned"] >= 1
    assert unlike["reasons"][0] == {
        "reason": "dropouts",
        "refuses": True,
        "normal": 0,
        "anomaly": 1,
    }
    assert {"reason": "quiet", "refuses": False, "normal": 1, "anomaly": 0} in unlike["reasons"]
    assert any("1 of 12 test clips are so unlike" in text for text in found["warnings"])


def test_store_without_measurements_has_no_profiles(two_types: Path, tmp_path: Path) -> None:
    store = FeatureStore.open(two_types)
    detector = make_detector(DetectorOptions(), FitOptions(verbose=0))
    train_detector(store, detector, tmp_path / "model", validation_split=0.0, seed=0)
    assert read_sound_profiles(tmp_path / "model") == {}
    everything = store.where(lambda clip: bool(clip.path))
    assert count_unlike(tmp_path / "model", store, everything)["warned"] == 0
