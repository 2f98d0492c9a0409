import pytest
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.datasets.audacity import Interval, intervals_of, parse_labels
from stethoscope.datasets.clips import Clip
from stethoscope.errors import DatasetError


def test_export_of_audacity_is_read() -> None:
    text = (
        "\ufeff1,5\t2,25\tDing\r\n\\\t1000\t2000\r\n0.5\t0.75\t\n7\t7\tpoint\n\n"
        "3.0\t4.0\ttwo words\n"
    )
    assert parse_labels(text, "x") == [
        Interval(0.5, 0.75, "event"),
        Interval(1.5, 2.25, "Ding"),
        Interval(3.0, 4.0, "two words"),
    ]


@pytest.mark.parametrize(
    "line", ["1.0", "a\tb\tc", "2\t1\tback", "nan\t1\tx", "0\tinf\tx", "-1\t2\tx", "1 2 Ding"]
)
def test_wrong_line_is_named(line: str) -> None:
    with pytest.raises(DatasetError, match=r"labels_1\.txt, line 2: "):
        parse_labels(f"0\t1\tDing\n{line}\n", "labels_1.txt")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        intervals = parse_labels(text, "x")
    except DatasetError:
        return
    assert all(0 <= one.start < one.end and one.label for one in intervals)


def test_labels_can_be_chosen_and_overlaps_are_merged() -> None:
    whole = Clip(path="a", recording="a")
    rows = [
        Clip(path="a", recording="a", label=label, start=start, end=end)
        for start, end, label in [(3, 5, "x"), (1, 2, "y"), (4, 6, "x")]
    ]
    assert intervals_of([whole, *rows]) == {("", "a"): [(1, 2), (3, 6)]}
    assert intervals_of([whole, *rows], ["y", "z"]) == {("", "a"): [(1, 2)]}
    with pytest.raises(DatasetError, match="labels found: x, y"):
        intervals_of([whole, *rows], ["Ding"])
    with pytest.raises(DatasetError, match="no recording has a labelled interval"):
        intervals_of([whole])
