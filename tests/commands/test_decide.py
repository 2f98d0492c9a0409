import dataclasses
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import soundfile

from stethoscope import cli
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.edit import set_thresholds
from stethoscope.bundle.inference import Inference
from stethoscope.cli import main
from stethoscope.detection.options import MAX_FPR, THRESHOLDS
from stethoscope.detection.scores import ScoredClip, read_scores, write_scores
from stethoscope.detection.thresholds import fit_thresholds
from stethoscope.files import digest
from stethoscope.options import SEED, Parameter


@pytest.fixture
def copy(fan_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fan_bundle, tmp_path / "copy"))


def test_threshold_replaces_the_thresholds_and_nothing_else(copy: Path, fan_bundle: Path) -> None:
    assert main(["threshold", str(copy), "--false-alarm-rate", "0.05"]) == 0
    changed = [
        path.name
        for path in fan_bundle.rglob("*")
        if path.is_file() and digest(path) != digest(copy / path.relative_to(fan_bundle))
    ]
    assert changed == ["bundle.json"]
    before, after = (json.loads((one / "bundle.json").read_text()) for one in (fan_bundle, copy))
    old, new = before.pop("thresholds"), after.pop("thresholds")
    assert before.pop("sha256") != after.pop("sha256")
    assert after == before
    assert {key for key in old if old[key] != new[key]} == {
        "false_alarm_rate",
        "machines",
        "unknown",
    }


def test_gamma_threshold_leaves_the_wanted_share_of_the_distribution_above(copy: Path) -> None:
    assert main(["threshold", str(copy), "--false-alarm-rate", "0.05", "--method", "gamma"]) == 0
    for one in thresholds_of(copy)["machines"].values():
        fitted = one["gamma"]
        distribution = scipy.stats.gamma(
            fitted["shape"], loc=fitted["location"], scale=fitted["scale"]
        )
        assert distribution.sf(one["value"]) == pytest.approx(0.05, rel=1e-6)


def test_empirical_threshold_of_few_clips_is_the_highest_residual(copy: Path) -> None:
    """Each machine has 2 held-out clips, so all 4 are pooled, and rank ceil(5 * 0.95) exceeds 4."""
    arguments = ["--false-alarm-rate", "0.05", "--method", "empirical"]
    assert main(["threshold", str(copy), *arguments]) == 0
    content = thresholds_of(copy)
    offsets = content["offsets"]
    residuals = [
        score - offsets[name] for name, scores in content["held_out"].items() for score in scores
    ]
    assert len(residuals) == 4
    for name, one in content["machines"].items():
        assert one["value"] == pytest.approx(offsets[name] + max(residuals))


def test_inference_uses_the_new_threshold(copy: Path) -> None:
    assert main(["threshold", str(copy), "--false-alarm-rate", "0.3"]) == 0
    frames = np.load(copy / "golden/detector/frames.npy")
    verdict = Inference(Bundle.open(copy)).decide(frames, "fan/00")
    assert verdict.threshold == thresholds_of(copy)["machines"]["fan/00"]["value"]


def test_threshold_prints_old_and_new_values_and_warns_of_few_clips(
    copy: Path, fan_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["threshold", str(copy), "--false-alarm-rate", "0.05"]) == 0
    printed = capsys.readouterr()
    title, header, *rows = printed.out.splitlines()
    assert title == "wanted false-alarm rate 0.05, method gamma"
    assert header.split() == ["machine", "threshold", "before", "normal", "clips"]
    old, new = (thresholds_of(one)["machines"]["fan/02"]["value"] for one in (fan_bundle, copy))
    [row] = [row for row in rows if row.startswith("fan/02")]
    assert row.split()[1:3] == [f"{new:.6g}", f"{old:.6g}"]
    few = (
        "warning: fan/00, fan/02: the threshold for a false-alarm rate of 0.05 is computed from 4 "
    )
    assert printed.err.count(few) == 1


