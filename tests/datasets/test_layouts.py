import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stethoscope.datasets.clips import Clip, read_clips, write_clips
from stethoscope.datasets.layouts import LAYOUTS, index, machine_of_name, snr_of_name
from stethoscope.errors import DatasetError, ParameterError

Pack = Callable[..., Path]


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Make a zip of empty files with the given names: layouts read nothing but names."""

    def make(names: Iterable[str], archive: str = "set.zip") -> Path:
        with zipfile.ZipFile(tmp_path / archive, "w") as file:
            for name in names:
                file.writestr(name, b"")
        return tmp_path / archive

    return make


def only(path: Path, layout: str = "auto") -> Clip:
    (clip,) = index([path], layout)
    return clip


def fits(path: Path, layout: str) -> bool:
    try:
        return bool(index([path], layout))
    except DatasetError:
        return False


def mimii(
    ids: str, normal: int, abnormal: int, *, first: int = 0, machine: str = "fan"
) -> list[str]:
    names = [
        f"{machine}/id_{ids}/normal/{number:08d}.wav" for number in range(first, first + normal)
    ]
    return names + [f"{machine}/id_{ids}/abnormal/{number:08d}.wav" for number in range(abnormal)]


# Names from the pages and baselines of DCASE 2020 to 2025 Task 2 and MIMII, with what their authors
# say they mean.
KNOWN = [
    ("dcase2020", "fan/train/normal_id_00_00000000.wav", "fan 00 train normal - -"),
    ("dcase2020", "ToyCar/test/anomaly_id_01_00000264.wav", "ToyCar 01 test anomaly - -"),
    ("dcase2020", "dev_data/pump/test/normal_id_02_00000001.wav", "pump 02 test normal - -"),
    ("dcase2020", "ToyCar/test/id_05_00000000.wav", "ToyCar 05 test unknown - -"),
    (
        "dcase2021",
        "fan/train/section_00_source_train_normal_0000_strength_1_ambient.wav",
        "fan 00 train normal source strength_1_ambient",
    ),
    (
        "dcase2021",
        "fan/source_test/section_01_source_test_normal_0000.wav",
        "fan 01 test normal source -",
    ),
    (
        "dcase2021",
        "fan/target_test/section_02_target_test_anomaly_0099.wav",
        "fan 02 test anomaly target -",
    ),
    (
        "dcase2021",
        "fan/target_test/section_03_target_test_0000.wav",
        "fan 03 test unknown target -",
    ),
    (
        "dcase2021",
        "gearbox/train/section_00_source_train_normal_0000_0_g_25_mm_2000_mV_none.wav",
        "gearbox 00 train normal source 0_g_25_mm_2000_mV_none",
    ),
    (
        "dcase2021",
        "ToyCar/test/section_00_target_test_anomaly_0003_car_B1_spd_31V.wav",
        "ToyCar 00 test anomaly target car_B1_spd_31V",
    ),
    (
        "dcase2021",
        "valve/train/section_00_source_train_normal_0990_.wav",
        "valve 00 train normal source -",
    ),
    (
        "dcase2021",
        "ToothBrush/train/section_00_source_train_normal_0000_noAttribute.wav",
        "ToothBrush 00 train normal source -",
    ),
    ("dcase2021", "bandsaw/test/section_00_0000.wav", "bandsaw 00 test unknown - -"),
    ("dcase2021", "bandsaw/test/section_00_test_0199.wav", "bandsaw 00 test unknown - -"),
    ("mimii", "valve/id_06/abnormal/00000118.wav", "valve 06 test anomaly - -"),
    ("mimii", "6_dB_slider/slider/id_02/normal/00000000.wav", "slider 02 train normal - -"),
]


@pytest.mark.parametrize(("layout", "name", "meaning"), KNOWN)
def test_names_mean_what_their_authors_say(
    pack: Pack, layout: str, name: str, meaning: str
) -> None:
    """The meaning is type, id, split, condition, domain and attributes, with a dash for none."""
    for wanted in ("auto", layout):
        clip = only(pack([name]), wanted)
        told = (
            clip.machine_type,
            clip.machine_id,
            clip.split,
            clip.condition,
            clip.domain,
            clip.label,
        )
        assert " ".join(part or "-" for part in told) == meaning
        assert (clip.path, clip.source) == (name, "set.zip")
    assert {
        other for other in LAYOUTS if LAYOUTS[other].automatic and fits(pack([name]), other)
    } == {layout}


def test_a_recording_is_known_apart_from_its_namesakes(pack: Pack) -> None:
    names = [
        "fan/train/normal_id_00_00000000.wav",
        "fan/test/normal_id_00_00000000.wav",
        "pump/train/normal_id_00_00000000.wav",
    ]
    assert len({clip.recording for clip in index([pack(names)])}) == 3


def test_the_archives_name_tells_the_machine_where_no_folder_does(pack: Pack) -> None:
    assert (
        only(pack(["train/normal_id_00_00000000.wav"], "dev_data_pump.zip")).machine_type == "pump"
    )
    clip = only(pack(["id_00/normal/00000000.wav"], "-6_dB_valve.zip"))
    assert (clip.machine_type, clip.snr_db) == ("valve", -6.0)


@pytest.mark.parametrize(
    ("name", "machine", "snr"),
    [
        ("-6_dB_fan.zip", "fan", -6.0),
        ("0_dB_pump.zip", "pump", 0.0),
        ("6_dB_slider", "slider", 6.0),
        ("fan_-6dB.tar.gz", "fan", -6.0),
        ("+2.5 dB valve", "valve", 2.5),
        ("dev_data_ToyCar.zip", "ToyCar", None),
        ("eval_data_train_fan.zip", "fan", None),
        ("eval_data_3DPrinter_train_r2.zip", "3DPrinter", None),
        ("dev_fan.zip", "fan", None),
        ("16dBFS.zip", "16dBFS", None),
    ],
)
def test_what_an_archives_name_tells(name: str, machine: str, snr: float | None) -> None:
    assert (machine_of_name(name), snr_of_name(name)) == (machine, snr)


def test_the_nearest_folder_tells_the_ratio(pack: Pack) -> None:
    names = [
        "-6dB/fan/id_00/normal/00000000.wav",
        "fan/6_dB/id_00/normal/00000000.wav",
        "0_dB_fan/id_00/normal/00000000.wav",
    ]
    clips = index([pack(names, "-3_dB_all.zip")])
    assert {clip.snr_db for clip in clips} == {-6.0, 0.0, 6.0}
    assert {clip.machine_type for clip in clips} == {"fan"}
    assert {clip.recording for clip in clips} == {"fan/id_00/normal/00000000"}


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
    [(5, 5, 3), (5, 50, 3), (1, 1, 1), (2, 9, 1), (4, 0, 4), (0, 4, 0)],
)
def test_mimii_always_leaves_something_to_train_on(
    pack: Pack, normal: int, abnormal: int, trains: int
) -> None:
    clips = index([pack(mimii("00", normal, abnormal))])
    assert Counter(clip.split for clip in clips)["train"] == trains
    assert all(clip.condition == "normal" for clip in clips if clip.split == "train")


def test_mimii_counts_recordings_over_all_ratios_together(pack: Pack) -> None:
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


def test_unknown_layouts_are_named_with_what_was_found(pack: Pack) -> None:
    with pytest.raises(DatasetError) as caught:
        index([pack(["bell/take_1.wav", "bell/notes_1.md"])])
    message = str(caught.value)
    assert all(
        part in message
        for part in ("set.zip", "bell/take_1.wav", "dcase2020", "dcase2021", "mimii")
    )
    assert "notes_1" not in message
    assert "\n" not in message
    with pytest.raises(DatasetError, match="do not fit the layout mimii"):
        index([pack(["fan/train/normal_id_00_00000000.wav"])], "mimii")
    with pytest.raises(ParameterError, match="layout is 'dcase'; choose auto, dcase2020"):
        index([pack(["a.wav"])], "dcase")


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


def test_recordings_outside_the_layout_are_told(
    pack: Pack, caplog: pytest.LogCaptureFixture
) -> None:
    names = [
        "fan/train/section_00_source_train_normal_0000_.wav",
        "fan/supplemental/section_00_machine_0001_.wav",
    ]
    assert len(index([pack(names)])) == 1
    assert "1 recordings" in caplog.text
    assert "fan/supplemental/section_00_machine_0001_.wav" in caplog.text


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
def test_any_names_give_a_table_or_an_error_of_ours(
    pack: Pack, tmp_path: Path, paths: list[list[str]]
) -> None:
    names = [f"{'/'.join(path)}.wav" for path in paths]
    try:
        clips = index([pack(names)])
    except DatasetError:
        return
    assert {clip.path for clip in clips} <= set(names)
    assert all(clip.machine_type and clip.machine_id for clip in clips)
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


def urbansound(
    folder: Path, table: str, files: Iterable[str] = ("fold1/7-0-0-0.wav", "fold2/7-1-0-1.wav")
) -> Path:
    with zipfile.ZipFile(folder / "urban.zip", "w") as file:
        file.writestr("Urban/metadata/UrbanSound8K.csv", table)
        for name in files:
            file.writestr(f"Urban/audio/{name}", b"")
    return folder / "urban.zip"


HEADER = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
TABLE = HEADER + "7-0-0-0.wav,7,0,4,1,1,0,siren\n7-1-0-1.wav,7,4,8,1,2,1,drilling\n"


def test_urbansound8k_is_read_from_its_table(tmp_path: Path) -> None:
    assert index([urbansound(tmp_path, TABLE)]) == [
        Clip(
            path="Urban/audio/fold1/7-0-0-0.wav",
            recording="7",
            label="siren",
            fold=1,
            source="urban.zip",
        ),
        Clip(
            path="Urban/audio/fold2/7-1-0-1.wav",
            recording="7",
            label="drilling",
            fold=2,
            source="urban.zip",
        ),
    ]


def test_listed_recordings_that_are_absent_are_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [clip.label for clip in index([urbansound(tmp_path, TABLE, ["fold2/7-1-0-1.wav"])])] == [
        "drilling"
    ]
    warning = capsys.readouterr().err
    assert warning.startswith(
        "warning: urban.zip: Urban/audio/fold1/7-0-0-0.wav is listed in Urban/metadata/UrbanSound8K.csv, but not there"
    )


@pytest.mark.parametrize(
    ("table", "files", "message"),
    [
        (
            TABLE.replace("fsID", "id").replace("class\n", "kind\n"),
            ["fold1/7-0-0-0.wav"],
            "column class, fsID is missing",
        ),
        (
            HEADER + "7-0-0-0.wav,7,0,4,1,one,0,siren\n",
            ["fold1/7-0-0-0.wav"],
            "line 2: '7-0-0-0.wav,one,siren,7'",
        ),
        (HEADER + "7-0-0-0.wav\n", ["fold1/7-0-0-0.wav"], "line 2"),
        (
            TABLE.replace(",", ";"),
            ["fold1/7-0-0-0.wav"],
            "column class, fold, fsID, slice_file_name is missing",
        ),
        (
            TABLE + "7-0-0-0.wav,7,0,4,1,1,1,drilling\n",
            ["fold1/7-0-0-0.wav"],
            "line 4: 7-0-0-0.wav in fold 1 is listed twice",
        ),
        (TABLE, ["fold3/7-0-0-0.wav"], "none of 2 recordings listed"),
    ],
)
def test_wrong_tables_are_one_clear_line(
    tmp_path: Path, table: str, files: list[str], message: str
) -> None:
    with pytest.raises(DatasetError, match=re.escape(message)):
        index([urbansound(tmp_path, table, files)])


def test_a_folder_per_class_is_read_when_asked_for(pack: Pack) -> None:
    path = pack(["sounds/dog/1.wav", "sounds/cat/1.wav", "loose.wav"])
    assert index([path], "folders") == [
        Clip(path="sounds/cat/1.wav", recording="sounds/cat/1", label="cat", source="set.zip"),
        Clip(path="sounds/dog/1.wav", recording="sounds/dog/1", label="dog", source="set.zip"),
    ]
    with pytest.raises(DatasetError, match=r"fit no layout.*folders"):
        index([path])
