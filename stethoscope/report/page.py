"""The frame of a report: title, header, contents, sections and footer, in one HTML file."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

from stethoscope import __version__
from stethoscope.files import write_text
from stethoscope.report.html import Content, Html, tag

MAX_BYTES = 10_000_000
"""Largest report. Browsers and Kubeflow's viewer open larger pages slowly."""

_FRAME_BYTES = 100_000  # style, script, header and footer


@dataclass(frozen=True)
class Section:
    """A part of a report, with a heading that the contents refer to.

    Attributes
    ----------
    key : str
        Its id in the page.
    title : str
    html : Html
    """

    key: str
    title: str
    html: Html


SizedSection = Callable[[int], Section | None]
"""Makes a section of at most so many bytes: what all other sections of the report leave."""


@dataclass(frozen=True)
class Header:
    """What stands above the sections.

    Attributes
    ----------
    title : str
        Of the document.
    subject : sequence of str
        What is reported, and on which data; empty texts are left out.
    headline : str
    summary : str
        The main results, in a few sentences.
    tiles : sequence of Html
        The main figures.
    """

    title: str
    subject: Sequence[str]
    headline: str
    summary: str
    tiles: Sequence[Html] = ()

    def html(self, sections: Sequence[Section]) -> Html:
        """Return the header, with the contents."""
        return tag(
            "header",
            tag("p", " · ".join(filter(None, self.subject)), class_="over"),
            tag("h1", self.headline),
            tag("p", self.summary, class_="lede"),
            tag("dl", self.tiles, class_="tiles") if self.tiles else "",
            tag(
                "nav",
                [tag("a", one.title, href=f"#{one.key}") for one in sections],
                aria_label="Contents",
            ),
        )


def section(key: str, title: str, *contents: Content) -> Section:
    """Return a section: `contents` below its heading, with `key` as id."""
    heading = tag("h2", title, id=key)
    return Section(key, title, tag("section", heading, *contents, aria_labelledby=key))


def tile(name: str, value: str, below: str, beside: str = "") -> Html:
    """Return a main figure: its name, its value, a small text beside it and one below it."""
    shown = tag("dd", value, tag("small", f" {beside}") if beside else "", class_="value")
    return tag("div", tag("dt", name), shown, tag("dd", below), class_="card tile")


def report_page(header: Header, sections: Sequence[Section | SizedSection | None]) -> str:
    """Return a report as one HTML file that needs no network.

    Parameters
    ----------
    header : Header
    sections : sequence of Section, SizedSection or None
        From top to bottom. None is left out. A :data:`SizedSection` is made after all others, so
        that the page has at most :data:`MAX_BYTES`.
    """
    fixed = [one for one in sections if isinstance(one, Section)]
    room = MAX_BYTES - _FRAME_BYTES - sum(len(one.html.encode()) for one in fixed)
    made = [one(room) if callable(one) else one for one in sections]
    shown = [one for one in made if one is not None]
    main = tag("main", [one.html for one in shown])
    return document(header.title, header.html(shown), main, _footer())


def write_page(
    path: str | os.PathLike[str],
    header: Header,
    sections: Sequence[Section | SizedSection | None],
) -> None:
    """Write :func:`report_page` to a file, all or nothing."""
    write_text(path, report_page(header, sections))


def document(title: str, *body: Content) -> str:
    """Return an HTML document that contains its style and its script."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(_packaged("page.css"))),
    )
    script = tag("script", Html(_packaged("page.js")))
    return "<!doctype html>\n" + tag("html", head, tag("body", *body, script), lang="en") + "\n"


def _footer() -> Html:
    return tag(
        "footer",
        f"Made by stethoscope {__version__}. "
        "This file contains its sounds and pictures and needs no network.",
    )


def _packaged(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