def thresholds_of(bundle: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((bundle / "bundle.json").read_text())
    thresholds: dict[str, Any] = content["thresholds"]
    return thresholds


def test_threshold_without_options_only_prints(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (copy / "bundle.json").read_bytes()
    assert main(["threshold", str(copy)]) == 0
    assert "wanted false-alarm rate 0.1, method gamma" in capsys.readouterr().out
    assert (copy / "bundle.json").read_bytes() == content


@pytest.fixture
def place(fan_archive: Path, tmp_path: Path) -> list[str]:
    """Training clips of fan 00, 20 dB quieter."""
    folder = tmp_path / "place"
    folder.mkdir()
    files = []
    with zipfile.ZipFile(fan_archive) as archive:
        for number in range(5):
            name = f"fan/train/normal_id_00_{number:08d}.wav"
            samples, rate = soundfile.read(io.BytesIO(archive.read(name)))
            files.append(str(folder / Path(name).name))
            soundfile.write(files[-1], 0.1 * samples, rate)
    return files


def test_recentring_moves_the_threshold_of_the_machine_by_the_measured_rule(
    copy: Path, place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = Bundle.open(copy)
    verdicts = [Inference(bundle).verdict(file) for file in place]
    low = np.quantile([one.score for one in verdicts], 0.4)
    expected = np.quantile(bundle.thresholds.normal_scores("fan/00"), 0.4)
    assert low > expected
    assert main(["threshold", str(copy), "--recentre", *place]) == 0
    printed = capsys.readouterr()
    after = Bundle.open(copy)
    moved = after.thresholds.threshold("fan/00") - bundle.thresholds.threshold("fan/00")
    assert moved == pytest.approx((low - expected) * 5 / 7)
    assert after.thresholds.threshold("fan/02") == bundle.thresholds.threshold("fan/02")
    entry = thresholds_of(copy)["recentred"]["fan/00"]
    assert entry["files"] == [Path(file).name for file in place]
    assert f"fan/00: moved by {moved:.6g} on 5 recordings; 5 of them were" in printed.out
    assert "--undo-recentre" in printed.out
    assert "fan/00: 5 recordings show little of the place" in printed.err
    assert Inference(after).verdict(place[0]).threshold == after.thresholds.threshold("fan/00")


def test_undoing_a_recentring_restores_the_bundle(
    copy: Path, fan_bundle: Path, place: list[str]
) -> None:
    assert main(["threshold", str(copy), "--recentre", *place]) == 0
    assert main(["threshold", str(copy), "--undo-recentre"]) == 0
    assert (copy / "bundle.json").read_bytes() == (fan_bundle / "bundle.json").read_bytes()


def test_recentring_twice_is_recentring_on_the_second_recordings(
    copy: Path, place: list[str]
) -> None:
    assert main(["threshold", str(copy), "--recentre", *place[:4]]) == 0
    assert main(["threshold", str(copy), "--recentre", *place]) == 0
    twice = thresholds_of(copy)
    assert main(["threshold", str(copy), "--undo-recentre"]) == 0
    assert main(["threshold", str(copy), "--recentre", *place]) == 0
    assert thresholds_of(copy) == twice


def test_recentring_leaves_out_what_cannot_be_read_and_refuses_too_few_recordings(
    copy: Path, place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (copy / "bundle.json").read_bytes()
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    assert main(["threshold", str(copy), "--recentre", str(text), *place[:2]]) == 2
    assert "fan/00: 2 recordings cannot be re-centred on" in capsys.readouterr().err
    assert (copy / "bundle.json").read_bytes() == content
    assert main(["threshold", str(copy), "--recentre", str(text), *place[:3]]) == 0
    assert "left out: " in capsys.readouterr().err
    assert len(thresholds_of(copy)["recentred"]["fan/00"]["files"]) == 3


def test_recentring_on_recordings_that_look_mixed_names_those_that_stand_out(
    copy: Path,
    fan_archive: Path,
    place: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with zipfile.ZipFile(fan_archive) as archive:
        normal = [
            archive.extract(f"fan/train/normal_id_00_{n:08d}.wav", tmp_path) for n in range(4)
        ]
    bundle = Bundle.open(copy)
    low, *_, high, quiet = sorted(
        Inference(bundle).verdict(file).score for file in [*normal, place[0]]
    )
    assert quiet - high > high - low
    # Normal clips are known to vary as much as these four do, and no more.
    scores = np.linspace(2 * low - high, high, 40).tolist()
    known = fit_thresholds({"fan/00": scores, "fan/02": scores}, {})
    set_thresholds(bundle, known)
    assert main(["threshold", str(copy), "--recentre", *normal, place[0]]) == 0
    warning = "fan/00: the recordings look mixed, 1 of 5 score far above the others: "
    assert f"{warning}{Path(place[0]).name}; listen" in capsys.readouterr().err


def test_recentring_and_undoing_at_once_is_refused(
    copy: Path, place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["threshold", str(copy), "--undo-recentre", "--recentre", *place]) == 2
    assert "--recentre and --undo-recentre contradict" in capsys.readouterr().err


def test_impossible_rate_leaves_the_bundle_unchanged(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (copy / "bundle.json").read_bytes()
    assert main(["threshold", str(copy), "--false-alarm-rate", "5"]) == 2
    assert "false_alarm_rate is 5.0" in capsys.readouterr().err
    assert (copy / "bundle.json").read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "option", "parameter"),
    [
        (["threshold", "b"], "false_alarm_rate", THRESHOLDS["false_alarm_rate"]),
        (["threshold", "b"], "method", THRESHOLDS["method"]),
        (["compare", "a", "b"], "max_fpr", MAX_FPR),
        (["compare", "a", "b"], "seed", SEED),
    ],
)
def test_option_that_is_a_parameter_too_is_described_as_that(
    arguments: list[str],
    option: str,
    parameter: Parameter,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its definition cannot be used for the help: loading it would delay every command."""
    given = getattr(cli._parser().parse_args(arguments), option)
    assert given in (None, parameter.default), "without a value, a threshold stays as it is"
    monkeypatch.setenv("COLUMNS", "1000")
    with pytest.raises(SystemExit):
        cli._parser().parse_args([arguments[0], "--help"])
    assert parameter.description.rstrip(".").lower() in capsys.readouterr().out.lower()


def scored(shift: float, seed: int) -> list[ScoredClip]:
    hard = np.random.default_rng(9).normal(size=120)
    noise = np.random.default_rng(seed).normal(0, 0.3, 120)
    return [
        ScoredClip(
            path=f"{i}.wav",
            machine_type="fan",
            machine_id=f"0{i % 2}",
            condition="anomaly" if i % 4 > 1 else "normal",
            score=float(hard[i] + noise[i] + shift * (i % 4 > 1)),
            threshold=0.0,
            decision=False,
        )
        for i in range(120)
    ]


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    for name, clips in (
        ("bad", scored(0.3, 0)),
        ("good", scored(3.0, 1)),
        ("alike", scored(0.3, 2)),
    ):
        write_scores(tmp_path / name / "scores.csv", clips)
    return [str(tmp_path / name) for name in ("bad", "good", "alike")]


def test_compare_sets_runs_against_the_first(
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


def test_compare_prints_json(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *runs, "--json"]) == 0
    good, alike = json.loads(capsys.readouterr().out)
    assert (good["run"], good["reference"]) == (runs[1], runs[0])
    assert good["auc"]["beyond_chance"]
    assert not alike["auc"]["beyond_chance"]


def test_compare_counts_clips_that_only_one_run_scored(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    clips = [
        dataclasses.replace(clip, path=f"x{clip.path}") if clip.path == "7.wav" else clip
        for clip in scored(3.0, 1)
    ]
    write_scores(Path(runs[1]) / "scores.csv", clips)
    assert main(["compare", *runs[:2]]) == 0
    assert "2 clips that only one of the runs scored are left out" in capsys.readouterr().out


def test_compare_needs_two_finished_runs(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", runs[0]]) == 2
    assert "give two or more" in capsys.readouterr().err
    assert main(["compare", runs[0], str(tmp_path / "none")]) == 1
    assert (
        capsys.readouterr().err
        == f"stethoscope: {tmp_path / 'none'}: is missing; give the folder of a finished run\n"
    )
