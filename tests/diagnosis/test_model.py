"""From groups of faults to a bundle whose verdict names them."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stethoscope.bundle.build import export_bundle
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.edit import set_thresholds
from stethoscope.bundle.inference import Inference
from stethoscope.classification.options import ClassFit
from stethoscope.cli import main
from stethoscope.datasets.alterations import altered
from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.diagnosis.evaluate import (
    evaluate_diagnosis,
    extract_cepstra,
    find_groups,
    fit_diagnosis,
)
from stethoscope.diagnosis.groups import FaultGroups, group_faults
from stethoscope.diagnosis.model import Diagnosis, References, nothing_in
from stethoscope.diagnosis.options import FaultOptions
from stethoscope.diagnosis.train import divide, labels_of, read_parts, train_diagnosis
from stethoscope.errors import AudioError, ModelError, ParameterError
from stethoscope.features.store import FeatureStore
from stethoscope.files import read_json, write_json
from stethoscope.sound.mfcc import Mfcc
from tests.diagnosis.test_groups import made
from tests.test_layers import HEAVY

SMALL = ClassFit(
    network="mfcc-cnn", filters=(8,), window=10, dropout=0.0, epochs=30, patience=30, batch_size=8, learning_rate=0.02,
    validation_split=0.2, shift=False, mask=0.0, mixup=0.0, verbose=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> tuple[FeatureStore, FaultGroups]:
    """Two machines far apart, with three faults of eight clips each and eight normal clips."""
    store = made(tmp_path_factory.mktemp("store"), normal=8, counts={"a": 8, "b": 8, "c": 8})
    return store, group_faults(store, FaultOptions(groups=3))


@pytest.fixture(scope="module")
def trained(
    grouped: tuple[FeatureStore, FaultGroups], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder of a diagnosis of them."""
    folder = tmp_path_factory.mktemp("diagnosis") / "model"
    train_diagnosis(*grouped, SMALL, folder, test_split=0.25)
    return folder


