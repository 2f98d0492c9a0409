from importlib.metadata import version
from pathlib import Path

import pytest

from stethoscope.errors import ModelError
from stethoscope.files import read_json, write_json
from stethoscope.model.folder import read_description, write_description


def test_a_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_description(tmp_path, "events", {"window": 8})
    description = read_description(tmp_path, ["events"])
    assert (description["kind"], description["window"]) == ("events", 8)
    assert description["versions"]["numpy"] == version("numpy")


def test_another_kind_or_schema_is_refused_by_name(tmp_path: Path) -> None:
    write_description(tmp_path, "events", {})
    with pytest.raises(ModelError, match="holds a model of kind 'events'"):
        read_description(tmp_path, ["classifier"])
    write_json(tmp_path / "model.json", {**read_json(tmp_path / "model.json"), "schema_version": 9})
    with pytest.raises(ModelError, match="schema 9; this version reads schema 1"):
        read_description(tmp_path, ["events"])


def test_a_missing_description_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.json"):
        read_description(tmp_path, ["events"])
