"""The pipeline that classifies sounds, run by the command line."""

import csv
import json
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.cli import main
from stethoscope.model.network import Network

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


def run(*arguments: str | Path) -> int:
    return main(["run", "--pipeline", "sound-classification", *map(str, arguments)])


def classify_folder(folder: Path, output: Path, *parameters: str) -> int:
    values = ("dataset_layout=folders", *QUICK, *parameters)
    flags = [part for value in values for part in ("-p", value)]
    return run("--dataset-url", folder, *flags, "--output", output)


def read_answers(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_classifier_is_trained_evaluated_and_applied(
    sounds: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = sounds / "tone" / "broken.wav"
    broken.write_text("hello")
    output = tmp_path / "run"
    inputs = ("class_channels=2", "class_seconds=1", "class_pad=silence", "class_cut=true")
    assert classify_folder(sounds, output, "class_folds=2", *inputs) == 0
    assert "over 2 folds" in capsys.readouterr().out

    evaluation = json.loads((output / "summary.json").read_text())["evaluation"]
    assert evaluation["balanced_accuracy"] > 0.6, "chance gives 1 / 3"
    assert {Path(one["path"]).name for one in evaluation["skipped"]} == {"broken.wav"}
    assert sum(fold["clips"] for fold in evaluation["folds"]) == 18
    rows = read_answers(output / "answers.csv")
    assert len(rows) == 18
    correct = sum(row["label"] == row["answer"] for row in rows)
    assert correct / 18 == pytest.approx(evaluation["accuracy"]["value"])
    for row in rows:
        assert sum(float(row[label]) for label in CLASSES) == pytest.approx(1.0, abs=1e-3)

    report = (output / "report.html").read_text()
    assert "stretch 0.8-1.25" in report
    assert "broken.wav" in report
    assert not re.search(r'(src|href)="(?!data:|#)', report), "the page loads no other file"

    recordings = [str(sounds / label / "0.wav") for label in CLASSES]
    assert main(["classify", str(output / "model"), *recordings, str(broken)]) == 0
    *answers, failed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "Error" in failed
    correct = sum(one["Label"] == label for one, label in zip(answers, CLASSES, strict=True))
    assert correct >= 2
    for one in answers:
        assert one["Probabilities"][one["Label"]] == max(one["Probabilities"].values())

    def crash(*_arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    monkeypatch.setattr(Network, "__call__", crash)
    to_c = ["--target", "c", "--output", str(tmp_path / "c")]
    for command, rest in (("classify", recordings), ("export", to_c)):
        assert main([command, str(output / "model"), *rest]) == 1
        assert re.search(rf"{output / 'model'}.*crashed \(SIGSEGV\)", capsys.readouterr().err)


@pytest.mark.slow
def test_class_with_one_recording_gives_one_line(
    sounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in sorted((sounds / "tone").iterdir())[1:]:
        path.unlink()
    assert classify_folder(sounds, tmp_path / "run") == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("stethoscope: ")
    assert "class 'tone' has 1 recording; record more" in error


def test_all_wrong_parameters_are_named_before_the_download(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {
        "class_epochs=0": "class_epochs is 0",
        "class_channels=0": "class_channels is 0",
        "class_pad=zeros": "class_pad is 'zeros'",
        "class_augmentations=echo 1": "augmentation 'echo 1'",
        "class_folds=-1": "class_folds is -1",
    }
    flags = [part for value in wrong for part in ("-p", value)]
    url = "https://nowhere.invalid/a.zip"
    assert run("--dataset-url", url, *flags, "--output", tmp_path / "run") != 0
    error = capsys.readouterr().err.strip().splitlines()[-1]
    for text in wrong.values():
        assert text in error
    assert "nowhere.invalid" not in error
