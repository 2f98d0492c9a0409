"""The figures of a page as SVG files, each readable on its own.

In the page, a figure is a drawing that is stretched to its box, between texts of HTML. Here it
becomes a drawing of a fixed size with these texts, for slides and documents.
"""

import base64
import html
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from importlib import resources

from stethoscope.files import atomic_folder, write_text

_WIDTH, _HEIGHT = 640.0, 360.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 20.0, 44.0, 52.0
_LEGEND_STEP = 20.0
_SIDE = 1000.0  # of the drawing of a chart, in its own units
_VOID = frozenset({"br", "img", "meta"})
_DOT = 6.0
_MEANINGS = frozenset(
    ("normal", "anomaly", "right", "wrong", "limit", "s0", "s1", "s2", "s3", "s4", "s5")
)


@dataclass
class _Element:
    """An element of a page."""

    name: str
    attributes: dict[str, str]
    children: list["_Element | str"] = field(default_factory=list)

    @cached_property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    @property
    def text(self) -> str:
        return "".join(one if isinstance(one, str) else one.text for one in self.children)

    @property
    def elements(self) -> list["_Element"]:
        return [one for one in self.children if isinstance(one, _Element)]

    def all(self, name: str) -> Iterator["_Element"]:
        """Yield the elements of a name or class below this one, in order."""
        for one in self.elements:
            if name == one.name or name in one.classes:
                yield one
            yield from one.all(name)


