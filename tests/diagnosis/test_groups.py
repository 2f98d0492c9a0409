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
from stethoscope.datasets.simulator.archive import simulate_archive
from stethoscope.diagnosis import groups as faults
from stethoscope.diagnosis.groups import FaultGroups, clips_to_compare, group_faults
from stethoscope.diagnosis.options import FAULTS as FAULT_GROUP
from stethoscope.diagnosis.options import FaultOptions, parse_names
from stethoscope.errors import ModelError, ParameterError
from stethoscope.features.extract import extract_features
from stethoscope.features.store import FeatureStore, FeatureWriter
from stethoscope.sound.mfcc import Mfcc

FAULTS = {"a": (6, 0, 0, 0), "b": (0, 6, 0, 0), "c": (0, 0, 6, 6)}
COUNTS = {"a": 6, "b": 5, "c": 4}


def made(
    folder: Path, *, machines: int = 2, normal: int = 3, counts: dict[str, int] = COUNTS
) -> FeatureStore:
    """Return a store of machines far apart, each with normal clips and three faults that shift a
    coefficient or two.
    """
    rng = np.random.default_rng(0)
    with FeatureWriter(folder) as writer:
        for machine in range(machines):
            own = np.full(4, 100.0 * machine) + rng.normal(size=4)
            conditions = ["normal"] * normal + [
                fault for fault, count in counts.items() for _ in range(count)
            ]
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
    return float(
        adjusted_rand_score(
            [truth[one.path] for one in found.clips], [one.group for one in found.clips]
        )
    )


def test_deviation_finds_faults_where_plain_finds_machines(tmp_path: Path) -> None:
    store = made(tmp_path)
    found = group_faults(store, FaultOptions(groups=3))
    assert agreement(store, found) == 1.0
    plain = group_faults(store, FaultOptions(groups=2, description="plain"))
    machines = adjusted_rand_score(
        [one.machine for one in plain.clips], [one.group for one in plain.clips]
    )
    assert machines == 1.0
    assert agreement(store, plain) < 0.1


def test_the_number_of_groups_is_found_and_the_curves_are_told(tmp_path: Path) -> None:
    found = group_faults(made(tmp_path), FaultOptions())
    assert len(found.names) == 3
    assert list(found.inertia) == list(range(1, 10))
    assert list(found.silhouette) == list(range(2, 10))
    inertias = list(found.inertia.values())
    assert inertias == sorted(inertias, reverse=True)
    # Of standardised, independent clips the squared distances to one centroid sum to clips times
    # the kept share of 4 values.
    assert found.inertia[1] == pytest.approx(
        len(found.clips) * 4 * sum(found.explained_variance[:2])
    )
    assert sum(found.explained_variance) == pytest.approx(1.0)


def test_groups_are_numbered_by_size_and_tell_their_distances(tmp_path: Path) -> None:
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


def test_labels_spread_to_altered_versions_only_of_the_same_recording(tmp_path: Path) -> None:
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


def test_altered_clips_are_not_grouped(tmp_path: Path) -> None:
    store = made(tmp_path)
    altered = [
        replace(clip, augmentation="noise") if clip.label == "c" else clip for clip in store.clips
    ]
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
    assert found.reason == "no clip is anomalous"
    assert found.names == ()
    found.write(tmp_path / "groups", store.clips)
    assert FaultGroups.read(tmp_path / "groups") == found


def test_grouping_is_switched_off(tmp_path: Path) -> None:
    assert "fault_groups is 0" in group_faults(made(tmp_path), FaultOptions(groups=0)).reason


def test_more_groups_than_anomalies_are_no_groups(tmp_path: Path) -> None:
    store = made(tmp_path, machines=1, counts={"a": 2, "b": 1})
    found = group_faults(store, FaultOptions(groups=4))
    assert found.names == ()
    assert found.reason.startswith("only 3 clips are anomalous, and fault_groups is 4")
    assert len(group_faults(store, FaultOptions(groups=3)).names) == 3


def test_the_number_of_groups_is_not_chosen_from_too_few_clips(tmp_path: Path) -> None:
    store = made(tmp_path, machines=1, counts={"a": 1})
    assert group_faults(store, FaultOptions()).reason.startswith(
        "only 1 clip is anomalous, and a number of groups cannot be chosen"
    )
    found = group_faults(store, FaultOptions(groups=1))
    assert [one.group for one in found.clips] == [1]
    assert found.silhouette == {}


