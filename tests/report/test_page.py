"""The frame of a report, and its style sheet on light and on dark screens."""

import re
from importlib import resources

import pytest

import stethoscope.report.page
from stethoscope.report.html import tag
from stethoscope.report.page import Header, Section, report_page, section, tile
from tests.report.fixtures import Page

HEADER = Header("Title", ["<fan>", "", "set.zip"], headline="1 & 2", summary="Both.")

CSS = resources.files("stethoscope.report").joinpath("page.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
)


def luminance(colour: str) -> float:
    """Return the relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_marks_stand_out(colours: dict[str, str]) -> None:
    for ground in ("paper", "card"):
        for text in ("ink", "soft", "normal", "anomaly"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["ink"], colours["warn"]) >= 4.5
    for mark in ("s0", "s1", "s2", "s3", "s4", "s5"):
        assert contrast(colours[mark], colours["card"]) >= 3, mark


def test_dark_screens_have_every_colour() -> None:
    assert DARK.keys() == LIGHT.keys()


def test_contents_follow_the_sections_and_none_is_left_out() -> None:
    sections = [section("a", "First", tag("p", "one")), None, section("b", "Second", "<two>")]
    page = Page(report_page(HEADER, sections)).root
    assert [one.text for one in page.all("title")] == ["Title"]
    assert [one.text for one in page.all("h1")] == ["1 & 2"]
    [contents] = page.all("nav")
    links = [(one.attributes["href"], one.text) for one in contents.all("a")]
    assert links == [("#a", "First"), ("#b", "Second")]
    assert [one.attributes["aria-labelledby"] for one in page.all("section")] == ["a", "b"]
    assert "<fan> · set.zip" in page.text
    assert "<two>" in page.text


def test_sized_section_gets_the_room_that_the_others_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stethoscope.report.page, "MAX_BYTES", 150_000)
    monkeypatch.setattr(stethoscope.report.page, "_FRAME_BYTES", 50_000)
    rooms: list[int] = []

    def fill(room: int) -> Section:
        rooms.append(room)
        return section("filled", "Filled", "x" * room)

    fixed = section("fixed", "Fixed", "ä" * 10_000)
    html = report_page(HEADER, [fill, fixed])
    assert rooms == [100_000 - len(fixed.html.encode())]
    assert len(html.encode()) < 150_000
    assert html.index("Filled</h2>") < html.index("Fixed</h2>")


def test_tile_has_name_value_and_texts() -> None:
    tile_ = Page(tile("False alarms", "8", "target 10 %", "in 90")).root
    assert [one.text for one in tile_.all("dt")] == ["False alarms"]
    assert [one.text for one in tile_.all("dd")] == ["8 in 90", "target 10 %"]
