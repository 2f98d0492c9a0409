"""The style sheet: what is written can be read, on light and on dark screens."""

import re
from importlib import resources

import pytest

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
