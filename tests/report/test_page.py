"""The frame of a report, and its style sheet on light and on dark screens."""

import re
from dataclasses import replace
from importlib import resources

import pytest

import stethoscope.report.page
from stethoscope.report.html import tag
from stethoscope.report.page import Header, Section, Verdict, report_page, section, tile
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
        for text in ("ink", "soft", "normal", "anomaly", "right", "wrong"):
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


def test_colours_of_normal_and_anomalous_and_of_right_and_wrong_are_used_for_nothing_else() -> None:
    for colours in (LIGHT, DARK):
        meanings = [colours[name] for name in ("normal", "anomaly", "right", "wrong")]
        series = [colours[f"s{number}"] for number in range(6)]
        assert len({*meanings, *series}) == 10


def test_folded_section_shows_its_heading_and_a_hint() -> None:
    folded = Page(section("a", "Title", tag("p", "inside"), folded=True, hint="why").html).root
    [summary] = folded.all("summary")
    assert summary.text == "Titlewhy"
    assert [one.attributes["id"] for one in summary.all("h2")] == ["a"]
    [details] = folded.all("details")
    assert "open" not in details.attributes


def test_verdict_stands_above_everything_with_advice_and_facts() -> None:
    verdict = Verdict("not ready", "34 % false alarms.", "Record more.")
    header = replace(HEADER, verdict=verdict, facts=[("Made", "today"), ("Recordings", "")])
    page = Page(report_page(header, [])).root
    [title] = page.all("h1")
    assert title.text == "Not ready: 34 % false alarms."
    assert "Record more." in page.text
    assert [one.text for one in page.all("dt")] == ["Made"]


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
