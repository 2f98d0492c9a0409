"""Charts: where marks lie, and which values the axes mark."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import ticker

from stethoscope.report.charts import Axis, Chart, frequency_axis, round_numbers, two_sided_axis


def test_line_runs_through_its_points() -> None:
    chart = Chart(Axis.linear(0, 10, "s"), Axis.linear(-1, 1, "dB"))
    chart.line([0, 5, 10, 20], [-1, 0, 1, 5], "normal")
    assert 'd="M0.0 1000.0L500.0 500.0L1000.0 0.0L1000.0 0.0"' in chart.html("a line")


def test_bars_start_at_zero() -> None:
    chart = Chart(Axis.linear(0, 2, "score"), Axis.linear(-2, 2, "clips"))
    chart.bars([0, 1, 2], [2, -1], "normal")
    assert 'd="M0.0 500.0V0.0H500.0V500.0ZM500.0 500.0V750.0H1000.0V500.0Z"' in chart.html("bars")


def test_ticks_are_round_and_inside() -> None:
    assert [text for _, text in Axis.linear(-0.02, 9.98, "s").ticks] == [
        "0",
        "2",
        "4",
        "6",
        "8",
        "10",
    ]
    assert [text for _, text in Axis.linear(-3, 3, "score", ticks=3).ticks] == ["−2", "0", "2"]
    assert [value for value, _ in Axis.linear(1, 3, "epoch", whole=True).ticks] == [1, 2, 3]
    constant = Axis.linear(5, 5, "score")
    assert constant.low < 5 < constant.high


def test_frequency_axis_marks_round_frequencies() -> None:
    centres = np.linspace(0, 8000, 81)
    axis = frequency_axis(centres)
    ticks = {text: value for value, text in axis.ticks}
    assert ticks["1"] == pytest.approx(10)
    assert ticks["4"] == pytest.approx(40)
    assert (axis.low, axis.high) == (-0.5, 80.5)


@pytest.mark.parametrize(
    ("low", "high", "intervals", "whole"),
    [
        (0, 9.98, 6, False),
        (-3, 3, 3, False),
        (0.3, 0.311, 5, False),
        (1, 7, 5, True),
        (1, 2500, 7, True),
    ],
)
def test_ticks_are_those_of_matplotlib(
    low: float, high: float, intervals: int, whole: bool
) -> None:
    locator = ticker.MaxNLocator(intervals, steps=[1, 2, 5, 10], integer=whole)
    slack = 0.005 * (high - low)
    values = locator.tick_values(low, high)
    expected = [value for value in values if low - slack <= value <= high + slack]
    assert round_numbers(low, high, intervals, whole=whole) == pytest.approx(expected)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 10), st.booleans())
def test_ticks_are_few_and_lie_on_the_axis(
    low: float, width: float, intervals: int, whole: bool
) -> None:
    high = low + width
    ticks = round_numbers(low, high, intervals, whole=whole)
    slack = 0.006 * width + 1e-11 * abs(low)
    assert all(low - slack <= value <= high + slack for value in ticks)
    assert len(ticks) <= 2 * intervals + 1
    assert not whole or all(value == round(value) for value in ticks)
    assert whole or len(ticks) > 1


def test_two_sided_axis_has_positive_numbers() -> None:
    axis = two_sided_axis(np.array([0, 4]), np.array([-2, 0]))
    assert axis.low < -2 < 4 < axis.high
    assert dict(axis.ticks)[-2] == "2"
