"""Figures as text."""

from stethoscope.report.words import (
    figure,
    hertz,
    interval,
    number,
    percent,
    share_with_interval,
    short,
)
from stethoscope.stats.figure import Figure


def test_numbers_have_units() -> None:
    shares = {
        0: "0",
        1e-5: "0.1",
        0.034: "3.4",
        0.05: "5",
        0.0996: "10",
        0.505: "50",
        0.9987: "99.9",
        0.99999: "99.9",
        1: "100",
    }
    assert [percent(share) for share in shares] == [f"{text}\u00a0%" for text in shares.values()]
    assert [hertz(low, high) for low, high in ((120, 480), (950, 1000), (2000, 2040))] == [
        "120 to 480 Hz",
        "0.9 to 1.0 kHz",
        "2.0 kHz",
    ]
    assert number(-12.3456) == "−12.35"
    assert short("a" * 50 + "b" * 50, 20) == "a" * 9 + "…" + "b" * 10


def test_figure_is_shown_with_its_interval_or_its_reason() -> None:
    share = Figure(0.5, 0.404, 0.6)
    assert figure(share, share=True) == "50\u00a0%<small>40 to 60\u00a0%</small>"
    assert figure(share) == "0.500<small>0.404 to 0.600</small>"
    assert figure(Figure(None, reason="no <clips>")) == (
        '<span class="na">n/a<small>no &lt;clips&gt;</small></span>'
    )
    assert interval(share) == "0.404 to 0.600"
    assert share_with_interval(share) == "50\u00a0% (95 % interval 40 to 60\u00a0%)"
