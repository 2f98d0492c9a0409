"""The key of a machine."""

import pytest

from stethoscope.machines import (
    format_machine,
    format_machines,
    machine_key,
    split_key,
    type_of,
    types_of,
)


@pytest.mark.parametrize("parts", [("fan", "00"), ("fan", ""), ("", "")])
def test_a_key_is_split_into_what_it_was_made_of(parts: tuple[str, str]) -> None:
    assert split_key(machine_key(*parts)) == parts


def test_types_are_sorted_and_named_once() -> None:
    assert type_of("fan/00") == "fan"
    assert types_of(["pump/00", "fan/02", "fan/00"]) == ["fan", "pump"]


def test_a_machine_without_id_is_named_by_its_type() -> None:
    assert [format_machine(key) for key in ("fan/00", "fan/", "/")] == [
        "fan/00",
        "fan",
        "machine unknown",
    ]
    assert format_machines(["fan/"], "few clips") == "fan: few clips"


def test_a_long_list_of_machines_names_the_first_six() -> None:
    machines = [f"fan/{number:02d}" for number in range(8)]
    assert format_machines(machines[:2], "few clips") == "fan/00, fan/01: few clips"
    assert format_machines(machines, "few clips").endswith("fan/05 and 2 more: few clips")
