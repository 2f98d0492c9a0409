"""Numbers of things as text."""

from stethoscope.counts import count, format_counts, format_range


def test_noun_after_a_number_has_its_plural() -> None:
    assert [count(n, "clip") for n in (0, 1, 1200)] == ["0 clips", "1 clip", "1,200 clips"]
    assert count(2, "class") == "2 classes"


def test_range_of_numbers_in_words() -> None:
    assert format_range([12, 11, 12]) == "11 to 12"
    assert format_range([7, 7]) == "7"


def test_frequencies_begin_with_the_highest() -> None:
    assert format_counts(["clipped", "silent", "silent"]) == "silent: 2, clipped: 1"
