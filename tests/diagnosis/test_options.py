"""The parameters of the diagnosis."""

import pytest

from stethoscope.diagnosis.options import FAULTS, parse_names
from stethoscope.errors import ParameterError


@pytest.mark.parametrize(
    ("name", "value"),
    [("groups", -2), ("description", "odd"), ("components", 0), ("normal_clips", -2)],
)
def test_values_out_of_range_are_refused_by_the_name_of_the_parameter(
    name: str, value: object
) -> None:
    with pytest.raises(ParameterError, match=f"fault_{name} is {value!r}"):
        FAULTS.of({f"fault_{name}": value})


def test_names_are_separated_by_commas_and_may_be_empty() -> None:
    assert parse_names(" imbalance, ,clogging ,") == ("imbalance", "", "clogging")
