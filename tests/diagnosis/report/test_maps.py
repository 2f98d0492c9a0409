"""The geometry of the maps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.diagnosis.report.maps import nearest_region

PLACES = st.tuples(st.floats(-9, 9), st.floats(-9, 9))


@given(st.lists(PLACES, min_size=1, max_size=6, unique=True), PLACES)
def test_region_contains_the_points_nearest_to_its_centroid(
    centroids: list[tuple[float, float]], point: tuple[float, float]
) -> None:
    """A point lies in the region of the nearest centroid, and in no other, up to points on the
    border.
    """
    corners = [(-10.0, -10.0), (10.0, -10.0), (10.0, 10.0), (-10.0, 10.0)]
    distances = [float(np.hypot(point[0] - x, point[1] - y)) for x, y in centroids]
    order = np.argsort(distances)
    if len(order) > 1 and distances[order[1]] - distances[order[0]] < 1e-6:
        return
    inside = [
        i for i in range(len(centroids)) if _lies_in(point, nearest_region(centroids, i, corners))
    ]
    assert inside == [order[0]]


def _lies_in(point: tuple[float, float], polygon: list[tuple[float, float]]) -> bool:
    """Return whether a convex polygon, corners counter-clockwise, holds a point."""
    if len(polygon) < 3:
        return False
    corners = np.array(polygon)
    edges = np.roll(corners, -1, axis=0) - corners
    to_point = np.array(point) - corners
    return bool((edges[:, 0] * to_point[:, 1] - edges[:, 1] * to_point[:, 0] >= -1e-9).all())
