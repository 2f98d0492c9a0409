"""HTML built from elements.

Text is escaped when it is added, so no text from outside can become markup.
"""

import html
from collections.abc import Iterable

_VOID = frozenset({"br", "img", "meta"})


class Html(str):
    """Markup; it is not escaped again."""

    __slots__ = ()


Content = str | Iterable["Content"]
"""Text, markup, or any nesting of them."""


def join(*contents: Content) -> Html:
    """Return contents one after the other; text that is not :class:`Html` is escaped."""
    return Html("".join(_render(content) for content in contents))


def tag(name: str, /, *contents: Content, **attributes: str | float | bool | None) -> Html:
    """Return an element.

    Parameters
    ----------
    name : str
    *contents : Content
    **attributes : str, float, bool or None
        A trailing underscore is removed and other underscores become hyphens: ``class_``,
        ``aria_label``. True gives an attribute without value; None and False give none.
    """
    opened = name
    for key, value in attributes.items():
        if value is not None and value is not False:
            key = key.rstrip("_").replace("_", "-")
            opened += f" {key}" if value is True else f' {key}="{html.escape(str(value))}"'
    return Html(f"<{opened}>" if name in _VOID else f"<{opened}>{join(*contents)}</{name}>")


def _render(content: Content) -> str:
    if isinstance(content, Html):
        return content
    return (
        html.escape(content)
        if isinstance(content, str)
        else "".join(_render(part) for part in content)
    )
