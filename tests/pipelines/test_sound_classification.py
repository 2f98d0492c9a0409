"""Labelled sounds from an archive to answers, as the command line runs it."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.cli import main

QUICK = [
    "class_filters=8,16",
    "class_epochs=30",
    "class_batch_size=6",
    "class_learning_rate=0.01",
    "class_mixup=0",
    "class_validation_split=0",
    "class_augmentations=noise 0.005, stretch 0.8-1.25",
]
CLASSES = ("clicks", "noise", "tone")


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder per class, with recordings of several lengths and rates, mono and stereo."""
    rng = np.random.default_rng(0)
    for label in CLASSES:
        (tmp_path / "sounds" / label).mkdir(parents=True)
        for number in range(6):
            rate = (16_000, 22_050)[number % 2]
            time = np.arange(round(rate * (0.6 + 0.1 * number))) / rate
            samples = 0.002 * rng.standard_normal(len(time))
            if label == "clicks":
                samples[:: rate // 5] += 0.8
            elif label == "noise":
                samples *= 40
            else:
                samples += 0.2 * np.sin(2 * np.pi * rng.uniform(600, 1200) * time)
            if number == 3:
                samples = np.stack([samples, samples], axis=1)
            soundfile.write(
                tmp_path / "sounds" / label / f"{number}.wav", samples, rate, subtype="PCM_16"
            )
    return tmp_path / "sounds"


def run(folder: Path, output: Path, *parameters: str) -> int:
    given = [
        part for one in ("dataset_layout=folders", *QUICK, *parameters) for part in ("-p", one)
    ]
    return main(
        [
            "run",
            "--pipeline",
            "sound-classification",
            "--dataset-url",
            str(folder),
            *given,
            "--output",
            str(output),
        ]
    )


@pytest.mark.slow
def test_from_recordings_to_answers(
    sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sounds / "tone" / "broken.wav").write_text("hello")
    presented = ("class_channels=2", "class_seconds=1", "class_pad=silence", "class_cut=true")
    assert run(sounds, tmp_path / "run", "class_folds=2", *presented) == 0
    assert "over 2 folds" in capsys.readouterr().out
    evaluation = json.loads((tmp_path / "run" / "summary.json").read_text())["evaluation"]
    assert evaluation["balanced_accuracy"] > 0.7
    assert {Path(one["path"]).name for one in evaluation["skipped"]} == {"broken.wav"}
    with (tmp_path / "run" / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18
    assert sum(row["label"] == row["answer"] for row in rows) / 18 == pytest.approx(
        evaluation["accuracy"]["value"]
    )
    assert all(
        sum(float(row[label]) for label in CLASSES) == pytest.approx(1.0, abs=1e-3) for row in rows
    )

    assert sum(one["clips"] for one in evaluation["folds"]) == 18
    report = (tmp_path / "run" / "report.html").read_text()
    assert "stretch 0.8-1.25" in report
    assert "broken.wav" in report
    assert not re.search(r'(src|href)="(?!data:|#)', report), "the page stands alone"

    recordings = [str(sounds / label / "0.wav") for label in CLASSES]
    assert (
        main(
            [
                "classify",
                str(tmp_path / "run" / "model"),
                *recordings,
                str(sounds / "tone" / "broken.wav"),
            ]
        )
        == 0
    )
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "Error" in answers[3]
    assert (
        sum(answer["Label"] == label for answer, label in zip(answers, CLASSES, strict=False)) >= 2
    )
    for answer in answers[:3]:
        assert answer["Probabilities"][answer["Label"]] == max(answer["Probabilities"].values())


@pytest.mark.slow
def test_a_set_without_folds_is_one_clear_line(
    sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(sounds, tmp_path / "run") != 0
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("stethoscope: ")
    assert "gives no fold for it; set class_folds" in error


@pytest.mark.slow
def test_all_that_is_wrong_with_parameters_is_said_before_anything_is_downloaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = (
        "class_epochs=0",
        "class_channels=0",
        "class_pad=zeros",
        "class_augmentations=echo 1",
        "class_folds=1",
    )
    given = [part for one in wrong for part in ("-p", one)]
    where = ["--dataset-url", "https://nowhere.invalid/a.zip", "--output", str(tmp_path / "run")]
    assert main(["run", "--pipeline", "sound-classification", *where, *given]) != 0
    error = capsys.readouterr().err.strip().splitlines()[-1]
    for name in (
        "class_epochs is 0",
        "class_channels is 0",
        "class_pad is 'zeros'",
        "augmentation 'echo 1'",
        "class_folds is 1",
    ):
        assert name in error
