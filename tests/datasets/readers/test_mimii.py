from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stethoscope.datasets.layouts import index
from tests.datasets.conftest import Pack


def mimii(
    ids: str, normal: int, abnormal: int, *, first: int = 0, machine: str = "fan"
) -> list[str]:
    names = [
        f"{machine}/id_{ids}/normal/{number:08d}.wav" for number in range(first, first + normal)
    ]
    return names + [f"{machine}/id_{ids}/abnormal/{number:08d}.wav" for number in range(abnormal)]


def test_mimii_is_divided_as_its_baseline_does(pack: Pack) -> None:
    clips = index([pack(mimii("00", 20, 6) + mimii("02", 11, 10))])
    for machine, normal, abnormal in (("fan/00", 20, 6), ("fan/02", 11, 10)):
        rows = [clip for clip in clips if clip.machine == machine]
        # dataset_generator of the baseline: train_files = normal_files[len(abnormal_files):]
        files = [f"{number:08d}" for number in range(normal)]
        assert [Path(c.path).stem for c in rows if c.split == "train"] == files[abnormal:]
        assert [
            Path(c.path).stem for c in rows if c.split == "test" and c.condition == "normal"
        ] == files[:abnormal]
        assert sum(c.condition == "anomaly" and c.split == "test" for c in rows) == abnormal


@pytest.mark.parametrize(
    ("normal", "abnormal", "trains"),
    [(5, 5, 3), (5, 50, 3), (1, 1, 1), (2, 9, 1), (4, 0, 3), (0, 4, 0)],
)
def test_mimii_keeps_normal_recordings_for_training(
    pack: Pack, normal: int, abnormal: int, trains: int
) -> None:
    clips = index([pack(mimii("00", normal, abnormal))])
    assert Counter(clip.split for clip in clips)["train"] == trains
    assert all(clip.condition == "normal" for clip in clips if clip.split == "train")


def test_mimii_counts_recordings_over_all_ratios(pack: Pack) -> None:
    clips = index(
        [pack(mimii("00", 4, 3), "-6_dB_fan.zip"), pack(mimii("00", 4, 3, first=3), "6_dB_fan.zip")]
    )
    numbers = {clip.recording[-1] for clip in clips if clip.split == "train"}
    assert numbers == set("3456")  # seven normal recordings, three abnormal


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 6)), min_size=1, max_size=3
    )
)
def test_no_recording_is_in_training_at_one_ratio_and_test_at_another(
    pack: Pack, sizes: list[tuple[int, int, int]]
) -> None:
    """Also when the ratios hold different shares of the recordings."""
    paths = [
        pack(mimii("00", normal + 1, abnormal, first=first), f"{6 * i - 6}_dB_fan.zip")
        for i, (normal, abnormal, first) in enumerate(sizes)
    ]
    clips = index(paths)
    sides: dict[str, set[str]] = {}
    for clip in clips:
        sides.setdefault(clip.recording, set()).add(clip.split)
    assert all(len(side) == 1 for side in sides.values())
    assert any(clip.split == "train" for clip in clips)
    assert {clip.snr_db for clip in clips} == {6.0 * i - 6 for i in range(len(sizes))}


def test_several_machine_types_in_one_archive(pack: Pack) -> None:
    clips = index([pack(mimii("00", 5, 2) + mimii("00", 6, 1, machine="pump"))])
    assert Counter(clip.machine for clip in clips if clip.split == "train") == {
        "fan/00": 3,
        "pump/00": 5,
    }
