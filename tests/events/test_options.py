import pytest

from stethoscope.errors import ParameterError
from stethoscope.events.options import EVENT_FIT, EVENTS, ignored_parameters


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 4},
        {"filters": ()},
        {"strides": (1, 1, 1)},
        {"stride": 40},
        {"dropout": 1.0},
        {"division": "random"},
        {"patience": 0},
        {"hold_off": 0},
        {"interval": 0.0},
        {"tolerance": -1.0},
    ],
)
def test_value_that_cannot_work_is_refused_with_the_parameter_name(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(ParameterError, match=f"event_{next(iter(wrong))}"):
        EVENT_FIT.of({f"event_{name}": value for name, value in wrong.items()})


def test_lists_of_whole_numbers_are_read_from_text() -> None:
    assert EVENT_FIT.of({"event_filters": "8, 16"}).filters == (8, 16)
    for wrong in ("8,x", "8,,8", ""):
        with pytest.raises(ParameterError, match=f"event_filters is {wrong!r}; give whole numbers"):
            EVENT_FIT.of({"event_filters": wrong})


def test_parameters_that_the_teaching_network_does_not_use_are_named() -> None:
    values = {**EVENTS.defaults, "event_filters": "4,4", "event_n_bands": 64, "event_epochs": 3}
    assert ignored_parameters(values) == []
    teaching = {**values, "event_network": "teaching"}
    assert ignored_parameters(teaching) == ["event_filters", "event_n_bands"]


def test_address_of_the_background_is_checked_before_the_run() -> None:
    with pytest.raises(ParameterError, match="no/such/place"):
        EVENTS.check({**EVENTS.defaults, "event_background": "no/such/place"})
