from pathlib import Path

import pytest

from stethoscope.datasets.clips import Clip
from stethoscope.datasets.layouts import index
from stethoscope.datasets.readers.names import machine_of_name, snr_of_name
from tests.datasets.conftest import Pack


def only(path: Path, layout: str = "auto") -> Clip:
    (clip,) = index([path], layout)
    return clip


def test_machine_type_is_taken_from_the_archive_without_a_folder(pack: Pack) -> None:
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
def test_machine_type_and_ratio_in_the_name_of_an_archive(
    name: str, machine: str, snr: float | None
) -> None:
    assert (machine_of_name(name), snr_of_name(name)) == (machine, snr)


def test_ratio_is_taken_from_the_nearest_folder(pack: Pack) -> None:
    names = [
        "-6dB/fan/id_00/normal/00000000.wav",
        "fan/6_dB/id_00/normal/00000000.wav",
        "0_dB_fan/id_00/normal/00000000.wav",
    ]
    clips = index([pack(names, "-3_dB_all.zip")])
    assert {clip.snr_db for clip in clips} == {-6.0, 0.0, 6.0}
    assert {clip.machine_type for clip in clips} == {"fan"}
    assert {clip.recording for clip in clips} == {"fan/id_00/normal/00000000"}
