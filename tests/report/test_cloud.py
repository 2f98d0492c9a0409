"""Points in three dimensions."""

from importlib import resources

import numpy as np

from stethoscope.report.cloud import Point, cloud
from tests.report.fixtures import Page


def test_first_view_agrees_with_that_of_the_script() -> None:
    """A point to the right lies to the right, one above lies above, and none leaves the drawing."""
    rng = np.random.default_rng(0)
    points = [Point(tuple(rng.normal(size=3)), "s0", str(number)) for number in range(50)]  # type: ignore[arg-type]
    page = Page(
        cloud(
            [*points, Point((50, 0, 0), "s1", "right"), Point((-50, 0, 0), "s1", "left")],
            ("x", "y", "z"),
            "cloud",
        )
    )
    drawn = {
        one.text: one.attributes for one in page.root.all("path") if "data-at" in one.attributes
    }

    def seen(title: str) -> tuple[float, float]:
        x, y = (drawn[title]["d"] or "").removeprefix("M").removesuffix("h0").split()
        return float(x), float(y)

    assert seen("right")[0] > 0.7 > -0.7 > seen("left")[0]
    assert all(abs(value) <= 1.0 for title in drawn for value in seen(title))
    script = resources.files("stethoscope.report").joinpath("page.js").read_text(encoding="utf-8")
    assert "const start = [-0.6, 0.4];" in script
