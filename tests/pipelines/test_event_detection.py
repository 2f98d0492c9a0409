"""The pipeline that detects events, run by the command line."""

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.cli import main
from tests.sounds import beeps


def run(*arguments: str | Path) -> int:
    return main(["run", "--pipeline", "event-detection", *map(str, arguments)])


@pytest.mark.slow
def test_detector_is_trained_evaluated_exported_and_applied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = tmp_path / "beeps", tmp_path / "run"
    for seed in range(6):
        beeps(folder, f"{seed:02d}", seed, seconds=6.0)
    values = ("event_epochs=12", "event_batch_size=32", "export_max_drop=0.1")
    for number in range(3):
        noise = 0.02 * np.random.default_rng(number).standard_normal(32000)
        (tmp_path / "places").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "places" / f"{number}.wav", noise, 16000, subtype="PCM_16")
    values = (*values, f"event_background={tmp_path / 'places'}")
    flags = [part for value in values for part in ("-p", value)]
    assert run("--dataset-url", folder, *flags, "--output", output) == 0
    printed = capsys.readouterr().out
    assert str(output / "report.html") in printed
    assert "false per hour of background" in printed
    files = {path.name for path in output.iterdir()}
    expected = {"summary.json", "report.html", "events.csv", "windows.csv", "bundle", "run.log"}
    assert expected <= files
    assert "work" not in files

    summary = json.loads((output / "summary.json").read_text())
    assert summary["settings"]["event_epochs"] == 12
    test = summary["evaluation"]["networks"]["float"]["test"]
    assert test["windows"]["auc"] > 0.9
    assert test["background"]["hours"] == pytest.approx(2 / 3600, rel=0.05)
    with (output / "events.csv").open(newline="") as file:
        outcomes = Counter(row["outcome"] for row in csv.DictReader(file))
    figures = test["events"]
    assert outcomes["hit"] == figures["hits"] > 0
    assert outcomes["missed"] == figures["missed"]
    assert outcomes["false"] == figures["false_events"]
    assert list((output / "bundle" / "c").rglob("*.c"))

    beeps(tmp_path / "new", "x", seed=99)
    assert main(["events", str(output / "bundle"), str(tmp_path / "new" / "audio_x.wav")]) == 0
    events = json.loads(capsys.readouterr().out)["Events"]
    labels = (tmp_path / "new" / "labels_x.txt").read_text().splitlines()
    starts = [float(line.split("\t")[0]) for line in labels]
    assert [event["start"] for event in events] == pytest.approx(starts, abs=0.2)


def test_all_wrong_parameters_are_named_before_the_download(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["-p", "event_window=2", "-p", "event_dropout=1.5"]
    assert run("--dataset-url", "/no/such.zip", *flags, "--output", tmp_path / "run") == 2
    error = capsys.readouterr().err
    assert "event_window is 2" in error
    assert "event_dropout is 1.5" in error
    assert "such.zip" not in error
