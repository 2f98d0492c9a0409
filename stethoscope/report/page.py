"""The frame of a report: title, header, contents, sections and footer, in one HTML file."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

from stethoscope import __version__
from stethoscope.files import write_text
from stethoscope.report.html import Content, Html, join, tag
from stethoscope.report.plots import write_plots

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
class Verdict:
    """Whether a result can be used, why, and what to do.

    Attributes
    ----------
    status : str
        A key of :data:`STATUSES`.
    reason : str
        The figures that decide, in one sentence.
    advice : str
        What to do next; may be empty.
    """

    status: str
    reason: str
    advice: str = ""

    @property
    def text(self) -> str:
        """Status and reason in one line."""
        return f"{STATUSES[self.status][0]}: {self.reason}"

    def html(self) -> Html:
        """Return the title of the page, with the advice below it."""
        name, style = STATUSES[self.status]
        title = tag("h1", tag("span", f"{name}:", class_=f"status {style}"), f" {self.reason}")
        return join(title, tag("p", self.advice, class_="advice") if self.advice else "")


STATUSES = {
    "ready": ("Ready", "right"),
    "trial": ("Ready for a trial", "limit"),
    "not ready": ("Not ready", "wrong"),
}
"""Name and style of each status of a verdict."""


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
    verdict : Verdict, optional
        Whether the result can be used, and what to do.
    facts : sequence of (str, str)
        Names and values: what was reported on, when, and with which parameters.
    """

    title: str
    subject: Sequence[str]
    headline: str
    summary: str
    tiles: Sequence[Html] = ()
    verdict: "Verdict | None" = None
    facts: Sequence[tuple[str, str]] = ()

    def html(self, sections: Sequence[Section]) -> Html:
        """Return the header, with the contents."""
        return tag(
            "header",
            tag("p", " · ".join(filter(None, self.subject)), class_="over"),
            self.verdict.html() if self.verdict else tag("h1", self.headline),
            tag("p", self.summary, class_="lede"),
            tag("dl", self.tiles, class_="tiles") if self.tiles else "",
            _facts(self.facts),
            tag(
                "nav",
                [tag("a", one.title, href=f"#{one.key}") for one in sections],
                aria_label="Contents",
            ),
        )


def section(
    key: str, title: str, *contents: Content, folded: bool = False, hint: str = ""
) -> Section:
    """Return a section: `contents` below its heading, with `key` as id.

    Parameters
    ----------
    key, title : str
    *contents : Content
    folded : bool
        Show only the heading, until the reader unfolds it.
    hint : str
        What a folded section holds, beside its heading.
    """
    heading = tag("h2", title, id=key)
    if not folded:
        return Section(key, title, tag("section", heading, *contents, aria_labelledby=key))
    summary = tag("summary", heading, tag("small", hint) if hint else "")
    folding = tag("details", summary, *contents)
    return Section(key, title, tag("section", folding, class_="folded", aria_labelledby=key))


def fold(title: str, *contents: Content) -> Html:
    """Return contents of which only the title is shown, until the reader unfolds them."""
    return tag("details", tag("summary", title), *contents)


def _facts(facts: Sequence[tuple[str, str]]) -> Html | str:
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value]
    return tag("dl", rows, class_="facts") if rows else ""


def tile(name: str, value: str, below: str, beside: str = "") -> Html:
    """Return a main figure: its name, its value, a small text beside it and one below it."""
    shown = tag("dd", value, tag("small", f" {beside}") if beside else "", class_="value")
    return tag("div", tag("dt", name), shown, tag("dd", below), class_="card tile")


_WHOLE = "This file contains its sounds and pictures and needs no network."


def report_page(
    header: Header, sections: Sequence[Section | SizedSection | None], *, note: str = _WHOLE
) -> str:
    """Return a report as one HTML file that needs no network.

    Parameters
    ----------
    header : Header
    sections : sequence of Section, SizedSection or None
        From top to bottom. None is left out. A :data:`SizedSection` is made after all others, so
        that the page has at most :data:`MAX_BYTES`.
    note : str
        Sentence at the end of the page: what it needs beside itself.
    """
    fixed = [one for one in sections if isinstance(one, Section)]
    room = MAX_BYTES - _FRAME_BYTES - sum(len(one.html.encode()) for one in fixed)
    made = [one(room) if callable(one) else one for one in sections]
    shown = [one for one in made if one is not None]
    main = tag("main", [one.html for one in shown])
    return document(header.title, header.html(shown), main, _footer(note))


def write_page(
    path: str | os.PathLike[str],
    header: Header,
    sections: Sequence[Section | SizedSection | None],
    plots: str | os.PathLike[str] | None = None,
) -> None:
    """Write :func:`report_page` to a file, all or nothing, and its figures into a folder.

    Parameters
    ----------
    path : path
    header, sections : Header, sequence
        As of :func:`report_page`.
    plots : path, optional
        New folder for the figures; see :func:`~stethoscope.report.plots.write_plots`.
    """
    page = report_page(header, sections)
    write_text(path, page)
    if plots is not None:
        write_plots(plots, page)


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


def _footer(note: str) -> Html:
    return tag("footer", f"Made by stethoscope {__version__}. {note}".strip())


def _packaged(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
