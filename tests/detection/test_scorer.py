import pytest

from stethoscope.detection.scorer import candidates, of_type
from stethoscope.errors import ModelError

MACHINES = ("fan/00", "fan/02", "pump/00")


def test_a_known_machine_is_scored_as_itself() -> None:
    assert candidates(MACHINES, "fan/02") == ["fan/02"]


@pytest.mark.parametrize("machine", ["fan/", "fan/77", "fan"])
def test_an_unknown_id_is_scored_as_every_id_of_its_type(machine: str) -> None:
    assert candidates(MACHINES, machine) == ["fan/00", "fan/02"]


def test_the_entry_of_a_type_is_found_by_the_key_of_a_machine() -> None:
    assert of_type({"fan": 1, "pump": 2}, "pump/77") == 2


def test_an_unknown_type_is_refused_by_name() -> None:
    message = "machine type 'valve' is not among those trained on: fan, pump"
    with pytest.raises(ModelError, match=message):
        candidates(MACHINES, "valve/00")
    with pytest.raises(ModelError, match=message):
        of_type({"fan": 1, "pump": 2}, "valve/00")
