import builtins
import csv
import json
from pathlib import Path
from typing import Any

import pytest

import stethoscope
from stethoscope.errors import ParameterError

SUMMARY = {
    "seconds": 9.0,
    "settings": {"seed": 0},
    "warnings": ["few clips"],
    "evaluation": {
        "max_fpr": 0.1,
        "overall": {
            "auc": {"value": 0.75, "low": 0.5, "high": 1.0, "reason": ""},
            "pauc": {"value": None, "low": None, "high": None, "reason": "no clips"},
            "machines": [{"machine": "fan/00", "n_normal": 3, "auc": {"value": 0.5}}],
            "ok": True,
        },
        "folds": [{"fold": 1, "accuracy": 0.3}],
        "confusion": [[1, 2], [3, 4]],
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "summary.json").write_text(json.dumps(SUMMARY))
    with (tmp_path / "scores.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "machine_id", "score"], ["a.wav", "00", "1.5"]])
    (tmp_path / "result.csv").write_text("fan\nid,AUC\n00,0.5\n")
    return tmp_path


def test_figures_are_the_numbers_of_the_summary_by_their_place(folder: Path) -> None:
    done = stethoscope.open_run(folder)
    assert done.figures == {
        "evaluation.overall.auc": 0.75,
        "evaluation.overall.machines.fan/00.n_normal": 3,
        "evaluation.overall.machines.fan/00.auc": 0.5,
        "evaluation.folds.1.accuracy": 0.3,
    }
    assert done.warnings == ["few clips"]
    assert repr(done) == f"Run(folder={folder!r})"
    assert "<td>0.75</td>" in done._repr_html_()


def test_a_table_is_read_without_pandas_as_rows_of_text(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    done = stethoscope.open_run(folder)
    assert done.tables == ["scores"]
    assert done.table("scores") == [{"path": "a.wav", "machine_id": "00", "score": "1.5"}]
    with pytest.raises(ParameterError, match=r"no table 'score'; did you mean scores\?"):
        done.table("score")


def test_a_table_is_a_frame_of_pandas_where_it_is_installed(folder: Path) -> None:
    pytest.importorskip("pandas")
    table = stethoscope.open_run(folder).table("scores")
    assert table.to_dict("records") == [{"path": "a.wav", "machine_id": "00", "score": 1.5}]


def test_a_folder_without_results_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"holds no summary\.json; give the folder of a"):
        stethoscope.open_run(tmp_path)
    with pytest.raises(ParameterError, match="choose one of main"):
        stethoscope.run("simulated/fan", pipeline="mian", output=tmp_path)
