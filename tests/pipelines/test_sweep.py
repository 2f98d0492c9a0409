"""A sweep of two machines and two settings, run here by the command line."""

import csv
import json
import re
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from stethoscope.cli import main

TINY = "?ids=1&train_clips=6&test_normal=3&test_anomaly=3&seconds=1"


@pytest.mark.slow
def test_sweep_with_a_failing_run_reports_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pump's clips are too short for the second setting: a second has 1 + 16000 // 512 = 32
    frames.
    """
    machines = [
        f"fan=simulated/fan{TINY.replace('seconds=1', 'seconds=2')}",
        f"pump=simulated/pump{TINY}",
    ]
    output = tmp_path / "out"
    grid = ["feature_frames=5,40", "feature_n_mels=16"]
    assert main(["sweep", "--machines", *machines, "--grid", *grid, "--output", str(output)]) == 1

    printed = capsys.readouterr().out
    assert "3 of 4 runs succeeded" in printed
    [failure] = [line for line in printed.splitlines() if line.startswith("failed: ")]
    assert failure.startswith("failed: pump-2: none of 12 recordings can be used")
    assert "shorter than one window of 40 frames" in failure

    items = {
        one["item"]: one
        for one in json.loads((output / "summary.json").read_text())["leaderboard"]["items"]
    }
    assert {name: one["status"] for name, one in items.items()} == {
        "fan-1": "succeeded", "fan-2": "succeeded", "pump-1": "succeeded", "pump-2": "failed",
    }  # fmt: skip
    assert items["fan-2"]["parameters"]["feature_frames"] == 40
    with (output / "leaderboard.csv").open(newline="") as file:
        rows = {row["item"]: row for row in csv.DictReader(file)}
    assert rows.keys() == items.keys()
    assert (rows["pump-2"]["auc"], rows["pump-2"]["reason"]) == ("", items["pump-2"]["reason"])
    for name in ("fan-1", "fan-2", "pump-1"):
        with (output / "items" / name / "scores.csv").open(newline="") as file:
            scored = [
                (row["condition"] == "anomaly", float(row["score"])) for row in csv.DictReader(file)
            ]
        assert float(rows[name]["auc"]) == pytest.approx(roc_auc_score(*zip(*scored, strict=True)))
        assert (output / "items" / name / "report.html").is_file()
        assert (output / "items" / name / "bundle" / "bundle.json").is_file()

    assert main(["sweep", "--resume", str(output)]) == 1
    assert "3 of 4 runs succeeded" in capsys.readouterr().out
    steps = re.findall(r"Executing task .*?'(.+?)'", (output / "run.log").read_text())
    # What failed is run again, from the step that failed; nothing else is.
    assert steps == ["plan-sweep", *4 * ["sweep-item"], "leaderboard", "sweep-item", "leaderboard"]
    again = (output / "items" / "pump-2" / "run.log").read_text()
    executed = re.findall(r"Executing task .*?'(.+?)'", again)
    # KFP takes steps that do not depend on each other in an order that differs between processes.
    assert executed[:2] == ["check-parameters", "download"]
    assert {name for name in executed if executed.count(name) > 1} == {"extract-features"}
    assert executed.count("extract-features") == 2
    assert "train-detector" not in executed
    assert not (output / "items" / "pump-2" / "work").exists()
