from pathlib import Path

import pytest

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.edit import add_files, name_faults, set_thresholds
from stethoscope.errors import ModelError
from stethoscope.files import read_json


def test_set_thresholds_changes_only_the_thresholds(copy: Path) -> None:
    bundle = Bundle.open(copy)
    new = bundle.thresholds.with_false_alarm_rate(0.3)
    set_thresholds(bundle, new)
    after = Bundle.open(copy)
    assert after.thresholds == new
    assert {**after.manifest, "thresholds": None} == {**bundle.manifest, "thresholds": None}


def test_added_files_replace_older_ones_and_are_checked(copy: Path, tmp_path: Path) -> None:
    for content in ("first", "second"):
        source = tmp_path / content
        source.mkdir()
        (source / f"{content}.txt").write_text(content)
        add_files(copy, source, "c")
    names = read_json(copy / "bundle.json")["files"]
    assert [name for name in names if name.startswith("c/")] == ["c/second.txt"]
    (copy / "c" / "second.txt").write_text("other")
    with pytest.raises(ModelError, match=r"second\.txt: was altered"):
        Bundle.open(copy)


def test_faults_of_a_bundle_without_a_diagnosis_cannot_be_named(fan_bundle: Path) -> None:
    with pytest.raises(ModelError, match="has no diagnosis whose faults could be named"):
        name_faults(Bundle.open(fan_bundle), {1: "clogging"})
