"""Results of a run on a cluster.

The folders are those that KFP's launcher writes, filled with the outputs of a local evaluation.
"""

import json
import os
import shutil
from pathlib import Path

import pytest

from stethoscope.cli import main
from stethoscope.files import write_json


@pytest.mark.parametrize("attempt", ["", "6f1e3a52-9f6f-4a57-8a63-0d2b8b0f7c11"])
def test_collect_writes_the_folder_of_a_local_run(
    fan_results: Path,
    fan_bundle: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    attempt: str,
) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(fan_results, copied / "evaluate-detector" / attempt / "results")
    (copied / "evaluate-diagnosis" / attempt / "results").mkdir(parents=True)
    write_json(
        copied / "evaluate-diagnosis" / attempt / "results" / "diagnosis.json",
        {"reason": "fault_groups is 0"},
    )
    shutil.copytree(fan_bundle, copied / "export-model" / attempt / "bundle")
    for name, age in (("first", 100), (attempt, 50)):
        page = copied / "report" / name / "page"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f"written {age} s ago")
        os.utime(page, (1e9 - age, 1e9 - age))
    assert main(["collect", str(copied), "--output", str(tmp_path / "out")]) == 0
    found = {path.name for path in (tmp_path / "out").iterdir()}
    assert {
        "summary.json",
        "report.html",
        "scores.csv",
        "result.csv",
        "anomaly_score_fan_id_00.csv",
        "bundle",
    } <= found
    assert (tmp_path / "out" / "report.html").read_text() == "written 50 s ago"
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert len(summary["evaluation"]["overall"]["machines"]) == 2
    printed = capsys.readouterr().out
    assert "fan/00" in printed
    assert "Nothing to diagnose: fault_groups is 0" in printed


def test_collect_names_an_output_that_is_missing(
    fan_results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(fan_results, tmp_path / "evaluate-detector" / "results")
    assert main(["collect", str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    assert "of the step" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["collect", str(tmp_path / "absent"), "--output", str(tmp_path / "out")]) == 2
