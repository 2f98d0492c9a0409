from dataclasses import replace
from datetime import datetime

from stethoscope.watch.history import History
from stethoscope.watch.overview import overview
from stethoscope.watch.page import history_page, time_ticks
from tests.watch.conftest import judged


def page(history: History, **options: object) -> str:
    return history_page(
        overview(history),
        title="pumps",
        address=lambda row: f"audio/{row.number}",
        **options,  # type: ignore[arg-type]
    )


def test_page_shows_alarm_recordings_and_reasons(history: History) -> None:
    history.add(judged(1, anomaly=False))
    history.add(judged(2, anomaly=True), alarm=True)
    history.add(
        replace(
            judged(3, anomaly=False),
            state="failed",
            anomaly=None,
            score=None,
            threshold=None,
            message="<b>not a recording</b>",
        )
    )
    text = page(history)
    assert "<h1>Alarm: fan/00</h1>" in text
    assert "2 recordings were judged, 1 of them is anomalous." in text
    assert "1 recording gave no verdict" in text
    assert 'src="audio/2"' in text
    assert "&lt;b&gt;not a recording&lt;/b&gt;" in text
    assert "?span=week" not in text
    assert "?span=week" in page(history, links=True)


def test_page_of_an_empty_history_says_so(history: History) -> None:
    assert "<h1>No recording has been judged yet</h1>" in page(history)


def test_ticks_are_at_round_local_times() -> None:
    begin = datetime(2026, 3, 14, 9, 17).timestamp()
    ticks = time_ticks(begin, begin + 3 * 3600.0)
    assert [text for _, text in ticks] == ["10:00", "11:00", "12:00"]
    assert ticks[0][0] == datetime(2026, 3, 14, 10, 0).timestamp()
    for span in (1.0, 86_400.0, 40 * 86_400.0, 400 * 86_400.0, 9000 * 86_400.0):
        assert 0 <= len(time_ticks(begin, begin + span)) <= 7


def test_recordings_within_a_minute_have_marks_of_seconds() -> None:
    begin = datetime(2026, 3, 14, 9, 30, 1).timestamp()
    assert [text for _, text in time_ticks(begin, begin + 9.0)] == [
        "09:30:02",
        "09:30:04",
        "09:30:06",
        "09:30:08",
        "09:30:10",
    ]


def test_recordings_that_were_copied_at_once_fill_the_width(history: History) -> None:
    for number in range(3):
        history.add(judged(number, anomaly=False, at=1e9 + number / 100))
    assert "time: all within a second" in page(history)
