"""Elements of HTML."""

from hypothesis import given
from hypothesis import strategies as st

from stethoscope.report.html import Html, join, tag
from tests.report.fixtures import Page

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@given(TEXTS, TEXTS)
def test_text_and_attributes_never_become_markup(text: str, value: str) -> None:
    root = Page(tag("p", text, title=value)).root
    [only] = root.all()
    assert (only.name, only.text, only.attributes["title"]) == ("p", text, value)


def test_markup_is_not_escaped_again() -> None:
    assert join(tag("b", "x"), ["<", [Html("<br>")]]) == "<b>x</b>&lt;<br>"


def test_attributes_follow_their_values() -> None:
    assert tag("audio", controls=True, src="a", hidden=False, class_=None, aria_label="b") == (
        '<audio controls src="a" aria-label="b"></audio>'
    )
    assert tag("img", alt="") == '<img alt="">'
