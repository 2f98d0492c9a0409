"""Labelled recordings to events in time and C, as the command line runs the compiled pipeline."""

import csv
import json
from pathlib import Path

import pytest

from stethoscope.cli import main
from tests.sounds import beeps


@pytest.mark.slow
def test_from_labelled_recordings_to_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "beeps"
    for seed in range(6):
        beeps(folder, f"{seed:02d}", seed, seconds=6.0)
    output = tmp_path / "run"
    parameters = [
        part
        for one in ("event_epochs=12", "event_batch_size=32", "export_max_drop=0.1")
        for part in ("-p", one)
    ]
    arguments = [
        "run",
        "--pipeline",
        "event-detection",
        "--dataset-url",
        str(folder),
        *parameters,
        "--output",
        str(output),
    ]
    assert main(arguments) == 0
    assert str(output / "report.html") in capsys.readouterr().out
    found = {path.name for path in output.iterdir()}
    assert {
        "summary.json",
        "report.html",
        "events.csv",
        "windows.csv",
        "bundle",
        "run.log",
    } <= found
    assert "work" not in found
    summary = json.loads((output / "summary.json").read_text())
    assert summary["settings"]["event_epochs"] == 12
    test = summary["evaluation"]["networks"]["float"]["test"]
    assert test["windows"]["auc"] > 0.9
    with (output / "events.csv").open(newline="") as file:
        assert (
            len(list(csv.DictReader(file))) >= test["events"]["hits"] + test["events"]["missed"] > 0
        )
    assert [*(output / "bundle" / "c").rglob("*.c")]

    beeps(tmp_path / "new", "x", seed=99)
    assert main(["events", str(output / "bundle"), str(tmp_path / "new" / "audio_x.wav")]) == 0
    heard = json.loads(capsys.readouterr().out)["Events"]
    labels = (tmp_path / "new" / "labels_x.txt").read_text().splitlines()
    assert [event["start"] for event in heard] == pytest.approx(
        [float(line.split("\t")[0]) for line in labels], abs=0.2
    )


def test_impossible_parameters_are_refused_together_before_anything_is_downloaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ["-p", "event_window=2", "-p", "event_dropout=1.5"]
    assert (
        main(
            [
                "run",
                "--pipeline",
                "event-detection",
                "--dataset-url",
                "/no/such.zip",
                *wrong,
                "--output",
                str(tmp_path / "run"),
            ]
        )
        == 1
    )
    told = capsys.readouterr().err
    assert "event_window is 2" in told
    assert "event_dropout is 1.5" in told
    assert "such.zip" not in told
