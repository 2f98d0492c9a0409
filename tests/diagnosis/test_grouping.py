"""From a feature store to groups of faults."""

import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.diagnosis import clustering
from stethoscope.diagnosis.grouping import group_faults
from stethoscope.diagnosis.groups import FaultGroups
from stethoscope.diagnosis.options import FaultOptions
from stethoscope.features.extract import extract_features
from stethoscope.sound.mfcc import Mfcc
from tests.diagnosis.sets import agreement, made


def test_deviations_group_by_fault_and_mean_frames_by_machine(tmp_path: Path) -> None:
    store = made(tmp_path)
    found = group_faults(store, FaultOptions(groups=3))
    assert agreement(store, found) == 1.0
    plain = group_faults(store, FaultOptions(groups=2, description="plain"))
    machines = adjusted_rand_score(
        [one.machine for one in plain.clips], [one.group for one in plain.clips]
    )
    assert machines == 1.0
    assert agreement(store, plain) < 0.1


def test_the_number_of_groups_is_found_and_the_curves_are_kept(tmp_path: Path) -> None:
    found = group_faults(made(tmp_path), FaultOptions())
    assert len(found.names) == 3
    assert list(found.inertia) == list(range(1, 10))
    assert list(found.silhouette) == list(range(2, 10))
    inertias = list(found.inertia.values())
    assert inertias == sorted(inertias, reverse=True)
    # Of standardised, independent clips the squared distances to one centroid sum to clips times
    # the kept fraction of 4 values.
    assert found.inertia[1] == pytest.approx(
        len(found.clips) * 4 * sum(found.explained_variance[:2])
    )
    assert sum(found.explained_variance) == pytest.approx(1.0)


def test_groups_are_numbered_by_size_and_have_distances_to_all_centroids(tmp_path: Path) -> None:
    found = group_faults(made(tmp_path), FaultOptions(groups=3))
    assert [sum(one.group == group for one in found.clips) for group in (1, 2, 3)] == [12, 10, 8]
    for one in found.clips:
        assert one.distance == min(one.distances)
        expected = [
            np.linalg.norm(np.subtract(one.position[:2], centroid)) for centroid in found.centroids
        ]
        assert one.distances == pytest.approx(expected)
    typical = found.typical(2)
    assert len(typical) == 3
    assert typical[0].distance == min(one.distance for one in found.clips if one.group == 2)


def test_altered_clips_are_not_grouped(tmp_path: Path) -> None:
    store = made(tmp_path)
    altered = [
        replace(clip, augmentation="noise") if clip.label == "c" else clip for clip in store.clips
    ]
    found = group_faults(replace(store, clips=altered), FaultOptions(groups=2))
    assert {clip.group for clip in found.clips} == {1, 2}
    assert len(found.clips) == 22


def test_without_anomalies_there_are_no_groups(tmp_path: Path) -> None:
    store = made(tmp_path / "store", counts={})
    found = group_faults(store, FaultOptions(groups=3))
    assert found.reason == "no clip is anomalous"
    assert found.names == ()
    found.write(tmp_path / "groups", store.clips)
    assert FaultGroups.read(tmp_path / "groups") == found


def test_zero_groups_switch_grouping_off(tmp_path: Path) -> None:
    assert "fault_groups is 0" in group_faults(made(tmp_path), FaultOptions(groups=0)).reason


def test_more_groups_than_anomalies_are_no_groups(tmp_path: Path) -> None:
    store = made(tmp_path, machines=1, counts={"a": 2, "b": 1})
    found = group_faults(store, FaultOptions(groups=4))
    assert found.names == ()
    assert found.reason.startswith("only 3 clips are anomalous, and fault_groups is 4")
    assert len(group_faults(store, FaultOptions(groups=3)).names) == 3


def test_the_number_of_groups_is_not_chosen_from_few_clips(tmp_path: Path) -> None:
    store = made(tmp_path, machines=1, counts={"a": 1})
    assert group_faults(store, FaultOptions()).reason.startswith(
        "only 1 clip is anomalous, and a number of groups cannot be chosen"
    )
    found = group_faults(store, FaultOptions(groups=1))
    assert [one.group for one in found.clips] == [1]
    assert found.silhouette == {}


def test_a_number_with_groups_too_small_to_train_on_is_not_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight, six and twelve clips: three groups have the highest silhouette; where six are too few
    for a group, two are made.
    """
    store = made(tmp_path, counts={"a": 4, "b": 3, "c": 6})
    monkeypatch.setattr(clustering, "LEAST_GROUP", 7)
    found = group_faults(store, FaultOptions())
    assert max(found.silhouette, key=found.silhouette.__getitem__) == 3
    assert sorted(found.sizes.values()) == [12, 14]
    assert len(group_faults(store, FaultOptions(groups=3)).names) == 3


def test_without_normal_clips_only_the_plain_description_works(tmp_path: Path) -> None:
    store = made(tmp_path, normal=0)
    reason = group_faults(store, FaultOptions()).reason
    assert reason.startswith("fan/00 has anomalous clips, but no normal ones to compare with")
    assert reason.endswith("set fault_description=plain")
    assert group_faults(store, FaultOptions(description="plain")).names


def test_more_names_than_groups_are_ignored_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = made(tmp_path)
    assert group_faults(store, FaultOptions(names=("one", "", "three"))).labels == (
        "fault 1: one",
        "fault 2",
        "fault 3: three",
    )
    assert group_faults(store, FaultOptions(names=("a", "b", "c", "d"))).labels == (
        "fault 1",
        "fault 2",
        "fault 3",
    )
    assert "fault_names has 4 names, but 3 groups were found" in capsys.readouterr().err


@pytest.mark.slow
def test_simulated_faults_are_found_at_6_db(tmp_path: Path) -> None:
    """Four fans with three faults; the archive's table has the true fault of every clip."""
    path = tmp_path / "fan.zip"
    simulate_archive(
        path,
        machine="fan",
        snr_db=6,
        ids=4,
        train_clips=12,
        test_normal=0,
        test_anomaly=12,
        seconds=4.0,
    )
    with zipfile.ZipFile(path) as archive:
        truth = {
            row["path"]: row["fault"]
            for row in csv.DictReader(io.StringIO(archive.read("fan/faults.csv").decode()))
        }
    store = extract_features([path], index([path]), Mfcc(), tmp_path / "store")
    rand = {}
    for description in ("deviation", "plain"):
        found = group_faults(store, FaultOptions(groups=3, description=description))  # type: ignore[arg-type]
        rand[description] = adjusted_rand_score(
            [truth[one.path] for one in found.clips], [one.group for one in found.clips]
        )
    assert rand["deviation"] >= 0.8
    assert rand["plain"] < 0.7


def test_too_few_anomalous_clips_are_not_grouped_and_counted(tmp_path: Path) -> None:
    store = made(tmp_path)
    anomalous = [index for index, clip in enumerate(store.clips) if clip.condition == "anomaly"]
    kept = {*anomalous[:4]} | {
        i for i, clip in enumerate(store.clips) if clip.condition == "normal"
    }
    few = replace(
        store,
        clips=[store.clips[i] for i in sorted(kept)],
        first_frame=store.first_frame[sorted(kept)],
        n_frames=store.n_frames[sorted(kept)],
    )
    reason = group_faults(few, FaultOptions(groups=-1)).reason
    assert reason.startswith("only 4 clips are anomalous, and a number of groups cannot be chosen")
