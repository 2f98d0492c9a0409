"""The main pipeline with detection and diagnosis, run here on a small set in the layout of MIMII."""

import csv
import json
from pathlib import Path

import pytest

from stethoscope.cli import main

MIMII = "simulated/fan?layout=mimii&ids=2&train_clips=8&test_anomaly=9&seconds=1&snr_db={snr}"
QUICK = ["-p", "class_epochs=3", "-p", "class_window=16", "-p", "class_filters=4,8"]


@pytest.mark.slow
def test_one_command_detects_and_diagnoses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    urls = ",".join(MIMII.format(snr=snr) for snr in (6, 0))
    arguments = [
        "-p",
        "fault_groups=3",
        "-p",
        "fault_names=imbalance",
        "-p",
        "class_augmentations=roll 1600",
        *QUICK,
    ]
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
    assert summary["evaluation"]["overall"]["auc"]["value"] > 0

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
    assert "Listen to the groups" in report

    bundle = output / "bundle"
    assert (
        main(
            [
                "predict",
                str(bundle),
                str(bundle / "golden" / "diagnosis" / "golden.wav"),
                "--machine-id",
                "00",
            ]
        )
        == 0
    )
    details = json.loads(capsys.readouterr().out)["Details"]
    assert details["Labels"] == diagnosis["labels"]
    assert len(details["Probabilities"]) == 4


@pytest.mark.slow
def test_without_anomalies_the_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "simulated/fan?ids=1&train_clips=6&test_normal=3&test_anomaly=0&seconds=1"
    assert main(["run", "--dataset-url", url, *QUICK, "--output", str(tmp_path / "run")]) == 0
    assert "Nothing to diagnose: no clip is anomalous" in capsys.readouterr().out
    assert "no clip is anomalous" in (tmp_path / "run" / "report.html").read_text()
    assert json.loads((tmp_path / "run" / "bundle" / "bundle.json").read_text())["roles"] == [
        "detector"
    ]
