from pathlib import Path

import pytest

from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import LAYOUTS, index
from stethoscope.errors import DatasetError
from tests.datasets.conftest import Pack


def only(path: Path, layout: str = "auto") -> Clip:
    (clip,) = index([path], layout)
    return clip


def fits(path: Path, layout: str) -> bool:
    try:
        return bool(index([path], layout))
    except DatasetError:
        return False


# Names from the pages and baselines of DCASE 2020 to 2025 Task 2 and MIMII, with the meaning that
# their authors document. The simulator adds `supplemental` to the names of 2020.
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
    (
        "dcase2021",
        "bearing/supplemental/section_00_machine_source_0000_noAttribute.wav",
        "bearing 00 supplemental normal source -",
    ),
    (
        "dcase2021",
        "fan/supplemental/section_00_noise_0007.wav",
        "fan 00 supplemental noise - -",
    ),
    (
        "dcase2020",
        "fan/supplemental/noise_id_02_00000003.wav",
        "fan 02 supplemental noise - -",
    ),
    (
        "dcase2020",
        "fan/supplemental/machine_id_02_00000003.wav",
        "fan 02 supplemental normal - -",
    ),
    ("mimii", "valve/id_06/abnormal/00000118.wav", "valve 06 test anomaly - -"),
    ("mimii", "6_dB_slider/slider/id_02/normal/00000000.wav", "slider 02 train normal - -"),
]


@pytest.mark.parametrize(("layout", "name", "meaning"), KNOWN)
def test_names_are_read_as_their_authors_document(
    pack: Pack, layout: str, name: str, meaning: str
) -> None:
    """The meaning is type, id, split, condition, domain and attributes, with a dash for none."""
    for chosen in ("auto", layout):
        clip = only(pack([name]), chosen)
        found = (
            clip.machine_type,
            clip.machine_id,
            clip.split,
            clip.condition,
            clip.domain,
            clip.label,
        )
        assert " ".join(part or "-" for part in found) == meaning
        assert (clip.path, clip.source) == (name, "set.zip")
    assert {
        other for other in LAYOUTS if not LAYOUTS[other].fallback and fits(pack([name]), other)
    } == {layout}


def test_recordings_of_one_file_name_are_distinguished(pack: Pack) -> None:
    names = [
        "fan/train/normal_id_00_00000000.wav",
        "fan/test/normal_id_00_00000000.wav",
        "pump/train/normal_id_00_00000000.wav",
    ]
    assert len({clip.recording for clip in index([pack(names)])}) == 3
