"""The part of events that is drawn."""

from stethoscope.events.report.recordings import visible
from stethoscope.report.charts import Axis


def test_spans_are_cut_at_the_ends_of_the_axis() -> None:
    time = Axis.linear(2.0, 10.0, "time, s")
    spans = [(0.0, 1.9), (1.0, 3.0), (4.0, 5.0), (9.0, 12.0), (10.0, 11.0)]
    assert visible(spans, time) == [(2.0, 3.0), (4.0, 5.0), (9.0, 10.0)]