@pytest.mark.parametrize(
    ("inertia", "silhouette", "expected"),
    [
        # By hand: the line from 10 to 1 passes 7.75, 5.5 and 3.25; the inertia lies 1.75, 3.5 and
        # 1.75 below it.
        ({1: 10.0, 2: 6.0, 3: 2.0, 4: 1.5, 5: 1.0}, {2: 0.52, 3: 0.50, 4: 0.3, 5: 0.2}, 3),
        ({1: 10.0, 2: 6.0, 3: 2.0, 4: 1.5, 5: 1.0}, {2: 0.60, 3: 0.50, 4: 0.3, 5: 0.2}, 2),
        ({1: 10.0, 2: 6.0, 3: 2.0, 4: 1.5, 5: 1.0}, {2: 0.52, 4: 0.3}, 2),
        ({1: 10.0}, {}, 1),
    ],
)
def test_elbow_and_silhouette_choose_the_number(
    inertia: dict[int, float], silhouette: dict[int, float], expected: int
) -> None:
    assert faults._number_of_groups(inertia, silhouette) == expected


def test_groups_too_small_to_learn_are_not_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight, six and twelve clips: three groups have the highest silhouette; where six are too few
    for a group, two are made.
    """
    store = made(tmp_path, counts={"a": 4, "b": 3, "c": 6})
    monkeypatch.setattr(faults, "LEAST_GROUP", 7)
    found = group_faults(store, FaultOptions())
    assert max(found.silhouette, key=found.silhouette.__getitem__) == 3
    assert sorted(found.sizes.values()) == [12, 14]
    assert len(group_faults(store, FaultOptions(groups=3)).names) == 3


def test_a_machine_without_normal_clips_can_only_be_described_plainly(tmp_path: Path) -> None:
    store = made(tmp_path, normal=0)
    assert (
        "fan/00 has anomalous clips, but no normal ones to compare with; set fault_description=plain"
        in group_faults(store, FaultOptions()).reason
    )
    assert group_faults(store, FaultOptions(description="plain")).names


def test_normal_clips_are_drawn_by_recording_and_machine(tmp_path: Path) -> None:
    """Three ratios of the same recordings: the same normal recordings are drawn at each, and none
    of a machine without anomalies.
    """
    clips = [
        Clip(
            path=f"{machine}-{snr}-{condition}-{number}",
            recording=f"{machine}-{condition}-{number}",
            machine_type="fan",
            machine_id=machine,
            condition=condition,  # type: ignore[arg-type]
            snr_db=snr,
        )
        for machine in ("00", "02")
        for snr in (6.0, 0.0, -6.0)
        for condition, count in (("normal", 50), ("anomaly", 8 if machine == "00" else 0))
        for number in range(count)
    ]
    for wanted, expected in ((-1, 30), (0, 50), (5, 5)):
        chosen = clips_to_compare(clips, FaultOptions(normal_clips=wanted))
        drawn = {
            snr: {c.recording for c in chosen if c.snr_db == snr and c.condition == "normal"}
            for snr in (6.0, 0.0, -6.0)
        }
        assert {len(names) for names in drawn.values()} == {expected}
        assert drawn[6.0] == drawn[0.0] == drawn[-6.0]
        assert {clip.machine for clip in chosen} == {"fan/00"}
        assert sum(clip.condition == "anomaly" for clip in chosen) == 24
    assert clips_to_compare(clips, FaultOptions(groups=0)) == []


def test_names_that_do_not_fit_are_left_out(
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
    assert parse_names(" imbalance, ,clogging ,") == ("imbalance", "", "clogging")


@pytest.mark.parametrize(
    ("name", "value"),
    [("groups", -2), ("description", "odd"), ("components", 0), ("normal_clips", -2)],
)
def test_what_cannot_work_is_refused(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"fault_{name} is {value!r}"):
        FAULT_GROUP.of({f"fault_{name}": value})


@pytest.mark.slow
def test_simulated_faults_are_found_at_6_db(tmp_path: Path) -> None:
    """Four fans with three faults; what was true stands in the archive's own table."""
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
