"""HTML built from elements: text is escaped where it enters, so nothing from outside can become
markup.
"""

import html
from collections.abc import Iterable
from importlib import resources

_VOID = frozenset({"br", "img", "meta"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Content = str | Iterable["Content"]
"""Text, markup, or any nesting of them."""


def join(*contents: Content) -> Html:
    """Return contents end to end; what is not :class:`Html` is escaped."""
    return Html("".join(_render(content) for content in contents))


def tag(name: str, /, *contents: Content, **attributes: str | float | bool | None) -> Html:
    """Return an element.

    Parameters
    ----------
    name : str
    *contents : Content
    **attributes
        A trailing underscore is dropped, others become hyphens: ``class_``, ``aria_label``. True
        gives a bare attribute, None and False leave it out.
    """
    opened = name
    for key, value in attributes.items():
        if value is not None and value is not False:
            key = key.rstrip("_").replace("_", "-")
            opened += f" {key}" if value is True else f' {key}="{html.escape(str(value))}"'
    return Html(f"<{opened}>" if name in _VOID else f"<{opened}>{join(*contents)}</{name}>")


def page(title: str, *body: Content) -> str:
    """Return a whole page with its style and script inside: it needs no network, and without
    scripts only the moving cursor is missing.
    """
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


def _render(content: Content) -> str:
    if isinstance(content, Html):
        return content
    return (
        html.escape(content)
        if isinstance(content, str)
        else "".join(_render(part) for part in content)
    )


def _packaged(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
