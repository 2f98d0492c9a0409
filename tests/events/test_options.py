import pytest

from stethoscope.errors import ParameterError
from stethoscope.events.options import EventFit, event_fit


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
        EventFit(**wrong)  # type: ignore[arg-type]


def test_lists_of_whole_numbers_are_read_from_text() -> None:
    assert event_fit(filters="8, 16").filters == (8, 16)
    with pytest.raises(ParameterError, match="event_filters is '8,x'"):
        event_fit(filters="8,x")
