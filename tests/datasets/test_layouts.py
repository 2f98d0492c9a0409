from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stethoscope.datasets.clips import read_clips, write_clips
from stethoscope.datasets.layouts import index
from stethoscope.errors import DatasetError, ParameterError
from tests.datasets.conftest import Pack


def test_layout_that_does_not_fit_is_refused_with_an_example(pack: Pack) -> None:
    path = pack(["bell/take_1.wav", "bell/notes_1.md"])
    with pytest.raises(DatasetError) as caught:
        index([path], "mimii")
    message = str(caught.value)
    assert "set.zip: 1 recordings do not fit the layout mimii" in message
    assert all(part in message for part in ("bell/take_1.wav", "dcase2020", "dcase2021", "table"))
    assert "notes_1" not in message
    assert "\n" not in message
    with pytest.raises(ParameterError, match="layout is 'dcase'; choose auto, dcase2020"):
        index([path], "dcase")


def test_recordings_are_held_back_from_a_set_without_test_recordings(pack: Pack) -> None:
    names = [f"fan/train/normal_id_00_{number:08d}.wav" for number in range(20)]
    clips = index([pack(names)])
    assert [clip.path for clip in clips if clip.split == "test"] == names[15:]
    with_test = [*names, "fan/test/id_00_00000000.wav"]
    clips = index([pack(with_test)])
    assert [clip.path for clip in clips if clip.split == "test"] == with_test[20:]


def test_empty_sets_are_refused(pack: Pack, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path, message in (
        (tmp_path / "folder", "folder: holds no recordings"),
        (pack(["notes.txt"]), r"no recordings .*; found notes\.txt"),
    ):
        with pytest.raises(DatasetError, match=message):
            index([path])
    with pytest.raises(DatasetError, match="no archive is given"):
        index([])


def test_two_archives_of_one_name_are_refused(pack: Pack, tmp_path: Path) -> None:
    path = pack(["fan/train/normal_id_00_00000000.wav"])
    with pytest.raises(DatasetError, match=r"set\.zip: is given twice"):
        index([path, path])


def test_recordings_outside_the_layout_give_a_warning(
    pack: Pack, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [
        "fan/train/section_00_source_train_normal_0000_.wav",
        "fan/attic/section_00_machine_0001_.wav",
    ]
    assert len(index([pack(names)])) == 1
    assert capsys.readouterr().err == (
        "warning: 1 recording left out, because the name does not fit the layout;"
        " the first is fan/attic/section_00_machine_0001_.wav in set.zip\n"
    )


WORDS = st.sampled_from(
    [
        "fan",
        "train",
        "test",
        "source_test",
        "id_00",
        "normal",
        "abnormal",
        "-6_dB",
        "normal_id_00_0",
        "section_00_0",
        "ä b",
    ]
)
PATHS = st.lists(
    WORDS
    | st.text(
        st.characters(exclude_categories=["C"], exclude_characters="/\\."), min_size=1, max_size=8
    ),
    min_size=1,
    max_size=5,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
@given(st.lists(PATHS, min_size=1, max_size=4, unique_by=tuple))
def test_any_names_give_a_table_or_a_dataset_error(
    pack: Pack, tmp_path: Path, paths: list[list[str]]
) -> None:
    names = [f"{'/'.join(path)}.wav" for path in paths]
    try:
        clips = index([pack(names)])
    except DatasetError:
        return
    assert {clip.path for clip in clips} <= set(names)
    assert all(clip.machine_type for clip in clips)
    write_clips(tmp_path / "clips.csv", clips)
    assert read_clips(tmp_path / "clips.csv") == clips


def test_real_archives(shared_data: Path) -> None:
    """Counts from the data's own description."""
    dcase = Counter(
        (clip.split, clip.condition) for clip in index([shared_data / "dev_data_caridle.zip"])
    )
    assert dcase == {("train", "normal"): 34, ("test", "normal"): 35, ("test", "anomaly"): 71}
    hard = index([shared_data / "-6_dB_caridle.zip"])
    assert Counter((clip.split, clip.condition) for clip in hard) == {
        ("train", "normal"): 11,
        ("test", "normal"): 12,
        ("test", "anomaly"): 12,
    }
    assert {(clip.machine, clip.snr_db) for clip in hard} == {("caridle/00", -6.0)}
    fan = Counter(
        (clip.machine, clip.split, clip.condition)
        for clip in index([shared_data / "dev_data_fan_sample.zip"])
    )
    assert fan == {("fan/00", "train", "normal"): 20, ("fan/00", "test", "anomaly"): 1}
    bells = index([shared_data / "bell_audacity_labels.zip"])
    assert Counter(clip.label for clip in bells) == {"": 20, "Ding": 300}
    sounds = index([shared_data / "esc10_urbansound_layout.zip"])
    assert set(Counter((clip.label, clip.fold) for clip in sounds).values()) == {8}
    assert len({clip.label for clip in sounds}) == 10
