"""Groups of faults: labels, tables, files."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from stethoscope.datasets.clips import read_clips
from stethoscope.diagnosis.grouping import group_faults
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.options import FaultOptions
from stethoscope.errors import ModelError
from tests.diagnosis.sets import made


def test_altered_versions_have_the_group_of_their_recording(tmp_path: Path) -> None:
    store = made(tmp_path)
    found = group_faults(store, FaultOptions(groups=3))
    first = found.clips[0]
    clip = next(clip for clip in store.clips if clip.path == first.path)
    noisy, other = (
        replace(clip, augmentation="noise"),
        replace(clip, path="elsewhere.wav", recording="elsewhere"),
    )
    assert [one.fault_group for one in found.label([clip, noisy, other])] == [
        first.group,
        first.group,
        -1,
    ]
    assert {one.fault_group for one in found.label(store.clips) if one.condition == "normal"} == {0}


def test_groups_are_labelled_by_number_and_name() -> None:
    groups = FaultGroups(names=("", "clogging", ""))
    assert groups.labels == ("fault 1", "fault 2: clogging", "fault 3")


def test_groups_are_written_and_read(tmp_path: Path) -> None:
    store = made(tmp_path / "store")
    found = group_faults(store, FaultOptions(groups=3, names=("imbalance",)))
    found.write(tmp_path / "groups", store.clips)
    assert FaultGroups.read(tmp_path / "groups") == found
    assert read_clips(tmp_path / "groups" / "clips.csv") == found.label(store.clips)
    with (tmp_path / "groups" / "fault_groups.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["group"]) for row in rows] == [one.group for one in found.clips]
    assert {row["label"] for row in rows} == {"fault 1: imbalance", "fault 2", "fault 3"}
    with pytest.raises(ModelError, match=r"fault_groups\.json"):
        FaultGroups.read(tmp_path)
