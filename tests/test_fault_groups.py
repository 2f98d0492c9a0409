import csv
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from stethoscope.datasets.clips import Clip, read_clips
from stethoscope.datasets.layouts import index
from stethoscope.datasets.simulate import simulate_archive
from stethoscope.errors import DatasetError, ModelError, ParameterError
from stethoscope.faults import FaultGroups, FaultOptions, group_faults
from stethoscope.features.extract import extract_features
from stethoscope.features.mfcc import Mfcc
from stethoscope.features.store import FeatureStore, FeatureWriter

FAULTS = {"a": (6, 0, 0, 0), "b": (0, 6, 0, 0), "c": (0, 0, 6, 6)}
COUNTS = {"a": 6, "b": 5, "c": 4}


def made(folder: Path, *, machines: int = 2, normal: int = 3, counts: dict[str, int] = COUNTS) -> FeatureStore:
    """Return a store of machines far apart, each with normal clips and three faults that shift a coefficient or two."""
    rng = np.random.default_rng(0)
    with FeatureWriter(folder) as writer:
        for machine in range(machines):
            own = np.full(4, 100.0 * machine) + rng.normal(size=4)
            conditions = ["normal"] * normal + [fault for fault, count in counts.items() for _ in range(count)]
            for number, name in enumerate(conditions):
                shift = np.array(FAULTS.get(name, (0, 0, 0, 0)))
                clip = Clip(
                    path=f"{machine}/{number}.wav",
                    recording=f"{machine}/{number}",
                    machine_type="fan",
                    machine_id=f"{machine:02d}",
                    condition="normal" if name == "normal" else "anomaly",
                    label=name,
                    source="set.zip",
                )
                writer.add(clip, (own + shift + 0.2 * rng.normal(size=(10, 4))).astype(np.float32))
        writer.finish(Mfcc(n_mfcc=4))
    return FeatureStore.open(folder)


def agreement(store: FeatureStore, found: FaultGroups) -> float:
    truth = {clip.path: clip.label for clip in store.clips}
    return float(adjusted_rand_score([truth[one.path] for one in found.clips], [one.group for one in found.clips]))


def test_deviation_finds_faults_where_plain_finds_machines(tmp_path: Path) -> None:
    store = made(tmp_path)
    found = group_faults(store, FaultOptions(groups=3))
    assert agreement(store, found) == 1.0
    plain = group_faults(store, FaultOptions(groups=2, description="plain"))
    machines = adjusted_rand_score([one.machine for one in plain.clips], [one.group for one in plain.clips])
    assert machines == 1.0
    assert agreement(store, plain) < 0.1


def test_the_number_of_groups_is_found_and_the_curves_are_told(tmp_path: Path) -> None:
    found = group_faults(made(tmp_path), FaultOptions())
    assert len(found.names) == 3
    assert list(found.inertia) == list(range(1, 10))
    assert list(found.silhouette) == list(range(2, 10))
    inertias = list(found.inertia.values())
    assert inertias == sorted(inertias, reverse=True)
    # Of standardised, independent clips the squared distances to one centroid sum to clips times the kept share of 4 values.
    assert found.inertia[1] == pytest.approx(len(found.clips) * 4 * sum(found.explained_variance[:2]))
    assert sum(found.explained_variance) == pytest.approx(1.0)


def test_groups_are_numbered_by_size_and_tell_their_distances(tmp_path: Path) -> None:
    found = group_faults(made(tmp_path), FaultOptions(groups=3))
    assert [sum(one.group == group for one in found.clips) for group in (1, 2, 3)] == [12, 10, 8]
    for one in found.clips:
        assert one.distance == min(one.distances)
        expected = [np.linalg.norm(np.subtract(one.position[:2], centroid)) for centroid in found.centroids]
        assert one.distances == pytest.approx(expected)
    typical = found.typical(2)
    assert len(typical) == 3
    assert typical[0].distance == min(one.distance for one in found.clips if one.group == 2)


def test_labels_spread_to_altered_versions_only_of_the_same_recording(tmp_path: Path) -> None:
    store = made(tmp_path)
    found = group_faults(store, FaultOptions(groups=3))
    first = found.clips[0]
    clip = next(clip for clip in store.clips if clip.path == first.path)
    noisy, other = replace(clip, augmentation="noise"), replace(clip, path="elsewhere.wav", recording="elsewhere")
    assert [one.fault_group for one in found.label([clip, noisy, other])] == [first.group, first.group, -1]
    assert {one.fault_group for one in found.label(store.clips) if one.condition == "normal"} == {0}


