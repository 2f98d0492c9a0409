"""Points in three dimensions that the reader can turn.

They are an SVG drawing that the script of the page projects again. Without scripts the first view
stays.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stethoscope.report.html import Html, join, tag

_YAW, _PITCH = -0.6, 0.4  # of the first view, in radians; page.js starts from them
_REACH = 0.95  # of the farthest point; 1 is the edge of the drawing
_AXIS = 0.8  # length of the drawn axes


@dataclass(frozen=True, slots=True)
class Point:
    """A point with its style and its title."""

    at: tuple[float, float, float]
    style: str
    title: str


def cloud(points: Sequence[Point], axes: Sequence[str], description: str) -> Html:
    """Return points over three axes of the same scale.

    Parameters
    ----------
    points : sequence of Point
        At least one.
    axes : sequence of str
        Names of the axes.
    description : str
        For readers who cannot see it.
    """
    places = np.array([point.at for point in points], dtype=np.float64)
    places -= places.mean(axis=0)
    places *= _REACH / (float(np.abs(places).max()) or 1.0)
    marks = [
        tag(
            "path",
            tag("title", point.title),
            d=_dot(place),
            class_=f"dot {point.style}",
            data_at=_numbers(place),
        )
        for point, place in zip(points, places, strict=True)
    ]
    drawing = tag("svg", _axes(axes), marks, viewBox="-1.1 -0.9 2.2 1.8")
    hint = (
        "Drag the points or use the arrow keys to turn them. "
        "A double click restores the first view."
    )
    return join(
        tag(
            "div", drawing, class_="canvas cloud", role="img", tabindex="0", aria_label=description
        ),
        tag("p", hint, class_="fine"),
    )


def _axes(names: Sequence[str]) -> list[Html]:
    drawn = []
    for number, name in enumerate(names):
        end = _AXIS * np.eye(3)[number]
        x, y = _project(end)
        drawn += [
            tag("path", d=f"M0 0L{x:.3f} {y:.3f}", class_="axis", data_to=_numbers(end)),
            tag("text", name, x=f"{x:.3f}", y=f"{y:.3f}", data_to=_numbers(1.08 * end)),
        ]
    return drawn


def _project(place: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the place of a point in the drawing, turned about the vertical axis and tilted."""
    x, y, z = place
    across = x * math.cos(_YAW) + z * math.sin(_YAW)
    depth = z * math.cos(_YAW) - x * math.sin(_YAW)
    return float(across), float(-(y * math.cos(_PITCH) - depth * math.sin(_PITCH)))


def _dot(place: npt.NDArray[np.float64]) -> str:
    x, y = _project(place)
    return f"M{x:.3f} {y:.3f}h0"


def _numbers(place: npt.NDArray[np.float64]) -> str:
    return " ".join(f"{value:.3f}" for value in place)
