"""Cards, galleries, tables and notes."""

from stethoscope.report.blocks import clip_card, gallery, notes, table
from stethoscope.report.html import tag
from tests.report.fixtures import Page


def test_gallery_folds_what_is_more_than_nine_cards() -> None:
    cards = [tag("figure", str(number)) for number in range(11)]
    page = Page(gallery(cards, left_out=5)).root
    [folded] = page.all("details")
    assert [one.text for one in folded.all("figure")] == ["9", "10"]
    assert "2 more" in folded.text
    assert "5 more were left out" in page.text
    assert not Page(gallery(cards[:9])).root.all("details")


def test_table_has_headings_of_rows_and_columns() -> None:
    page = Page(table(("Name", "n"), [["<a>", "1"]], [["sum", "1"]], caption="Sums")).root
    headings = [(one.attributes["scope"], one.text) for one in page.all("th")]
    assert headings == [("col", "Name"), ("col", "n"), ("row", "<a>"), ("row", "sum")]
    assert [one.text for one in page.all("tfoot")] == ["sum1"]


def test_clip_card_shortens_a_long_name_and_keeps_it_as_title() -> None:
    path = f"{'a' * 200}.wav"
    [file] = Page(clip_card(tag("h3", "fan"), path, source="set.zip")).root.all("span")
    assert len(file.text) == 90
    assert file.attributes["title"] == f"set.zip · {path}"


def test_notes_are_empty_without_texts() -> None:
    assert notes([]) == ""
    assert [one.text for one in Page(notes(["<a>", "b"])).root.all("li")] == ["<a>", "b"]
