import csv
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.bundle.build import export_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference, machine_id_of_name
from stethoscope.cli import main
from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.detection.options import DetectorOptions, FitOptions
from stethoscope.detection.registry import make_detector
from stethoscope.detection.train import train_detector
from stethoscope.errors import AudioError, ModelError
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json, write_json


@pytest.fixture
def recordings(fan_archive: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(fan_archive) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "fan" / "test"


@pytest.fixture
def copy(fan_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fan_bundle, tmp_path / "copy"))


@pytest.fixture(params=["autoencoder", "pooled-gmm"])
def evaluated(
    request: pytest.FixtureRequest,
    fan_store: Path,
    fan_bundle: Path,
    fan_results: Path,
    tmp_path: Path,
) -> tuple[Path, Path]:
    """A bundle and the evaluation of its detector: one with a network, one with numbers alone."""
    if request.param == "autoencoder":
        return fan_bundle, fan_results
    model, results = tmp_path / "model", tmp_path / "results"
    detector = make_detector(DetectorOptions(name=request.param), FitOptions(verbose=0), context=5)
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


def test_a_file_that_cannot_be_read_has_its_line_and_the_others_are_answered(
    fan_bundle: Path, recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    good = next(recordings.glob("*.wav"))
    assert main(["predict", str(fan_bundle), str(text), str(good)]) == 0
    bad, answer = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert bad["File"] == str(text)
    assert "not a readable" in bad["Error"]
    assert "Anomaly" in answer
    assert main(["predict", str(fan_bundle), str(text)]) == 1


def test_an_unknown_or_missing_id_is_judged_by_the_threshold_of_all(
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


def test_other_rates_and_lengths_are_answered_and_too_short_ones_refused(
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
        ("normal_id_02_00000000.wav", "02"), ("a/anomaly_id_06_00000001.wav", "06"), ("id_05_00000000.wav", "05"),
        ("section_03_source_test_anomaly_0000_x.wav", "03"), ("fan/id_04/abnormal/00000000.wav", "04"), ("clip.wav", ""),
        ("grid_02.wav", ""),
    ],
)  # fmt: skip
def test_ids_are_read_from_the_sets_own_names(name: str, machine_id: str) -> None:
    assert machine_id_of_name(name) == machine_id


def test_an_altered_or_missing_file_is_named(copy: Path) -> None:
    network = copy / "models/detector/fan.tflite"
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    network.write_bytes(content)
    with pytest.raises(ModelError, match=r"fan\.tflite: was altered"):
        Bundle.open(copy)
    network.unlink()
    with pytest.raises(ModelError, match=r"fan\.tflite: is missing"):
        Bundle.open(copy)


def test_a_bundle_that_computes_something_else_is_refused(copy: Path) -> None:
    manifest = read_json(copy / "bundle.json")
    golden = read_json(copy / "golden/detector/golden.json")
    write_json(copy / "golden/detector/golden.json", {**golden, "score": golden["score"] * 1.01})
    import hashlib

    manifest["files"]["golden/detector/golden.json"] = hashlib.sha256(
        (copy / "golden/detector/golden.json").read_bytes()
    ).hexdigest()
    write_json(copy / "bundle.json", manifest)
    with pytest.raises(ModelError, match="scores the golden sound"):
        Bundle.open(copy)


def test_names_that_leave_the_bundle_are_refused(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    manifest = read_json(copy / "bundle.json")
    manifest["files"]["../secret"] = "0" * 64
    write_json(copy / "bundle.json", manifest)
    with pytest.raises(ModelError, match="secret"):
        Bundle.open(copy)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"schema_version": 99}'])
def test_a_damaged_manifest_is_one_clear_line(
    copy: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "bundle.json").write_text(content)
    assert main(["predict", str(copy), "x.wav"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_no_bundle_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(tmp_path / "nowhere"), "x.wav"]) == 1
    assert "is no bundle folder" in capsys.readouterr().err


def test_a_bundle_names_its_formats(fan_model: Path, fan_results: Path, tmp_path: Path) -> None:
    from stethoscope.bundle.build import export_bundle
    from stethoscope.errors import ParameterError

    export_bundle(fan_model, fan_results, tmp_path / "small", formats="tflite")
    assert not list((tmp_path / "small").rglob("*.keras"))
    export_bundle(fan_model, fan_results, tmp_path / "large", formats="h5, keras")
    assert {path.suffix for path in (tmp_path / "large/models/detector").iterdir()} >= {
        ".h5",
        ".keras",
        ".tflite",
    }
    with pytest.raises(ParameterError, match="export_formats holds onnx"):
        export_bundle(fan_model, fan_results, tmp_path / "other", formats="onnx")
