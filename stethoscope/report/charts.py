"""Charts as SVG that fill the width they are given.

The drawing is stretched to its box while strokes, dots and letters keep their size, so a chart
reads equally well on a telephone and on a wall; colours are names that the style sheet gives values
for light and dark screens.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import MaxNLocator

from stethoscope.report.html import Content, Html, join, tag

_SIDE = 1000.0  # of the drawing, in its own units


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes
    ----------
    low, high : float
        Its ends.
    ticks : tuple of (float, str)
        Where something is written, and what.
    label : str
        The quantity and its unit.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    label: str

    @classmethod
    def linear(
        cls, low: float, high: float, label: str, *, ticks: int = 5, whole: bool = False
    ) -> Self:
        """Return an axis with about as many round `ticks`, only at `whole` numbers if wanted."""
        if not high > low:
            low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
        values = MaxNLocator(ticks, steps=[1, 2, 5, 10], integer=whole).tick_values(low, high)
        slack = 0.005 * (high - low)  # a clip of 9.98 s is marked at 10 s
        kept = [round(float(value), 12) for value in values if low - slack <= value <= high + slack]
        return cls(
            low, high, tuple((value, f"{value:g}".replace("-", "−")) for value in kept), label
        )

    def at(self, value: float) -> float:
        """Return where a value lies, 0 at the low end and 1 at the high end; beyond the ends it
        stays there.
        """
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


class Chart:
    """A chart of lines, areas and dots over two axes.

    `style` in the methods is a class of the style sheet: ``normal``, ``anomaly``, ``s0`` to ``s5``,
    ``muted``, ``limit``.
    """

    def __init__(self, x: Axis, y: Axis) -> None:
        self.x = x
        self.y = y
        self._marks: list[Html] = []
        self._notes: list[Html] = []

    def line(self, xs: Iterable[float], ys: Iterable[float], style: str, title: str = "") -> None:
        """Draw a line through points."""
        self._path(_polyline(self._points(xs, ys)), f"line {style}", title)

    def area(
        self, xs: Sequence[float], low: Iterable[float], high: Iterable[float], style: str
    ) -> None:
        """Fill between two lines."""
        outline = [*self._points(xs, high), *reversed(self._points(xs, low))]
        self._path(_polyline(outline) + "Z", f"area {style}")

    def region(self, points: Sequence[tuple[float, float]], style: str) -> None:
        """Fill what lies between points."""
        if points:
            self._path(_polyline(self._points(*zip(*points, strict=True))) + "Z", f"area {style}")

    def bars(self, edges: Sequence[float], heights: Iterable[float], style: str) -> None:
        """Draw bars from zero between neighbouring edges [len(edges) = len(heights) + 1]."""
        base = self._points([edges[0]], [0.0])[0][1]
        path = ""
        for left, right, height in zip(edges[:-1], edges[1:], heights, strict=True):
            if height:
                (x0, y0), (x1, _) = self._points([left, right], [height, height])
                path += f"M{x0:.1f} {base:.1f}V{y0:.1f}H{x1:.1f}V{base:.1f}Z"
        self._path(path, f"bar {style}")

    def dots(
        self, xs: Iterable[float], ys: Iterable[float], style: str, titles: Sequence[str] = ()
    ) -> None:
        """Draw a dot at each point, each with a title of its own if given."""
        # A line of no length with round or square ends keeps its shape in a drawing that is
        # stretched.
        points = [f"M{x:.1f} {y:.1f}h0" for x, y in self._points(xs, ys)]
        if titles:
            for point, title in zip(points, titles, strict=True):
                self._path(point, f"dot {style}", title)
        else:
            self._path("".join(points), f"dot {style}")

    def rule(self, value: float, style: str, note: str) -> None:
        """Draw a vertical line over the whole height with a note at its top."""
        x = self.x.at(value)
        self._path(f"M{_SIDE * x:.1f} 0V{_SIDE:g}", f"line {style}")
        side = f"right:{100 * (1 - x):.1f}%" if x > 0.5 else f"left:{100 * x:.1f}%"
        self._notes.append(tag("span", note, class_="note", style=side))

    def text(self, x: float, y: float, words: str) -> None:
        """Write words at a point."""
        place = f"left:{100 * self.x.at(x):.1f}%;bottom:{100 * self.y.at(y):.1f}%"
        self._notes.append(tag("span", words, class_="place", style=place))

    def html(self, description: str, *, shape: str = "") -> Html:
        """Return the chart; `description` tells those who cannot see it what it shows. `shape` is
        ``square`` or empty.
        """
        lines = "".join(f"M{_SIDE * self.x.at(x):.1f} 0V{_SIDE:g}" for x, _ in self.x.ticks)
        lines += "".join(f"M0 {_SIDE * (1 - self.y.at(y)):.1f}H{_SIDE:g}" for y, _ in self.y.ticks)
        drawing = tag(
            "svg",
            tag("path", d=lines, class_="grid"),
            self._marks,
            viewBox=f"0 0 {_SIDE:g} {_SIDE:g}",
            preserveAspectRatio="none",
        )
        return framed(join(drawing, self._notes), self.x, self.y, description, shape=shape)

    def _points(self, xs: Iterable[float], ys: Iterable[float]) -> list[tuple[float, float]]:
        return [
            (_SIDE * self.x.at(x), _SIDE * (1 - self.y.at(y))) for x, y in zip(xs, ys, strict=True)
        ]

    def _path(self, path: str, style: str, title: str = "") -> None:
        if path:
            self._marks.append(
                tag("path", tag("title", title) if title else "", d=path, class_=style)
            )


def framed(content: Content, x: Axis, y: Axis, description: str, *, shape: str = "") -> Html:
    """Return a drawing or a picture with the letters of its axes around it."""
    return tag(
        "div",
        tag("div", y.label, class_="y-label"),
        tag(
            "div",
            [
                tag("span", text, style=f"bottom:{100 * y.at(value):.1f}%")
                for value, text in y.ticks
            ],
            class_="y-ticks",
        ),
        tag("div", content, class_=f"canvas {shape}".strip()),
        tag(
            "div",
            [tag("span", text, style=f"left:{100 * x.at(value):.1f}%") for value, text in x.ticks],
            class_="x-ticks",
        ),
        tag("div", x.label, class_="x-label"),
        class_="chart",
        role="img",
        aria_label=description,
    )


def legend(*entries: tuple[str, str]) -> Html:
    """Return a legend: pairs of the marks' classes (``line normal``) and what they stand for."""
    return tag(
        "ul",
        [tag("li", tag("i", class_=f"swatch {style}"), text) for style, text in entries],
        class_="legend",
    )


def frequency_axis(centres: npt.NDArray[np.float64]) -> Axis:
    """Return the axis of frequency bands, evenly spaced as they are, with round frequencies written
    where they fall.

    Parameters
    ----------
    centres : np.ndarray [shape=(n_bands,)]
        Rising centre frequencies, in Hz.
    """
    bands = np.arange(len(centres))
    ticks: list[tuple[float, str]] = []
    for hz in (100, 200, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000):
        band = float(np.interp(hz, centres, bands, left=math.nan, right=math.nan))
        if not math.isnan(band) and (not ticks or band - ticks[-1][0] > len(centres) / 12):
            ticks.append((band, f"{hz / 1000:g}"))
    return Axis(-0.5, len(centres) - 0.5, tuple(ticks), "kHz")


def _polyline(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
