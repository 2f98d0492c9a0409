"""Charts as SVG that fill the width of their box.

The drawing is stretched to its box while strokes, dots and letters keep their size, so a chart is
readable on small and on large screens. Colours are names of the style sheet, which defines them for
light and for dark screens.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from stethoscope.report.html import Content, Html, join, tag

MAX_STYLES = 6
"""Most lines of a chart that have a colour of their own, ``s0`` to ``s5``."""

SHARE_TICKS = tuple((value, f"{100 * value:g}") for value in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
"""Ticks of an axis of shares, in per cent."""

_SIDE = 1000.0  # of the drawing, in its own units


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes
    ----------
    low, high : float
        Its ends.
    ticks : tuple of (float, str)
        Values that are marked, with their text.
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
        """Return an axis with round ticks.

        Parameters
        ----------
        low, high : float
            Its ends; equal ends are moved apart.
        label : str
            The quantity and its unit.
        ticks : int
            Most intervals between ticks.
        whole : bool
            Mark only whole numbers.
        """
        if not high > low:
            low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
        values = round_numbers(low, high, ticks, whole=whole)
        marked = tuple((value, f"{value:g}".replace("-", "−")) for value in values)
        return cls(low, high, marked, label)

    def at(self, value: float) -> float:
        """Return the place of a value, 0 at the low end and 1 at the high end.

        Values beyond an end are placed at it.
        """
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def round_numbers(low: float, high: float, intervals: int, *, whole: bool = False) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten from `low` to `high`.

    Parameters
    ----------
    low, high : float
        `high` above `low`.
    intervals : int
        Most intervals between them; more if there were fewer than two numbers otherwise.
    whole : bool
        Return only whole numbers.
    """
    slack = 0.005 * (high - low)  # a clip of 9.98 s is marked at 10 s
    least = (high - low) / intervals
    exponent = math.floor(math.log10(least))
    steps = [factor * 10.0**power for power in (exponent - 1, exponent) for factor in (1, 2, 5)]
    steps = [step for step in (*steps, 10.0 ** (exponent + 1)) if not whole or step >= 1] or [1.0]
    widest = next((step for step in steps if step >= least * (1 - 1e-9)), steps[-1])
    numbers: list[float] = []
    for step in reversed([step for step in steps if step <= widest]):
        first, last = math.ceil((low - slack) / step), math.floor((high + slack) / step)
        numbers = [round(step * multiple, 12) for multiple in range(first, last + 1)]
        if len(numbers) > 1:
            break
    return numbers


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
        """Fill the polygon with these corners."""
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
        """Draw a dot at each point, with its title if `titles` are given."""
        # A line of length zero with round or square ends keeps its shape in a stretched drawing.
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
        """Write text at a point."""
        place = f"left:{100 * self.x.at(x):.1f}%;bottom:{100 * self.y.at(y):.1f}%"
        self._notes.append(tag("span", words, class_="place", style=place))

    def html(self, description: str, *, shape: str = "") -> Html:
        """Return the chart.

        Parameters
        ----------
        description : str
            For readers who cannot see it.
        shape : {"", "square", "tall"}
            Of its box.
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
    """Return a drawing or a picture with its axes.

    Parameters
    ----------
    content : Content
    x, y : Axis
    description, shape : str
        As of :meth:`Chart.html`.
    """
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
    """Return a legend: pairs of the class of the marks (``line normal``) and their meaning."""
    return tag(
        "ul",
        [tag("li", tag("i", class_=f"swatch {style}"), text) for style, text in entries],
        class_="legend",
    )


def two_sided_axis(up: npt.NDArray[np.generic], down: npt.NDArray[np.generic]) -> Axis:
    """Return an axis of numbers of clips, positive both above and below zero.

    Parameters
    ----------
    up, down : np.ndarray
        Heights of the bars; those of `down` are not positive.
    """
    low, high = 1.12 * min(float(down.min()), -1.0), 1.3 * max(float(up.max()), 1.0)
    axis = Axis.linear(low, high, "clips", ticks=7, whole=True)
    return replace(axis, ticks=tuple((value, f"{abs(value):g}") for value, _ in axis.ticks))


def frequency_axis(centres: npt.NDArray[np.float64]) -> Axis:
    """Return the axis of frequency bands, spaced evenly, with marks at round frequencies.

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
    return Axis(-0.5, len(centres) - 0.5, tuple(ticks), "frequency, kHz")


def _polyline(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
