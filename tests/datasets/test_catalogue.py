import re

import pytest

from stethoscope.datasets.catalogue import entries, lookup
from stethoscope.datasets.layouts import LAYOUTS
from stethoscope.errors import DatasetError


def test_public_sets_are_listed() -> None:
    known = entries()
    types = {"fan", "pump", "slider", "ToyCar", "ToyConveyor", "valve"}
    assert {name for name in known if name.startswith("dcase2020/")} == {
        f"dcase2020/{machine}" for machine in types
    }
    assert {name for name in known if name.startswith("mimii/")} == {
        f"mimii/{snr}_dB_{machine}"
        for snr in (-6, 0, 6)
        for machine in ("fan", "pump", "slider", "valve")
    }
    assert len(known) == 3 * 6 + 12 + 5 + 1


def test_entry_holds_all_fields() -> None:
    pump = lookup("dcase2020/pump")
    assert pump.url == "https://zenodo.org/record/3678171/files/dev_data_pump.zip"
    assert (pump.md5, pump.bytes) == ("90e7091ef722b7238a7f1009365779cd", 1031279015)
    assert (pump.licence, pump.layout) == ("CC BY-NC-SA 4.0", "dcase2020")
    assert lookup("mimii/-6_dB_fan").url.endswith("/-6_dB_fan.zip")


def test_entries_are_well_formed() -> None:
    assert len({entry.md5 for entry in entries().values()}) == len(entries())
    for entry in entries().values():
        assert re.fullmatch("[0-9a-f]{32}", entry.md5)
        assert re.fullmatch(r"https://zenodo\.org/record/\d+/files/[\w.-]+", entry.url)
        assert entry.layout in LAYOUTS or entry.name == "urbansound8k"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("dcase2020/pumpe", "dcase2020/pump"),
        ("dcase2020/toycar", "dcase2020/ToyCar"),
        ("UrbanSound8K", "urbansound8k"),
    ],
)
def test_unknown_name_suggests_the_nearest(name: str, near: str) -> None:
    with pytest.raises(DatasetError, match=f"{name}: .*did you mean.*{near}"):
        lookup(name)


def test_name_without_a_near_one_refers_to_the_list() -> None:
    with pytest.raises(DatasetError, match="stethoscope datasets"):
        lookup("zzz")