@pytest.fixture(scope="module")
def parts(fan_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the steps make of simulated fans: cepstra, groups, model, results."""
    folder = tmp_path_factory.mktemp("steps")
    options = FaultOptions(groups=2)
    extract_cepstra([fan_archive], index([fan_archive]), Mfcc(), folder / "cepstra", options)
    find_groups(folder / "cepstra", options, folder / "groups")
    fit_diagnosis(
        folder / "cepstra",
        folder / "groups",
        replace(SMALL, epochs=2),
        folder / "model",
        test_split=0.34,
    )
    evaluate_diagnosis(folder / "cepstra", folder / "groups", folder / "model", folder / "results")
    return folder


@pytest.fixture(scope="module")
def diagnosing_bundle(
    fan_model: Path, fan_results: Path, parts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A bundle of detector and diagnosis that calls more than half of all clips anomalous. Tests
    that alter it work on a copy.
    """
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    bundle = export_bundle(
        fan_model, fan_results, folder, diagnosis=parts / "model", diagnosed=parts / "results"
    )
    set_thresholds(bundle, bundle.thresholds.with_false_alarm_rate(0.6))
    return folder


@pytest.fixture
def copy(diagnosing_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(diagnosing_bundle, tmp_path / "copy"))


def test_faults_are_told_apart_on_recordings_kept_from_training(
    grouped: tuple[FeatureStore, FaultGroups], trained: Path
) -> None:
    store, _ = grouped
    diagnosis = Diagnosis.open(trained)
    assert diagnosis.labels == ("normal", "fault 1", "fault 2", "fault 3")
    asked = [i for i, (_, part) in enumerate(read_parts(trained)) if part == "test"]
    assert len(asked) == 16
    for i in asked:
        answer = diagnosis.probabilities(store.clip_frames(i), store.clips[i].machine)
        assert answer.sum() == pytest.approx(1.0, abs=1e-5)
        assert diagnosis.labels[int(answer.argmax())] == read_parts(trained)[i][0]


def test_a_clip_is_heard_as_it_deviates_from_its_own_machine(
    grouped: tuple[FeatureStore, FaultGroups], trained: Path
) -> None:
    """The machines of the set are a hundred apart: taken for the other one, a clip makes no sense."""
    store, _ = grouped
    diagnosis = Diagnosis.open(trained)
    expected = {}
    for machine in ("fan/00", "fan/01"):
        heard = [
            store.clip_frames(i).mean(axis=0)
            for i, ((label, part), clip) in enumerate(
                zip(read_parts(trained), store.clips, strict=True)
            )
            if label == "normal" and part in ("train", "validation") and clip.machine == machine
        ]
        expected[machine] = np.mean(heard, axis=0)
    for machine, mean in expected.items():
        np.testing.assert_allclose(diagnosis.references.means[machine], mean, rtol=1e-5)
    both = (diagnosis.references.means["fan/00"] + diagnosis.references.means["fan/01"]) / 2
    frames = np.zeros((5, 4), np.float32)
    for unknown in ("fan/77", "fan/", "pump/00"):
        np.testing.assert_allclose(
            diagnosis.references.relative(frames, unknown), np.tile(-both, (5, 1)), rtol=1e-5
        )
    assert diagnosis.references.relative(frames, "fan/00") == pytest.approx(
        -np.tile(expected["fan/00"], (5, 1)), rel=1e-5
    )


def test_a_plain_description_leaves_clips_as_they_are(tmp_path: Path) -> None:
    store = made(tmp_path / "store", normal=8)
    groups = group_faults(store, FaultOptions(groups=2, description="plain"))
    train_diagnosis(store, groups, replace(SMALL, epochs=1), tmp_path / "model")
    references = Diagnosis.open(tmp_path / "model").references
    frames = np.ones((3, 4), np.float32)
    assert references == References({})
    assert references.relative(frames, "fan/00") is frames


def test_long_clips_are_covered_by_windows_and_short_ones_extended_with_their_end(
    trained: Path,
) -> None:
    """The same as asking about every window by hand."""
    diagnosis = Diagnosis.open(trained)
    reference = diagnosis.references.means["fan/00"]
    rng = np.random.default_rng(0)
    long = (reference + 3 * rng.normal(size=(25, 4))).astype(np.float32)
    windows = (
        np.stack([long[0:10], long[8:18], long[15:25]]) - reference
    )  # three windows of ten, evenly spaced
    by_hand = diagnosis.classifier.network(windows.astype(np.float32)).mean(axis=0)
    assert diagnosis.probabilities(long, "fan/00") == pytest.approx(by_hand, abs=1e-6)
    short = long[:6]
    extended = np.concatenate([short, short[-4:]])
    assert diagnosis.probabilities(short, "fan/00") == pytest.approx(
        diagnosis.probabilities(extended, "fan/00"), abs=1e-6
    )


def split_of(
    clips: list[Clip], groups: FaultGroups, *, holdout_id: str = ""
) -> dict[str, set[str]]:
    """Return the parts of every recording, as far as it has any."""
    found = defaultdict(set)
    for clip, part in zip(
        clips,
        divide(clips, labels_of(clips, groups), SMALL, test_split=0.25, holdout_id=holdout_id),
        strict=True,
    ):
        if part:
            found[clip.recording].add(part)
    return dict(found)


def test_no_recording_lies_in_two_parts(grouped: tuple[FeatureStore, FaultGroups]) -> None:
    """Neither its altered versions nor the same recording at another signal-to-noise ratio, even if
    it is grouped differently there.
    """
    store, groups = grouped
    both = [
        replace(clip, snr_db=snr, source=f"{snr}.zip") for clip in store.clips for snr in (6.0, 0.0)
    ]
    other = {1: 2, 2: 3, 3: 1}
    clips = altered(both, ["noise 0.005", "roll 1600"])
    mixed = replace(
        groups,
        clips=tuple(
            replace(one, source=f"{snr}.zip", group=one.group if snr == 6.0 else other[one.group])
            for one in groups.clips
            for snr in (6.0, 0.0)
        ),
    )
    found = split_of(clips, mixed)
    assert len(found) == len(store.clips)
    assert all(len(taken) == 1 for taken in found.values())
    assert {part for taken in found.values() for part in taken} == {"train", "validation", "test"}


def test_a_machine_id_is_held_out_entirely(grouped: tuple[FeatureStore, FaultGroups]) -> None:
    store, groups = grouped
    for name in ("01", "fan/01"):
        found = split_of(store.clips, groups, holdout_id=name)
        # Its normal training clips tell what is normal for it; they neither train nor are asked
        # about.
        assert all(
            taken == {"test"} for recording, taken in found.items() if recording.startswith("1/")
        )
        assert sum(recording.startswith("1/") for recording in found) == 24
        assert all(
            "test" not in taken for recording, taken in found.items() if recording.startswith("0/")
        )
    with pytest.raises(ParameterError, match="fault_holdout_id is '77'; there are fan/00, fan/01"):
        split_of(store.clips, groups, holdout_id="77")


def test_a_fault_learned_on_one_machine_is_recognised_on_another(tmp_path: Path) -> None:
    store = made(tmp_path / "store", machines=3, normal=8, counts={"a": 8, "b": 8, "c": 8})
    groups = group_faults(store, FaultOptions(groups=3))
    train_diagnosis(store, groups, SMALL, tmp_path / "model", holdout_id="02")
    diagnosis = Diagnosis.open(tmp_path / "model")
    asked = [i for i, (_, part) in enumerate(read_parts(tmp_path / "model")) if part == "test"]
    assert {store.clips[i].machine_id for i in asked} == {"02"}
    right = [
        diagnosis.likeliest_fault(diagnosis.probabilities(store.clip_frames(i), "fan/02"))
        == read_parts(tmp_path / "model")[i][0]
        for i in asked
    ]
    assert np.mean(right) > 0.9


def test_groups_of_two_and_of_one_clip_train_with_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = made(tmp_path / "store", machines=1, normal=6, counts={"a": 6, "b": 2, "c": 1})
    found = find_groups(tmp_path / "store", FaultOptions(groups=3), tmp_path / "groups")
    assert sorted(found.sizes.values()) == [1, 2, 6]
    assert fit_diagnosis(
        tmp_path / "store", tmp_path / "groups", replace(SMALL, epochs=1), tmp_path / "model"
    )
    report = evaluate_diagnosis(
        tmp_path / "store", tmp_path / "groups", tmp_path / "model", tmp_path / "results"
    )
    asked = {
        label
        for (label, part), _ in zip(read_parts(tmp_path / "model"), store.clips, strict=True)
        if part == "test"
    }
    assert asked == {"normal", "fault 1", "fault 2"}, "the group of one clip has none to spare"
    assert "fault 2, fault 3: fewer than 3 clips" in report["warnings"][0]
    assert report["warnings"][0] in capsys.readouterr().err


@pytest.mark.parametrize(("description", "warned"), [("plain", True), ("deviation", False)])
def test_groups_that_are_machines_are_suspected(
    description: str, warned: bool, tmp_path: Path
) -> None:
    made(tmp_path / "store", counts={"a": 6, "b": 6})
    find_groups(
        tmp_path / "store", FaultOptions(groups=2, description=description), tmp_path / "groups"
    )  # type: ignore[arg-type]
    fit_diagnosis(
        tmp_path / "store", tmp_path / "groups", replace(SMALL, epochs=1), tmp_path / "model"
    )
    report = evaluate_diagnosis(
        tmp_path / "store", tmp_path / "groups", tmp_path / "model", tmp_path / "results"
    )
    assert any("follow the machine ids" in text for text in report["warnings"]) == warned


@pytest.mark.parametrize(
    ("normal", "counts", "groups", "reason"),
    [
        (3, {}, -1, "no clip is anomalous"),
        (
            3,
            {"a": 2},
            -1,
            "only 2 clips are anomalous, and a number of groups cannot be chosen by itself",
        ),
        (3, {"a": 2}, 4, "only 2 clips are anomalous, and fault_groups is 4"),
        (3, {"a": 4}, 0, "fault_groups is 0: faults are not grouped"),
        (0, {"a": 4, "b": 4}, 2, "fan/00 has anomalous clips, but no normal ones"),
    ],
)
def test_where_there_is_nothing_to_diagnose_the_steps_say_so_and_go_on(
    normal: int,
    counts: dict[str, int],
    groups: int,
    reason: str,
    tmp_path: Path,
    fan_model: Path,
    fan_results: Path,
) -> None:
    made(tmp_path / "store", machines=1, normal=normal, counts=counts)
    find_groups(tmp_path / "store", FaultOptions(groups=groups), tmp_path / "groups")
    assert fit_diagnosis(tmp_path / "store", tmp_path / "groups", SMALL, tmp_path / "model") is None
    assert nothing_in(tmp_path / "model").startswith(reason)
    report = evaluate_diagnosis(
        tmp_path / "store", tmp_path / "groups", tmp_path / "model", tmp_path / "results"
    )
    assert report["reason"].startswith(reason)
    bundle = export_bundle(
        fan_model,
        fan_results,
        tmp_path / "bundle",
        diagnosis=tmp_path / "model",
        diagnosed=tmp_path / "results",
    )
    assert list(bundle.models) == ["detector"]


def test_faults_alone_cannot_be_told_from_normal(tmp_path: Path) -> None:
    made(tmp_path / "store", machines=1, normal=0, counts={"a": 4, "b": 4})
    find_groups(
        tmp_path / "store", FaultOptions(groups=2, description="plain"), tmp_path / "groups"
    )
    assert fit_diagnosis(tmp_path / "store", tmp_path / "groups", SMALL, tmp_path / "model") is None
    assert nothing_in(tmp_path / "model") == "there is no normal clip to tell faults from"


def test_an_empty_store_is_left_where_nothing_is_to_be_diagnosed(
    fan_archive: Path, tmp_path: Path
) -> None:
    clips = [clip for clip in index([fan_archive]) if clip.condition == "normal"]
    store = extract_cepstra([fan_archive], clips, Mfcc(), tmp_path / "store", FaultOptions())
    assert store.clips == []
    assert FeatureStore.open(tmp_path / "store").feature == Mfcc()
    with pytest.raises(
        ParameterError, match="fault_holdout_id is '77'; the set has fan/00, fan/02"
    ):
        extract_cepstra(
            [fan_archive],
            index([fan_archive]),
            Mfcc(),
            tmp_path / "store",
            FaultOptions(),
            holdout_id="77",
        )


def test_detector_and_diagnosis_answer_together(
    diagnosing_bundle: Path,
    fan_bundle: Path,
    fan_archive: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with zipfile.ZipFile(fan_archive) as archive:
        archive.extractall(tmp_path)
    files = sorted(map(str, (tmp_path / "fan" / "test").glob("*.wav")))
    assert main(["predict", str(diagnosing_bundle), *files]) == 0
    together = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert main(["predict", str(fan_bundle), *files]) == 0
    alone = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    diagnosis = Bundle.open(diagnosing_bundle).diagnosis
    assert diagnosis is not None
    for file, one, other in zip(files, together, alone, strict=True):
        samples, _ = soundfile.read(file, dtype="float32")
        machine = f"fan/{Path(file).name.split('_')[2]}"
        expected = diagnosis.probabilities(diagnosis.feature.extract(samples), machine)
        details = one["Details"]
        assert details["Labels"] == ["normal", "fault 1", "fault 2"]
        assert details["Probabilities"] == pytest.approx(expected.tolist(), abs=1e-5)
        likeliest = details["Labels"][1 + int(np.argmax(details["Probabilities"][1:]))]
        assert details["Message"] == (likeliest if one["Anomaly"] else "Component OK")
        # Whether it is anomalous is the detector's word alone.
        assert details["Score"] == other["Details"]["Score"]
        assert one["Anomaly"] == (details["Score"] > details["Threshold"])
        assert "Labels" not in other["Details"]
    assert {one["Anomaly"] for one in together} == {True, False}


def test_a_recording_may_come_as_an_open_file(
    diagnosing_bundle: Path, fan_archive: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(fan_archive) as archive:
        path = archive.extract("fan/test/anomaly_id_00_00000000.wav", tmp_path)
    inference = Inference(Bundle.open(diagnosing_bundle))
    with open(path, "rb") as file:
        assert inference.verdict(file, name=path) == inference.verdict(path)
    with pytest.raises(AudioError):
        inference.verdict(b"no sound")


def test_the_service_answers_the_same_without_the_heavy_packages(
    diagnosing_bundle: Path, fan_archive: Path, tmp_path: Path
) -> None:
    """Listen as the service does, in a process in which importing one of them fails."""
    with zipfile.ZipFile(fan_archive) as archive:
        path = archive.extract("fan/test/anomaly_id_02_00000001.wav", tmp_path)
    program = f"""
import json, sys
for name in {HEAVY!r}:
    sys.modules[name] = None
from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.serve.judge import judge
from stethoscope.serve.limits import Limits
with open(sys.argv[2], "rb") as file:
    answer = judge(Inference(Bundle.open(sys.argv[1])), file.read(), Limits(), machine_id="02", name="clip.wav", picture=True)
print(json.dumps(answer.json))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(diagnosing_bundle), path],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answered = json.loads(done.stdout)
    assert answered.pop("Picture")["Columns"] > 0
    expected = Inference(Bundle.open(diagnosing_bundle)).verdict(path).to_json()
    assert answered["Details"].pop("Probabilities") == pytest.approx(
        expected["Details"].pop("Probabilities"), abs=1e-6
    )
    assert answered == expected


def test_the_bundle_says_what_the_diagnosis_is_worth(diagnosing_bundle: Path, parts: Path) -> None:
    manifest = read_json(diagnosing_bundle / "bundle.json")
    assert manifest["roles"] == ["detector", "diagnosis"]
    assert manifest["labels"] == ["normal", "fault 1", "fault 2"]
    assert manifest["metrics"]["diagnosis"] == read_json(parts / "results" / "diagnosis.json")
    assert not (diagnosing_bundle / "models" / "diagnosis" / "parts.csv").exists()


def test_faults_are_named_after_listening(
    copy: Path, fan_archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(fan_archive) as archive:
        files = [
            archive.extract(name, tmp_path) for name in archive.namelist() if "anomaly" in name
        ]
    assert (
        main(
            ["label", str(copy), "1=imbalance", "2=clogging", "--message", "2=Component is clogged"]
        )
        == 0
    )
    shown = capsys.readouterr().out
    assert "fault 1: imbalance\n    fan/test/anomaly_id_" in shown
    assert main(["predict", str(copy), *files]) == 0
    said = set()
    for answer in map(json.loads, capsys.readouterr().out.splitlines()):
        labels, chances = answer["Details"]["Labels"], answer["Details"]["Probabilities"]
        assert labels == ["normal", "fault 1: imbalance", "fault 2: clogging"]
        expected = "Component OK"
        if answer["Anomaly"]:
            expected = "fault 1: imbalance" if chances[1] > chances[2] else "Component is clogged"
        assert answer["Details"]["Message"] == expected
        said.add(expected)
    assert len(said) > 1
    assert Bundle.open(copy).manifest["labels"] == [
        "normal",
        "fault 1: imbalance",
        "fault 2: clogging",
    ]
    # A name can be taken away and changed; the message stays with its fault.
    assert main(["label", str(copy), "1=", "2=blocked filter"]) == 0
    assert capsys.readouterr().out.startswith("fault 1\n")
    assert Bundle.open(copy).messages == {"fault 2: blocked filter": "Component is clogged"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["3=x"], "there is no fault 3; the bundle has faults 1 to 2"),
        (["0=x"], "there is no fault 0"),
        (["clogging"], "'clogging' is not of the form FAULT=NAME"),
        (["1=a", "1=b"], "fault 1 is named twice"),
        (["1=" + 81 * "a"], "at most 80 printable characters"),
    ],
)
def test_wrong_names_are_refused_and_change_nothing(
    copy: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (copy / "bundle.json").read_bytes()
    assert main(["label", str(copy), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert (copy / "bundle.json").read_bytes() == before


def test_without_a_diagnosis_there_is_nothing_to_name(
    fan_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["label", str(fan_bundle), "1=x"]) == 1
    assert "has no diagnosis whose faults could be named" in capsys.readouterr().err


def test_a_damaged_diagnosis_is_refused(copy: Path) -> None:
    (copy / "models" / "diagnosis" / "references.npz").unlink()
    with pytest.raises(ModelError, match=r"references\.npz: is missing"):
        Bundle.open(copy)
    with pytest.raises(ModelError, match=r"references\.npz: is missing or damaged"):
        Diagnosis.open(copy / "models" / "diagnosis")
    model = copy / "models" / "diagnosis" / "model.json"
    write_json(model, {**read_json(model), "labels": ["a", "b", "c"]})
    with pytest.raises(ModelError, match="its labels are a, b, c"):
        Diagnosis.open(copy / "models" / "diagnosis")
