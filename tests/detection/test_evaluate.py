import shutil
from pathlib import Path

import pytest

from stethoscope.detection.evaluate import evaluate_detector
from stethoscope.files import read_json


@pytest.mark.parametrize(("n_clips", "warned"), [(40, True), (8, False)])
def test_more_false_alarms_than_chance_explains_are_warned_about_in_one_line(
    fan_store: Path,
    fan_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    n_clips: int,
    warned: bool,
) -> None:
    """Training clips that scored far lower than any test clip; few of them are a reason to doubt
    the threshold, not the clips.
    """
    model = Path(shutil.copytree(fan_model, tmp_path / "model"))
    rows = [
        f"fan.zip,{number}.wav,fan,{machine},1,0.001"
        for machine in ("00", "02")
        for number in range(n_clips // 2)
    ]
    (model / "normal_scores.csv").write_text(
        "\n".join(["source,path,machine_type,machine_id,held_out,score", *rows])
    )
    evaluate_detector(fan_store, model, tmp_path / "results")
    expected = (
        "fan/00, fan/02: 100 % of the normal test clips raise an alarm, 10 % was wanted; "
        "normal test clips sound different from the training clips: "
        "train on recordings of more days and places"
    )
    assert (expected in read_json(tmp_path / "results/evaluation.json")["warnings"]) == warned
    assert capsys.readouterr().err.count(expected) == warned
