import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.cli import main
from stethoscope.detection.scores import ScoredClip, read_scores, write_scores
from stethoscope.detection.thresholds import fit_thresholds
from stethoscope.files import digest


@pytest.fixture
def copy(fan_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fan_bundle, tmp_path / "copy"))


@pytest.mark.parametrize("method", ["gamma", "empirical"])
def test_thresholds_change_and_nothing_else(
    copy: Path, fan_bundle: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["threshold", str(copy), "--false-alarm-rate", "0.05", "--method", method]) == 0
    before, after = Bundle.open(fan_bundle), Bundle.open(copy)
    expected = fit_thresholds(
        before.thresholds.held_out, before.thresholds.offsets, false_alarm_rate=0.05, method=method
    )  # type: ignore[arg-type]
    assert after.thresholds == expected
    assert after.manifest == {
        **before.manifest,
        "thresholds": json.loads(json.dumps(expected.to_json())),
    }
    changed = [
        path.name
        for path in fan_bundle.rglob("*")
        if path.is_file() and digest(path) != digest(copy / path.relative_to(fan_bundle))
    ]
    assert changed == ["bundle.json"]
    frames = np.load(fan_bundle / "golden/detector/frames.npy")
    assert Inference(after).decide(frames, "fan/00").threshold == expected.threshold("fan/00")
    printed = capsys.readouterr()
    assert f"wanted false-alarm rate 0.05, method {method}" in printed.out
    assert f"{expected.threshold('fan/02'):.6g}" in printed.out
    assert (
        printed.err.count(
            "warning: fan/00, fan/02: a false-alarm rate of 0.05 rests on 4 normal clip(s)"
        )
        == 1
    )


def test_without_a_wish_thresholds_are_only_shown(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (copy / "bundle.json").read_bytes()
    assert main(["threshold", str(copy)]) == 0
    assert "wanted false-alarm rate 0.1, method gamma" in capsys.readouterr().out
    assert (copy / "bundle.json").read_bytes() == content


def test_a_rate_that_cannot_be_leaves_the_bundle_alone(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (copy / "bundle.json").read_bytes()
    assert main(["threshold", str(copy), "--false-alarm-rate", "5"]) == 2
    assert "false_alarm_rate is 5.0" in capsys.readouterr().err
    assert (copy / "bundle.json").read_bytes() == content


def scored(shift: float, seed: int) -> list[ScoredClip]:
    hard = np.random.default_rng(9).normal(size=120)
    noise = np.random.default_rng(seed).normal(0, 0.3, 120)
    return [
        ScoredClip(
            path=f"{i}.wav", machine_type="fan", machine_id=f"0{i % 2}", condition="anomaly" if i % 4 > 1 else "normal",
            score=float(hard[i] + noise[i] + shift * (i % 4 > 1)), threshold=0.0, decision=False,
        )
        for i in range(120)
    ]  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    for name, clips in (
        ("bad", scored(0.3, 0)),
        ("good", scored(3.0, 1)),
        ("alike", scored(0.3, 2)),
    ):
        write_scores(tmp_path / name / "scores.csv", clips)
    return [str(tmp_path / name) for name in ("bad", "good", "alike")]


def test_runs_are_compared_with_the_first(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from sklearn.metrics import roc_auc_score

    assert main(["compare", *runs]) == 0
    good, alike = capsys.readouterr().out.split("\n\n")
    assert good.lstrip().startswith(
        f"{runs[1]} compared with {runs[0]}, on 120 clips that both scored"
    )
    assert "The runs differ beyond chance in mean AUC" in good
    assert "The runs do not differ beyond chance in mean AUC" in alike
    for line, clips in zip(good.splitlines()[4:6], ([0, 2], [1, 3]), strict=True):
        rows = [
            clip
            for i, clip in enumerate(read_scores(Path(runs[1]) / "scores.csv"))
            if i % 4 in clips
        ]
        area = roc_auc_score(
            [clip.condition == "anomaly" for clip in rows], [clip.score for clip in rows]
        )
        assert line.split()[2] == f"{area:.3f}"


def test_a_comparison_can_be_read_by_programs(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *runs, "--json"]) == 0
    good, alike = json.loads(capsys.readouterr().out)
    assert (good["run"], good["reference"]) == (runs[1], runs[0])
    assert good["auc"]["beyond_chance"]
    assert not alike["auc"]["beyond_chance"]


def test_clips_of_one_run_only_are_said_to_be_left_out(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    clips = [
        dataclasses.replace(clip, path=f"x{clip.path}") if clip.path == "7.wav" else clip
        for clip in scored(3.0, 1)
    ]
    write_scores(Path(runs[1]) / "scores.csv", clips)
    assert main(["compare", *runs[:2]]) == 0
    assert "2 clips that only one of the runs scored are left out" in capsys.readouterr().out


def test_what_is_no_run_is_one_clear_line(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", runs[0]]) == 2
    assert "give two or more" in capsys.readouterr().err
    assert main(["compare", runs[0], str(tmp_path / "none")]) == 1
    assert (
        capsys.readouterr().err
        == f"stethoscope: {tmp_path / 'none'}: is missing; give the folder of a finished run\n"
    )
