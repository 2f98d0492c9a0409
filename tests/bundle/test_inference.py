import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.bundle.build import export_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference, machine_id_of_name
from stethoscope.bundle.manifest import update_manifest
from stethoscope.cli import main
from stethoscope.detection.detector import make_detector
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.train import train_detector
from stethoscope.errors import AudioError, ModelError
from stethoscope.features.store import FeatureStore


@pytest.fixture(params=["autoencoder", "pooled-gmm"])
def evaluated(
    request: pytest.FixtureRequest,
    fan_store: Path,
    fan_bundle: Path,
    fan_results: Path,
    tmp_path: Path,
) -> tuple[Path, Path]:
    """A bundle and the evaluation of its detector, with a network and without one."""
    if request.param == "autoencoder":
        return fan_bundle, fan_results
    model, results = tmp_path / "model", tmp_path / "results"
    detector = make_detector(DetectorOptions(name=request.param), FitOptions(verbose=0))
    train_detector(FeatureStore.open(fan_store), detector, model, validation_split=0.25, seed=0)
    evaluate_detector(fan_store, model, results)
    return export_bundle(model, results, tmp_path / "bundle").folder, results


def test_predict_gives_the_scores_and_decisions_of_the_evaluation(
    evaluated: tuple[Path, Path], recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, results = evaluated
    with (results / "scores.csv").open() as file:
        rows = {Path(row["path"]).name: row for row in csv.DictReader(file)}
    files = sorted(recordings.glob("*.wav"))
    assert main(["predict", str(bundle), *map(str, files)]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(answers) == len(rows) == 12
    for answer in answers:
        row = rows[Path(answer["File"]).name]
        assert answer["Details"]["Score"] == pytest.approx(float(row["score"]), rel=1e-5)
        assert answer["Details"]["Threshold"] == float(row["threshold"])
        assert answer["Anomaly"] == (row["decision"] == "1")
        assert answer["Details"]["MachineId"] == row["machine_id"]
        assert answer["Details"]["Message"] == ("Anomaly" if answer["Anomaly"] else "Component OK")
        assert sum(answer["Details"]["Probabilities"]) == pytest.approx(1.0)


def test_unknown_or_missing_id_uses_the_threshold_of_all_ids(
    fan_bundle: Path, recordings: Path
) -> None:
    inference = Inference(Bundle.open(fan_bundle))
    samples, rate = soundfile.read(next(recordings.glob("*id_00*.wav")))
    nameless = recordings / "clip.wav"
    soundfile.write(nameless, samples, rate)
    for machine_id in ("", "77"):
        verdict = inference.verdict(nameless, machine_id=machine_id)
        assert verdict.machine == "fan/"
        assert verdict.threshold == inference.bundle.thresholds.threshold(None)
    known = inference.verdict(nameless, machine_id="00")
    assert known.threshold == inference.bundle.thresholds.machines["fan/00"].value
    assert inference.verdict(nameless, machine_id="fan/00") == known


def test_any_rate_and_length_is_judged_but_too_short_recordings_are_refused(
    fan_bundle: Path, tmp_path: Path
) -> None:
    inference = Inference(Bundle.open(fan_bundle))
    noise = 0.1 * np.random.default_rng(0).standard_normal(44_100 * 3)
    soundfile.write(tmp_path / "long.wav", noise, 44_100)
    assert np.isfinite(inference.verdict(tmp_path / "long.wav").score)
    soundfile.write(tmp_path / "short.wav", noise[:500], 44_100)
    with pytest.raises(
        AudioError, match=r"short\.wav: lasts 0\.011 s, the model needs at least 0\.128 s"
    ):
        inference.verdict(tmp_path / "short.wav")


@pytest.mark.parametrize(
    ("name", "machine_id"),
    [
        ("normal_id_02_00000000.wav", "02"),
        ("a/anomaly_id_06_00000001.wav", "06"),
        ("id_05_00000000.wav", "05"),
        ("section_03_source_test_anomaly_0000_x.wav", "03"),
        ("fan/id_04/abnormal/00000000.wav", "04"),
        ("clip.wav", ""),
        ("grid_02.wav", ""),
    ],
)
def test_machine_id_is_read_from_names_of_the_public_sets(name: str, machine_id: str) -> None:
    assert machine_id_of_name(name) == machine_id


def write(path: Path, samples: np.ndarray, rate: int = 16_000) -> str:
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return str(path)


def test_what_cannot_be_judged_is_refused_with_its_reason_and_the_rest_is_judged(
    fan_bundle: Path, recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = recordings / "normal_id_00_00000000.wav"
    samples, _ = soundfile.read(good, dtype="float32")
    low = np.fft.rfft(samples)
    low[len(low) // 2 :] = 0.0
    gap = samples.copy()
    gap[:1600] = 0.0
    files = {
        "silent": write(tmp_path / "silent.wav", np.zeros(16_000)),
        "constant": write(tmp_path / "dc.wav", np.full(16_000, 0.1)),
        "too_large": write(tmp_path / "huge.wav", samples * np.float32(1e30)),
        "dropouts": write(tmp_path / "gap.wav", gap),
        "missing_band": write(tmp_path / "low.wav", np.fft.irfft(low)),
        "clipped": write(tmp_path / "clipped.wav", np.clip(samples, -0.01, 0.01)),
    }
    assert main(["predict", str(fan_bundle), *files.values(), str(good)]) == 0
    *refused, judged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["Reason"] for answer in refused] == list(files)
    for answer, file in zip(refused, files.values(), strict=True):
        assert answer["Error"].startswith(f"{file}: ")
        assert "Anomaly" not in answer
    assert "Warnings" not in judged["Details"]
    assert main(["predict", str(fan_bundle), files["silent"]]) == 1


def test_recordings_unlike_the_training_are_judged_with_warnings(
    fan_bundle: Path, recordings: Path, tmp_path: Path
) -> None:
    inference = Inference(Bundle.open(fan_bundle))
    samples, rate = soundfile.read(recordings / "normal_id_00_00000000.wav", dtype="float32")
    for name, altered, reason in (
        ("quiet.wav", samples / 16, "quiet"),
        ("short.wav", samples[: rate // 2], "short"),
        ("long.wav", np.tile(samples, 4), "long"),
    ):
        verdict = inference.verdict(write(tmp_path / name, altered), machine_id="00", window=0)
        assert reason in [warning.reason for warning in verdict.warnings]
        assert verdict.to_json()["Details"]["Warnings"][0].keys() == {"Reason", "Message"}


def test_an_older_bundle_refuses_only_what_is_useless(
    old: Path, recordings: Path, tmp_path: Path
) -> None:
    inference = Inference(Bundle.open(old))
    samples, _ = soundfile.read(recordings / "normal_id_00_00000000.wav", dtype="float32")
    assert inference.verdict(write(tmp_path / "quiet.wav", samples / 16)).warnings == ()
    with pytest.raises(AudioError, match="digital silence") as refused:
        inference.verdict(write(tmp_path / "silent.wav", np.zeros(16_000)))
    assert refused.value.reason == "silent"


def test_a_score_that_is_no_number_is_an_error_that_names_the_recording(
    fan_bundle: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Bundle.open(fan_bundle)
    monkeypatch.setattr(bundle.detector, "score", lambda *_: float("nan"))
    file = recordings / "normal_id_00_00000000.wav"
    with pytest.raises(AudioError, match=r"normal_id_00_00000000\.wav: its score is not a finite"):
        Inference(bundle).verdict(file)


def test_damaged_profiles_are_refused_when_the_bundle_is_opened(copy: Path) -> None:
    update_manifest(copy, sound_profiles={"fan": {"clips": "many"}})
    with pytest.raises(ModelError, match="its description of the training recordings is damaged"):
        Bundle.open(copy)
