"""The main pipeline, run here on a small set in the layout of MIMII."""

import csv
import json
import re
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from stethoscope.cli import main
from stethoscope.detection.scores import ScoredClip, read_scores
from tests.kubeflow.fake_registry import Registry

MIMII = "simulated/fan?layout=mimii&ids=2&train_clips=8&test_anomaly=9&seconds=1&snr_db={snr}"
QUICK = ["-p", "class_epochs=3", "-p", "class_window=16", "-p", "class_filters=4,8"]


@pytest.mark.slow
def test_run_detects_and_diagnoses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "run"
    urls = ",".join(MIMII.format(snr=snr) for snr in (6, 0))
    given = ["fault_groups=3", "fault_names=imbalance", "class_augmentations=roll 1600"]
    given += ["fit_epochs=2", "feature_frames=7"]  # not used by the default detector
    arguments = [*(part for one in given for part in ("-p", one)), *QUICK]
    assert main(["run", "--dataset-url", urls, *arguments, "--output", str(output), "--keep"]) == 0
    printed = capsys.readouterr().out
    assert "fault 1: imbalance" in printed
    assert "balanced accuracy" in printed
    summary = json.loads((output / "summary.json").read_text())
    diagnosis = summary["diagnosis"]
    assert diagnosis["labels"] == ["normal", "fault 1: imbalance", "fault 2", "fault 3"]
    assert sum(group["clips"] for group in diagnosis["groups"]) == 36, (
        "every anomalous clip, at both ratios, unaltered"
    )
    assert summary["evaluation"]["overall"]["auc"]["value"] == pytest.approx(mean_auc(output))
    lines = (output / "run.log").read_text().splitlines()
    printed_by_steps = [line.strip() for line in lines if line.strip().startswith("warning: ")]
    assert {f"warning: {text}" for text in summary["warnings"]} == set(printed_by_steps) != set()

    with (output / "fault_groups.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 36
    with (output / "fault_answers.csv").open(newline="") as file:
        answers = list(csv.DictReader(file))
    assert (
        len(answers) == diagnosis["test_clips"] == sum(map(sum, diagnosis["figures"]["confusion"]))
    )

    [parts] = output.glob("work/**/train-diagnosis/model/parts.csv")
    with parts.open(newline="") as file:
        rows = list(csv.DictReader(file))
    by_recording: dict[str, set[str]] = {}
    for row in rows:
        by_recording.setdefault(row["recording"], set()).add(row["part"])
    assert all(len(taken) == 1 for taken in by_recording.values()), "a recording lies in two parts"
    assert {row["recording"] for row in answers} == {
        name for name, taken in by_recording.items() if taken == {"test"}
    }
    assert {row["augmentation"] for row in rows} == {"", "roll 1600"}

    report = (output / "report.html").read_text()
    assert "Anomalies found" in report
    assert "Typical clips" in report
    [ignored] = [text for text in summary["warnings"] if "fit_epochs" in text]
    assert "does not use feature_frames, fit_epochs;" in ignored
    assert ignored in report

    bundle = output / "bundle"
    recording = bundle / "golden" / "diagnosis" / "golden.wav"
    assert main(["predict", str(bundle), str(recording), "--machine-id", "00"]) == 0
    details = json.loads(capsys.readouterr().out)["Details"]
    assert details["Labels"] == diagnosis["labels"]
    assert len(details["Probabilities"]) == 4


def mean_auc(output: Path) -> float:
    """Return the mean AUC over machine ids, by scikit-learn."""
    machines: dict[str, list[ScoredClip]] = {}
    for clip in read_scores(output / "scores.csv"):
        machines.setdefault(clip.machine_id, []).append(clip)
    areas = [
        roc_auc_score([clip.condition == "anomaly" for clip in clips], [c.score for c in clips])
        for clips in machines.values()
    ]
    return sum(areas) / len(areas)


@pytest.mark.slow
def test_run_without_anomalies_has_nothing_to_diagnose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "simulated/fan?ids=1&train_clips=6&test_normal=3&test_anomaly=0&seconds=1"
    registry = Registry()
    offered = ["-p", f"export_registry={registry.address}", "-p", "export_serve_image=r.io/s:1"]
    arguments = ["run", "--dataset-url", url, *QUICK, *offered, "--output", str(tmp_path / "run")]
    try:
        assert main(arguments) == 0
    finally:
        registry.close()
    [version] = registry.versions.values()
    assert version["customProperties"]["machines"]["string_value"] == "fan/00"
    assert "image: r.io/s:1" in (tmp_path / "run" / "inference_service.yaml").read_text()
    assert "Nothing to diagnose: no clip is anomalous" in capsys.readouterr().out
    report = (tmp_path / "run" / "report.html").read_text()
    assert "no clip is anomalous" in report
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    [warning] = [text for text in summary["warnings"] if "not used" in text]
    assert {"class_epochs", "class_window", "class_filters"} <= set(re.findall(r"\w+", warning))
    assert warning in report
    manifest = json.loads((tmp_path / "run" / "bundle" / "bundle.json").read_text())
    assert manifest["roles"] == ["detector"]