def test_altered_clips_are_not_grouped(tmp_path: Path) -> None:
    store = made(tmp_path)
    altered = [replace(clip, augmentation="noise") if clip.label == "c" else clip for clip in store.clips]
    found = group_faults(replace(store, clips=altered), FaultOptions(groups=2))
    assert {clip.group for clip in found.clips} == {1, 2}
    assert len(found.clips) == 22


def test_groups_are_named(tmp_path: Path) -> None:
    found = group_faults(made(tmp_path), FaultOptions(groups=3)).named(["", "clogging"])
    assert found.labels == ("fault 1", "fault 2: clogging", "fault 3")
    with pytest.raises(ParameterError, match="fault_names has 4 names, but there are 3 groups"):
        found.named(["a", "b", "c", "d"])


def test_groups_survive_writing(tmp_path: Path) -> None:
    store = made(tmp_path / "store")
    found = group_faults(store, FaultOptions(groups=3)).named(["imbalance"])
    found.write(tmp_path / "groups", store.clips)
    assert FaultGroups.read(tmp_path / "groups") == found
    assert read_clips(tmp_path / "groups" / "clips.csv") == found.label(store.clips)
    with (tmp_path / "groups" / "fault_groups.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["group"]) for row in rows] == [one.group for one in found.clips]
    assert {row["label"] for row in rows} == {"fault 1: imbalance", "fault 2", "fault 3"}
    with pytest.raises(ModelError, match=r"fault_groups\.json"):
        FaultGroups.read(tmp_path)


def test_without_anomalies_there_is_nothing_to_diagnose(tmp_path: Path) -> None:
    store = made(tmp_path / "store", counts={})
    found = group_faults(store, FaultOptions(groups=3))
    assert found.reason == "no clip is anomalous: there is nothing to diagnose"
    assert found.names == ()
    found.write(tmp_path / "groups", store.clips)
    assert FaultGroups.read(tmp_path / "groups") == found


def test_grouping_is_switched_off(tmp_path: Path) -> None:
    assert "fault_groups is 0" in group_faults(made(tmp_path), FaultOptions(groups=0)).reason


def test_more_groups_than_anomalies_are_refused(tmp_path: Path) -> None:
    store = made(tmp_path, machines=1, counts={"a": 2, "b": 1})
    with pytest.raises(ParameterError, match="fault_groups is 4, but there are 3 distinct anomalous clips"):
        group_faults(store, FaultOptions(groups=4))
    assert len(group_faults(store, FaultOptions(groups=3)).names) == 3


def test_a_single_anomaly_is_one_group(tmp_path: Path) -> None:
    found = group_faults(made(tmp_path, machines=1, counts={"a": 1}), FaultOptions())
    assert [one.group for one in found.clips] == [1]
    assert found.silhouette == {}


def test_a_machine_without_normal_clips_can_only_be_described_plainly(tmp_path: Path) -> None:
    store = made(tmp_path, normal=0)
    with pytest.raises(DatasetError, match=r"fan/00 has anomalous clips, but no normal ones.*fault_description=plain"):
        group_faults(store, FaultOptions())
    assert group_faults(store, FaultOptions(description="plain")).names


@pytest.mark.parametrize(("name", "value"), [("groups", -2), ("description", "odd"), ("components", 0)])
def test_what_cannot_work_is_refused(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"fault_{name} is {value!r}"):
        FaultOptions(**{name: value})  # type: ignore[arg-type]


@pytest.mark.slow
def test_simulated_faults_are_found_at_6_db(tmp_path: Path) -> None:
    """Four fans with three faults; what was true stands in the archive's own table."""
    path = tmp_path / "fan.zip"
    simulate_archive(path, machine="fan", snr_db=6, ids=4, train_clips=12, test_normal=0, test_anomaly=12, seconds=4.0)
    with zipfile.ZipFile(path) as archive:
        truth = {row["path"]: row["fault"] for row in csv.DictReader(io.StringIO(archive.read("fan/faults.csv").decode()))}
    store = extract_features([path], index([path]), Mfcc(), tmp_path / "store")
    rand = {}
    for description in ("deviation", "plain"):
        found = group_faults(store, FaultOptions(groups=3, description=description))  # type: ignore[arg-type]
        rand[description] = adjusted_rand_score([truth[one.path] for one in found.clips], [one.group for one in found.clips])
    assert rand["deviation"] >= 0.8
    assert rand["plain"] < 0.7
