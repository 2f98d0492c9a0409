"""A bundle of detector and diagnosis."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.bundle.verdict import Verdict
from stethoscope.cli import main
from stethoscope.errors import AudioError
from stethoscope.files import read_json
from tests.test_layers import HEAVY


def test_detector_and_diagnosis_answer_together(
    diagnosing_bundle: Path,
    fan_bundle: Path,
    fan_archive: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with zipfile.ZipFile(fan_archive) as archive:
        archive.extractall(tmp_path)
    files = sorted(map(str, (tmp_path / "fan" / "test").glob("*.wav")))
    assert main(["predict", str(diagnosing_bundle), *files]) == 0
    together = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main(["predict", str(fan_bundle), *files]) == 0
    alone = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    diagnosis = Bundle.open(diagnosing_bundle).diagnosis
    assert diagnosis is not None
    for file, one, other in zip(files, together, alone, strict=True):
        samples, _ = soundfile.read(file, dtype="float32")
        machine = f"fan/{Path(file).name.split('_')[2]}"
        rate = Bundle.open(diagnosing_bundle).thresholds.false_alarm_rate
        expected = diagnosis.diagnose(
            diagnosis.feature.extract(samples),
            machine,
            false_alarms=rate if one["Anomaly"] else 1.0,
        ).probabilities
        details = one["Details"]
        assert details["Labels"] == ["normal", "fault 1", "fault 2"]
        assert details["Probabilities"] == pytest.approx(expected.tolist(), abs=1e-5)
        likeliest = details["Labels"][int(np.argmax(details["Probabilities"]))]
        if likeliest == "normal" or details["FaultDistance"] > 1:
            likeliest = "Unknown fault"
        assert details["Message"] == (likeliest if one["Anomaly"] else "Component OK")
        # The detector alone decides whether it is anomalous.
        assert details["Score"] == other["Details"]["Score"]
        assert one["Anomaly"] == (details["Score"] > details["Threshold"])
        assert "Labels" not in other["Details"]
    assert {one["Anomaly"] for one in together} == {True, False}


def test_a_recording_may_be_an_open_file(
    diagnosing_bundle: Path, fan_archive: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(fan_archive) as archive:
        path = archive.extract("fan/test/anomaly_id_00_00000000.wav", tmp_path)
    inference = Inference(Bundle.open(diagnosing_bundle))
    with open(path, "rb") as file:
        assert inference.verdict(file, name=path) == inference.verdict(path)
    with pytest.raises(AudioError):
        inference.verdict(b"no sound")


def test_the_service_answers_the_same_without_the_heavy_packages(
    diagnosing_bundle: Path, fan_archive: Path, tmp_path: Path
) -> None:
    """Judge as the service does, in a process in which importing one of them fails."""
    with zipfile.ZipFile(fan_archive) as archive:
        path = archive.extract("fan/test/anomaly_id_02_00000001.wav", tmp_path)
    program = f"""
import json, sys
for name in {HEAVY!r}:
    sys.modules[name] = None
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.bundle.verdict import Verdict
from stethoscope.serve.judge import judge
from stethoscope.serve.limits import Limits
with open(sys.argv[2], "rb") as file:
    content = file.read()
inference, request = Inference(Bundle.open(sys.argv[1])), dict(machine_id="02", name="clip.wav")
answer = judge(inference, content, Limits(), **request, picture=True)
print(json.dumps(answer.json))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(diagnosing_bundle), path],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer.pop("Picture")["Columns"] > 0
    expected = Inference(Bundle.open(diagnosing_bundle)).verdict(path).to_json()
    # Sums of single precision depend on how many threads a process has for products of matrices.
    for name in ("Probabilities", "FaultDistance"):
        assert answer["Details"].pop(name) == pytest.approx(expected["Details"].pop(name), abs=1e-6)
    assert answer == expected


def test_the_bundle_has_the_figures_of_the_diagnosis(
    diagnosing_bundle: Path, diagnosed_fans: Path
) -> None:
    manifest = read_json(diagnosing_bundle / "bundle.json")
    assert manifest["roles"] == ["detector", "diagnosis"]
    assert manifest["labels"] == ["normal", "fault 1", "fault 2"]
    assert manifest["metrics"]["diagnosis"] == read_json(
        diagnosed_fans / "results" / "diagnosis.json"
    )
    assert not (diagnosing_bundle / "models" / "diagnosis" / "parts.csv").exists()


def answer_of(bundle: Bundle, recording: Path, probabilities: list[float]) -> Verdict:
    """Return the verdict with these probabilities in place of those of the network."""
    diagnosis = bundle.diagnosis
    assert diagnosis is not None
    classifier = replace(
        diagnosis.classifier,
        network=lambda _, shape: np.tile(np.float32(probabilities), (shape[0], 1)),
    )
    models = {**bundle.models, "diagnosis": replace(diagnosis, classifier=classifier)}
    return Inference(replace(bundle, models=models)).verdict(recording)


def test_no_verdict_contradicts_its_probabilities(
    diagnosing_bundle: Path, fan_archive: Path, tmp_path: Path
) -> None:
    """An anomalous clip that is most probably normal has an unknown fault, in old bundles too."""
    bundle = Bundle.open(diagnosing_bundle)
    assert bundle.diagnosis is not None
    with zipfile.ZipFile(fan_archive) as archive:
        archive.extractall(tmp_path)
    recordings = sorted((tmp_path / "fan" / "test").glob("anomaly*.wav"))
    path = next(path for path in recordings if Inference(bundle).verdict(path).anomaly)
    near = replace(bundle.diagnosis.known, limits=np.full(2, 2.1))
    far = replace(bundle.diagnosis.known, limits=np.full(2, 1e-3))
    for known, probabilities, message in (
        (None, [0.6, 0.3, 0.1], "Unknown fault"),
        (None, [0.3, 0.6, 0.1], "fault 1"),
        (near, [0.8, 0.1, 0.1], "Unknown fault"),
        (near, [0.4, 0.2, 0.4], "fault 2"),
        (far, [0.3, 0.1, 0.6], "Unknown fault"),
    ):
        models = {**bundle.models, "diagnosis": replace(bundle.diagnosis, known=known)}
        verdict = answer_of(replace(bundle, models=models), path, probabilities)
        assert verdict.anomaly
        assert verdict.message == message
        assert sum(verdict.probabilities) == pytest.approx(1.0)
        assert (verdict.fault_distance is None) == (known is None)
        if known is far:
            assert verdict.probabilities == pytest.approx([1 / 3] * 3, abs=1e-4)
        elif known is None:
            assert verdict.probabilities == pytest.approx(probabilities)
        else:  # a normal clip becomes an alarm in six cases of ten
            weighted = np.array(probabilities) * [0.6, 1.0, 1.0]
            assert verdict.probabilities == pytest.approx(weighted / weighted.sum())
