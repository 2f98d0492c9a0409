import re
from pathlib import Path

import pytest

from stethoscope import files
from stethoscope.datasets.catalogue import entries, lookup
from stethoscope.datasets.layouts import LAYOUTS
from stethoscope.errors import DatasetError


def test_lists_the_public_sets() -> None:
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


def test_an_entry_tells_all_that_is_known() -> None:
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
def test_an_unknown_name_gets_the_nearest(name: str, near: str) -> None:
    with pytest.raises(DatasetError, match=f"{name}: .*did you mean.*{near}"):
        lookup(name)


def test_a_name_like_none_is_sent_to_the_list() -> None:
    with pytest.raises(DatasetError, match="stethoscope datasets"):
        lookup("zzz")


def test_packaged_files_are_found_in_a_checkout_and_in_a_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        files.packaged_file("catalogue.json")
        == Path(files.__file__).parent.parent / "data" / "catalogue.json"
    )
    package = tmp_path / "site-packages" / "stethoscope"
    (package / "_packaged").mkdir(parents=True)
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    with pytest.raises(FileNotFoundError, match="install stethoscope again"):
        files.packaged_file("catalogue.json")
    (package / "_packaged" / "catalogue.json").write_text("[]")
    (package.parent / "pipeline.yaml").write_text("")
    assert files.packaged_file("catalogue.json") == package / "_packaged" / "catalogue.json"
    assert files.packaged_file("pipeline.yaml") == package.parent / "pipeline.yaml"
