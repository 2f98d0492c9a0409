import json
import sys
from pathlib import Path
from typing import Any

import pytest

from stethoscope import processes
from stethoscope.errors import ParameterError
from stethoscope.kubeflow.folder import RunFolder
from stethoscope.sweep.items import Item, plan, refuse_missing, run_item


def test_plan_holds_every_machine_with_every_setting() -> None:
    machines = [
        {"machine": "a", "dataset_url": "simulated/fan", "seed": "3"},
        {"machine": "b", "dataset_url": "simulated/pump"},
    ]
    items = plan(machines, {"feature_n_mels": ["32", 64.0], "fit_shuffle": [True, False]})
    assert [one.item for one in items] == ["a-1", "a-2", "a-3", "a-4", "b-1", "b-2", "b-3", "b-4"]
    assert items[1].varied == {"feature_n_mels": 32, "fit_shuffle": False}
    given = {"dataset_url": "simulated/fan", "seed": 3, "feature_n_mels": 32, "fit_shuffle": False}
    assert items[1].parameters == {"fault_groups": 0, **given}
    assert isinstance(Item.from_text(items[2].to_text()).parameters["feature_n_mels"], int)
    assert Item.from_text(items[2].to_text()) == items[2]


def test_plan_of_a_collection_holds_all_of_its_machines() -> None:
    assert {one.parameters["dataset_url"] for one in plan(["dcase2020"], {})} == {
        f"dcase2020/{name}" for name in ("fan", "pump", "slider", "ToyCar", "ToyConveyor", "valve")
    }


@pytest.mark.parametrize(
    ("machines", "grid", "message"),
    [
        ([], {}, "machines is empty"),
        ([{"name": "fan", "dataset_url": "x"}], {}, "has a key called name; call it machine"),
        ([{"machine": "fan"}], {}, "needs the keys machine and dataset_url"),
        (
            [{"machine": "fan", "dataset_url": "x", "fit_epoch": 2}],
            {},
            "fan: fit_epoch is no parameter, did you mean fit_epochs?",
        ),
        (["simulated/fan", "simulated/fan"], {}, "machine fan is there twice"),
        (["simulated/fan"], {"fit_epochs": 2}, "grid: fit_epochs is 2; give a list"),
        (["simulated/fan"], {"fit_epochs": []}, r"grid: fit_epochs is \[\]; give a list"),
        (["simulated/fan"], {"fit_epochs": [2, "two"]}, "grid: fit_epochs is 'two'"),
        (
            [{"machine": "a", "dataset_url": "x", "seed": 1}],
            {"seed": [1, 2]},
            "a: seed is in the grid as well",
        ),
    ],
)
def test_impossible_plan_is_refused(
    machines: list[Any], grid: dict[str, Any], message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        plan(machines, grid)


def test_one_error_lists_everything_that_is_wrong_with_a_plan() -> None:
    with pytest.raises(ParameterError) as caught:
        plan(
            [{"machine": "fan", "dataset_url": "x", "fit_epoch": 2}, {"name": "y"}],
            {"seed": "1", "max_fpr": ["x"]},
        )
    assert all(
        part in str(caught.value)
        for part in ("fit_epoch", "key called name", "seed is '1'", "max_fpr is 'x'")
    )


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (
            "import sys; sys.exit("
            "print('stethoscope: disk full (everything the steps printed is in /x)') or 1)",
            "disk full",
        ),
        (
            "import os; os.kill(os.getpid(), 9)",
            "it was killed (SIGKILL), perhaps because memory ran out; ",
        ),
        ("raise SystemExit(3)", "no reason was given"),
        ("", "its summary cannot be read"),
    ],
)
def test_item_that_fails_in_any_way_leaves_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, reason: str
) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{program}"\n')
    script.chmod(0o755)
    monkeypatch.setattr(processes.sys, "executable", str(script))
    result = run_item(Item("fan-1", "fan", {}, {}), tmp_path / "outcome")
    assert result["status"] == "failed"
    assert result["reason"].startswith(reason)
    assert "everything the steps printed" not in result["reason"]
    assert json.loads((tmp_path / "outcome" / "result.json").read_text()) == result


@pytest.mark.parametrize(
    ("given", "environment"), [("/volume", "/elsewhere"), ("", "/elsewhere"), ("", "")]
)
def test_downloads_of_an_item_go_into_the_cache_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, environment: str
) -> None:
    script = tmp_path / "python"
    script.write_text('#!/bin/sh\necho "stethoscope: $STETHOSCOPE_CACHE, $_KFP_RUNTIME"\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setattr(processes.sys, "executable", str(script))
    monkeypatch.setenv("STETHOSCOPE_CACHE", environment)
    monkeypatch.setenv("_KFP_RUNTIME", "true")
    reason = run_item(Item("fan-1", "fan", {}, {}), tmp_path / "outcome", cache=given)["reason"]
    assert reason == f"{given or environment or tmp_path / 'outcome' / 'work' / 'downloads'},"


@pytest.mark.parametrize(
    ("note", "option"),
    [
        ({}, "--output"),
        ({"values": {"seed": 1}, "state": "running"}, "--resume"),
        ({"values": {"seed": 2}, "state": "failed"}, "--output"),
    ],
    ids=["new", "stopped", "of another item"],
)
def test_an_item_that_was_stopped_is_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, note: dict[str, Any], option: str
) -> None:
    script = tmp_path / "python"
    script.write_text('#!/bin/sh\necho "stethoscope: $6"\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setattr(processes.sys, "executable", str(script))
    folder = tmp_path / "outcome"
    (folder / "work").mkdir(parents=True)
    if note:
        RunFolder(folder).note(**note)
    item = Item("fan-1", "fan", {}, {"seed": 1})
    assert run_item(item, folder, keep_failed=True)["reason"] == option
    assert (folder / "work").exists()
    run_item(item, folder)
    assert not (folder / "work").exists()


def test_missing_archives_are_named_together_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    machines = [
        {"machine": "left", "dataset_url": str(tmp_path / "left.zip")},
        {"machine": "right", "dataset_url": f"{tmp_path}/here,file://{tmp_path}/right.zip"},
        {"machine": "down", "dataset_url": "http://127.0.0.1:9/a.zip"},
        "simulated/fan",
    ]
    with pytest.raises(ParameterError) as caught:
        refuse_missing(plan(machines, {"seed": [1, 2]}))
    text = str(caught.value)
    assert text.count("no such file or folder") == 2
    assert f"left: {tmp_path}/left.zip" in text
    assert f"right: file://{tmp_path}/right.zip" in text
    assert "down" not in text  # it may answer later
