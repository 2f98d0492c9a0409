"""What sections are built from: cards, galleries of cards, tables and lists of notes."""

from collections.abc import Iterable, Sequence

from stethoscope.report.html import Content, Html, join, tag
from stethoscope.report.words import short

MAX_CARDS = 9
"""Most cards of a gallery that are visible before it is unfolded."""


def card(title: str, *contents: Content) -> Html:
    """Return a figure with its title."""
    return tag("figure", tag("figcaption", title), *contents, class_="card")


def clip_card(heading: Html, path: str, *contents: Content, source: str = "") -> Html:
    """Return the card of a clip.

    Parameters
    ----------
    heading : Html
        An ``h3`` or ``h4`` element.
    path : str
        Of the recording.
    *contents : Content
        Texts, player and pictures.
    source : str
        Archive of the recording, if it is to be shown.
    """
    name = f"{source} · {path}" if source else path
    file = tag("span", short(name), class_="file", title=name)
    return tag("article", heading, file, *contents, class_="card clip")


def gallery(cards: Sequence[Html], *, wide: bool = False, left_out: int = 0) -> Html:
    """Return cards side by side.

    Parameters
    ----------
    cards : sequence of Html
        Those beyond :data:`MAX_CARDS` are folded.
    wide : bool
        Make the cards wider.
    left_out : int
        Number of cards that were not made, for a note.
    """
    style = "gallery wide" if wide else "gallery"
    first, rest = cards[:MAX_CARDS], cards[MAX_CARDS:]
    more: Content = ""
    if rest:
        more = tag("details", tag("summary", f"{len(rest)} more"), tag("div", rest, class_=style))
    note: Content = ""
    if left_out:
        note = tag("p", f"{left_out} more were left out to keep the file small.", class_="soft")
    return join(tag("div", first, class_=style), more, note)


def table(
    head: Iterable[str],
    rows: Iterable[Iterable[Content]],
    foot: Iterable[Iterable[Content]] = (),
    *,
    caption: str,
    words: bool = False,
    fit: bool = False,
) -> Html:
    """Return a table that scrolls sideways where it is too wide.

    Parameters
    ----------
    head : iterable of str
        Titles of the columns.
    rows, foot : iterable of iterable of Content
        Cells; the first of each row is its heading.
    caption : str
        For readers who cannot see it.
    words : bool
        Align the cells for text instead of figures.
    fit : bool
        Make the table as wide as its content.
    """
    last = [_row(cells) for cells in foot]
    return tag(
        "div",
        tag(
            "table",
            tag("thead", tag("tr", [tag("th", text, scope="col") for text in head])),
            tag("tbody", [_row(cells) for cells in rows]),
            tag("tfoot", last) if last else "",
            class_="words" if words else None,
            aria_label=caption,
        ),
        class_="scroll fit" if fit else "scroll",
        role="region",
        tabindex="0",
        aria_label=caption,
    )


def notes(texts: Iterable[str]) -> Html | str:
    """Return a list of notes that the reader must not miss; empty without any."""
    items = [tag("li", text) for text in texts]
    return tag("ul", items, class_="notes") if items else ""


def _row(cells: Iterable[Content]) -> Html:
    first, *others = cells
    return tag("tr", tag("th", first, scope="row"), [tag("td", cell) for cell in others])
