import os
from collections import Counter
from pathlib import Path

import pytest

from stethoscope.datasets.download.local import copy_local
from stethoscope.datasets.layouts import index
from tests.datasets.conftest import Pack, make_wav


def numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}.wav" for number in range(1, count + 1)]


def count(pack: Pack, names: list[str], archive: str = "set.zip") -> dict[tuple[str, ...], int]:
    clips = index([pack(names, archive)])
    return Counter((clip.machine, clip.split, clip.condition) for clip in clips)


def test_flat_folder_holds_healthy_recordings_and_the_last_quarter_is_held_back(pack: Pack) -> None:
    clips = index([pack(numbered("Recording ", 48), "my pump.zip")])
    assert {clip.machine for clip in clips} == {"my pump/"}
    assert {clip.condition for clip in clips} == {"normal"}
    held_back = {clip.path for clip in clips if clip.split == "test"}
    assert held_back == {f"Recording {number}.wav" for number in range(37, 49)}


@pytest.mark.parametrize(
    ("healthy", "faulty"),
    [
        ("normal", "abnormal"),
        ("OK", "Not OK"),
        ("good", "defect"),
        ("Healthy", "anomalies/bearing"),
    ],
)
def test_folders_state_the_condition(pack: Pack, healthy: str, faulty: str) -> None:
    names = numbered(f"pump/{healthy}/a", 20) + numbered(f"pump/{faulty}/b", 6)
    assert count(pack, names) == {
        ("pump/", "train", "normal"): 14,
        ("pump/", "test", "normal"): 6,
        ("pump/", "test", "anomaly"): 6,
    }


@pytest.mark.parametrize("train", ["train", "training/normal"])
def test_training_and_test_folders_are_kept(pack: Pack, train: str) -> None:
    names = [
        *numbered(f"{train}/", 10),
        *numbered("test/good/", 4),
        *numbered("test/bad/", 3),
        *numbered("test/", 2),
    ]
    assert count(pack, names, "fan.zip") == {
        ("fan/", "train", "normal"): 10,
        ("fan/", "test", "normal"): 4,
        ("fan/", "test", "anomaly"): 3,
        ("fan/", "test", "unknown"): 2,
    }


def test_folder_per_machine_gives_ids_where_the_names_end_in_numbers(pack: Pack) -> None:
    names = [
        *numbered("pump 1/normal/", 8),
        *numbered("pump 2/normal/", 8),
        *numbered("compressor/normal/", 8),
    ]
    machines = {machine for machine, *_ in count(pack, names)}
    assert machines == {"pump/1", "pump/2", "compressor/"}


def test_folders_inside_those_of_the_conditions_are_machines_if_all_have_them(pack: Pack) -> None:
    names = [f"{c}/{m}/{i}.wav" for c in ("ok", "defect") for m in ("01", "02") for i in range(8)]
    assert {machine for machine, *_ in count(pack, names)} == {"set/01", "set/02"}
    names = numbered("ok/morning/", 8) + numbered("defect/bearing/", 8)
    assert {machine for machine, *_ in count(pack, names, "fan.zip")} == {"fan/"}


def test_outer_folders_that_all_recordings_share_are_no_part_of_the_machine(pack: Pack) -> None:
    names = numbered("backup/site/pump/01/ok/", 4) + numbered("backup/site/pump/02/ok/", 4)
    assert {machine for machine, *_ in count(pack, names)} == {"pump/01", "pump/02"}


def test_file_names_state_the_condition_where_no_folder_does(pack: Pack) -> None:
    assert count(pack, numbered("ok_", 10) + numbered("defect_", 4), "fan.zip") == {
        ("fan/", "train", "normal"): 6,
        ("fan/", "test", "normal"): 4,
        ("fan/", "test", "anomaly"): 4,
    }
    names = numbered("normal/broken_cable_", 8)
    assert {condition for *_, condition in count(pack, names, "other.zip")} == {"normal"}


def test_words_inside_other_words_state_nothing(pack: Pack) -> None:
    names = numbered("normandy/tested/good morning session/", 8)
    assert {machine for machine, *_ in count(pack, names)} == {"tested/good morning session"}


@pytest.mark.parametrize(
    "names",
    [
        [f"2024-05-0{day}/{take}.wav" for day in (1, 2, 3, 4) for take in range(5)],
        [f"healthy/Day {day}/{take}.wav" for day in (1, 2, 3, 4) for take in range(5)],
        [f"fan_2024050{day}_10{take}000.wav" for day in (1, 2, 3, 4) for take in range(5)],
    ],
)
def test_sessions_are_days_and_are_not_divided(pack: Pack, names: list[str]) -> None:
    clips = index([pack(names)])
    assert {clip.session[-1] for clip in clips if clip.split == "test"} == {"4"}
    assert {clip.session[-1] for clip in clips if clip.split == "train"} == {"1", "2", "3"}
    assert all(clip.machine_type in ("set", "fan") for clip in clips)


def test_times_of_files_are_sessions_also_after_packing(tmp_path: Path) -> None:
    folder = tmp_path / "pump"
    folder.mkdir()
    for number in range(12):
        path = folder / f"{number}.wav"
        path.write_bytes(make_wav())
        os.utime(path, (0, 1_770_000_000 + 86_400 * (number // 3) + 60 * number))
    packed = copy_local(folder, tmp_path)
    for archive in (folder, packed):
        clips = index([archive])
        assert len({clip.session for clip in clips}) == 4
        assert {clip.path for clip in clips if clip.split == "test"} == {
            "9.wav",
            "10.wav",
            "11.wav",
        }


def test_one_session_is_divided_because_something_must_be_trained_on(pack: Pack) -> None:
    names = [f"2024-05-01/{take}.wav" for take in range(8)]
    assert Counter(clip.split for clip in index([pack(names)])) == {"train": 6, "test": 2}


def test_single_recording_is_trained_on(pack: Pack) -> None:
    assert Counter(clip.split for clip in index([pack(["a.wav"])])) == {"train": 1}


def test_folder_per_class_gives_labels(pack: Pack) -> None:
    clips = index([pack(["sounds/dog/1.wav", "sounds/cat/1.wav"])], "folders")
    assert [(clip.path, clip.label, clip.recording) for clip in clips] == [
        ("sounds/cat/1.wav", "cat", "sounds/cat/1"),
        ("sounds/dog/1.wav", "dog", "sounds/dog/1"),
    ]


def test_known_layout_is_preferred(pack: Pack) -> None:
    clips = index([pack(["fan/train/normal_id_00_00000000.wav", "fan/test/anomaly_id_00_1.wav"])])
    assert {clip.machine for clip in clips} == {"fan/00"}