class _Parser(HTMLParser):
    """Reads a page of ours, whose elements are all closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [_Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = _Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  # they are closed in order
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def write_plots(folder: str | os.PathLike[str], page: str) -> list[str]:
    """Write the charts and spectrograms of a page as SVG files.

    Parameters
    ----------
    folder : path
        Written all or nothing; an earlier one is replaced.
    page : str
        HTML of :func:`~stethoscope.report.page.report_page`.

    Returns
    -------
    list of str
        Names of the files: the section, a number, and what the figure shows.
    """
    parser = _Parser()
    parser.feed(page)
    parser.close()
    colours = _colours()
    names: list[str] = []
    with atomic_folder(folder) as temporary:
        for section in parser.open[0].all("section"):
            key = section.attributes.get("aria-labelledby", "page")
            for number, (chart, legend) in enumerate(_charts(section), start=1):
                description = chart.attributes.get("aria-label", "")
                name = f"{key}-{number:02d}-{_slug(description)}.svg"
                write_text(temporary / name, _svg(chart, legend, description, colours))
                names.append(name)
    return names


def _charts(element: _Element) -> Iterator[tuple[_Element, _Element | None]]:
    """Yield every chart with two axes, and the legend that follows it."""
    below = element.elements
    for index, one in enumerate(below):
        if "chart" in one.classes:
            if not any(True for _ in one.all("cloud")):
                after = [other for other in below[index + 1 :] if "legend" in other.classes]
                yield one, after[0] if after else None
        else:
            yield from _charts(one)


def _svg(chart: _Element, legend: _Element | None, title: str, colours: dict[str, str]) -> str:
    entries = legend.elements if legend else []
    rows = (len(entries) + 1) // 2
    height = _HEIGHT + _LEGEND_STEP * rows + 6 * bool(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height:g}" '
        f'width="{_WIDTH:g}" height="{height:g}" font-family="sans-serif" font-size="12" '
        f'fill="{colours["soft"]}">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="100%" height="100%" fill="{colours["card"]}"/>',
        _text(_WIDTH / 2, 22, _shortened(title), "middle", fill=colours["ink"], size=14),
        *_canvas(next(chart.all("canvas")), colours),
        *_axes(chart),
        *_legend(entries, colours),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _canvas(canvas: _Element, colours: dict[str, str]) -> Iterator[str]:
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    for image in canvas.all("img"):
        yield (
            f'<image x="{_LEFT:g}" y="{_TOP:g}" width="{width:g}" height="{height:g}" '
            f'preserveAspectRatio="none" href="{_png(image.attributes["src"])}"/>'
        )
    for path in canvas.all("path"):
        yield (
            f'<path d="{_placed(path.attributes["d"], width, height)}" '
            f"{_style(path.classes, colours)}/>"
        )
    for note in canvas.all("note"):
        x = _place(note, "left")
        if x is None:
            x = 1 - (_place(note, "right") or 0.0)
            yield _text(_LEFT + x * width - 5, _TOP + 14, note.text, "end", fill=colours["ink"])
        else:
            yield _text(_LEFT + x * width + 5, _TOP + 14, note.text, "start", fill=colours["ink"])
    for note in canvas.all("place"):
        x, y = _place(note, "left") or 0.0, _place(note, "bottom") or 0.0
        at = _LEFT + x * width, _TOP + (1 - y) * height + 4
        yield _text(*at, note.text, "middle", fill=colours["ink"])


def _axes(chart: _Element) -> Iterator[str]:
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    bottom = _HEIGHT - _BOTTOM
    for ticks in chart.all("x-ticks"):
        for tick in ticks.elements:
            at = _LEFT + width * (_place(tick, "left") or 0.0)
            yield _text(at, bottom + 18, tick.text, "middle")
    for ticks in chart.all("y-ticks"):
        for tick in ticks.elements:
            at = bottom - height * (_place(tick, "bottom") or 0.0)
            yield _text(_LEFT - 6, at + 4, tick.text, "end")
    for label in chart.all("x-label"):
        yield _text(_LEFT + width / 2, bottom + 38, label.text, "middle")
    for label in chart.all("y-label"):
        x, y = 16.0, _TOP + height / 2
        turned = _text(x, y, label.text, "middle")
        yield turned.replace("<text ", f'<text transform="rotate(-90 {x:g} {y:g})" ', 1)


def _legend(entries: list[_Element], colours: dict[str, str]) -> Iterator[str]:
    for index, entry in enumerate(entries):
        x = _LEFT + (index % 2) * (_WIDTH - _LEFT) / 2
        y = _HEIGHT + 6 + _LEGEND_STEP * (index // 2)
        swatch = next(entry.all("swatch"), None)
        if swatch is not None:
            classes = swatch.classes - {"swatch"}
            fill = _colour(classes, colours)
            pale = ' opacity="0.25"' if "pale" in classes else ""
            tall = 10 if classes & {"bar", "dot", "pale"} else 3
            box = f'x="{x:g}" y="{y - 4 - tall / 2:g}" width="14" height="{tall}"'
            yield f'<rect {box} fill="{fill}"{pale}/>'
        yield _text(x + 20, y, entry.text, "start")


def _style(classes: set[str], colours: dict[str, str]) -> str:
    """Return what the style sheet says of a path."""
    colour = _colour(classes, colours)
    if "grid" in classes:
        return f'fill="none" stroke="{colours["grid"]}"'
    if "area" in classes:
        return f'fill="{colour}" opacity="0.16"'
    if "bar" in classes:
        return f'fill="{colour}" opacity="0.85"'
    if "dot" in classes:
        ends = "square" if "anomaly" in classes else "round"
        size = 9 if "point" in classes else 4 if "muted" in classes else _DOT
        return (
            f'fill="none" stroke="{colour}" stroke-width="{size:g}" stroke-linecap="{ends}" '
            'opacity="0.75"'
        )
    dashes = ' stroke-dasharray="5 4"' if classes & {"limit", "chance"} else ""
    return f'fill="none" stroke="{colour}" stroke-width="1.75"{dashes}'


def _colour(classes: set[str], colours: dict[str, str]) -> str:
    known = sorted(classes & _MEANINGS & colours.keys())
    return colours[known[0] if known else "soft"]


def _placed(path: str, width: float, height: float) -> str:
    """Return a path of a chart, in the units of the file; it has only M, L, H, V, h and Z."""

    def x(value: str) -> str:
        return f"{_LEFT + float(value) / _SIDE * width:.1f}"

    def y(value: str) -> str:
        return f"{_TOP + float(value) / _SIDE * height:.1f}"

    moved = []
    for command, numbers in re.findall(r"([MLHVhZ])([^MLHVhZ]*)", path):
        values = numbers.split()
        if command in "ML":
            moved.append(f"{command}{x(values[0])} {y(values[1])}")
        elif command in "HV":
            moved.append(f"{command}{x(values[0]) if command == 'H' else y(values[0])}")
        else:
            moved.append(f"{command}{numbers}")
    # A line of length zero is a dot in a browser, but is not drawn by some programs.
    return "".join(moved).replace("h0", "h0.01")


def _place(element: _Element, side: str) -> float | None:
    """Return a place of an element as a fraction of its box, as its style says."""
    found = re.search(rf"\b{side}:([\d.]+)%", element.attributes.get("style", ""))
    return float(found[1]) / 100 if found else None


def _png(address: str) -> str:
    """Return a picture of a page as a data address of PNG, which every program reads."""
    from PIL import Image

    file = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as image:
        # Less compression: half the time, and of such pictures even fewer bytes.
        image.save(file, format="png", compress_level=1)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _text(
    x: float, y: float, words: str, anchor: str, *, fill: str = "", size: int | None = None
) -> str:
    style = f' fill="{fill}"' if fill else ""
    style += f' font-size="{size}"' if size else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{html.escape(words)}</text>'
    )


def _shortened(title: str, length: int = 84) -> str:
    return title if len(title) <= length else f"{title[: length - 1]}…"


def _slug(text: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", text.partition(":")[0].lower())
    return words.strip("-")[:60].strip("-") or "figure"


def _colours() -> dict[str, str]:
    """Return the colours of the style sheet for light screens, by name."""
    sheet = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", sheet.partition("@media")[0]))
