from collections.abc import Mapping
from pathlib import Path

import pytest

from stethoscope.errors import ModelError
from stethoscope.files import write_json
from stethoscope.kubeflow.results import Results, skipped_lines


@pytest.fixture
def outputs(tmp_path: Path) -> dict[str, Path]:
    """Outputs of a pipeline: a folder of results, a page and a model."""
    results = tmp_path / "step" / "results"
    (results / "items").mkdir(parents=True)
    for name in ("a.csv", "b.csv", "other.txt", "items/c.csv"):
        (results / name).write_text(name)
    write_json(results / "figures.json", {"auc": 0.5, "failed": ["x"]})
    (tmp_path / "step" / "page").write_text("<html>")
    (tmp_path / "step" / "model").mkdir()
    (tmp_path / "step" / "model" / "new.npz").write_text("weights")
    return {name: tmp_path / "step" / name for name in ("results", "page", "model")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def results(
    files: Mapping[str, str] = {},  # never changed
    folders: Mapping[str, str] = {},
    summary: Mapping[str, str] = {},
) -> Results:
    return Results(files=files, folders=folders, summary=summary, closing_lines=lambda *_: [])


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_files_are_copied_by_pattern_and_under_new_names(
    outputs: dict[str, Path], folder: Path
) -> None:
    results(files={"results/*.csv": ".", "page": "report.html"}).write(outputs, folder)
    assert names(folder) == {"a.csv", "b.csv", "report.html"}
    assert (folder / "report.html").read_text() == "<html>"


def test_a_folder_among_the_files_is_merged_with_an_earlier_one(
    outputs: dict[str, Path], folder: Path
) -> None:
    (folder / "items").mkdir()
    (folder / "items" / "earlier.csv").touch()
    results(files={"results/*": "."}).write(outputs, folder)
    assert {"items/earlier.csv", "items/c.csv", "other.txt"} <= names(folder)


def test_a_folder_replaces_an_earlier_one(outputs: dict[str, Path], folder: Path) -> None:
    (folder / "bundle").mkdir()
    (folder / "bundle" / "earlier.npz").touch()
    results(folders={"model": "bundle"}).write(outputs, folder)
    assert names(folder) == {"bundle/new.npz"}


def test_summary_takes_json_files_and_single_keys_of_them(
    outputs: dict[str, Path], folder: Path
) -> None:
    sources = {"evaluation": "results/figures.json", "failed": "results/figures.json#failed"}
    assert results(summary=sources).write(outputs, folder) == {
        "evaluation": {"auc": 0.5, "failed": ["x"]},
        "failed": ["x"],
    }


def test_a_missing_json_file_is_refused(outputs: dict[str, Path], folder: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.json: is missing"):
        results(summary={"evaluation": "results/absent.json"}).write(outputs, folder)


def test_skipped_recordings_are_counted_and_the_first_is_named() -> None:
    assert skipped_lines([]) == []
    [line] = skipped_lines([{"reason": "a.wav: is empty"}, {"reason": "b.wav: is short"}])
    assert line == "warning: 2 recordings could not be used, the first: a.wav: is empty"
