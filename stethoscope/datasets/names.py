"""The order of file names."""

import re
from collections.abc import Sequence


def natural_order(name: str) -> tuple[list[tuple[str, int]], str]:
    """Return a key by which ``take 9`` comes before ``take 10``.

    Recordings are mostly named in the order in which they were made.
    """
    parts = re.findall(r"(\D*)(\d*)", name)
    return [(text, int(number) if number else -1) for text, number in parts], name


def places(names: Sequence[str]) -> tuple[list[int], int]:
    """Return the place of each name in the natural order, equal names at one place.

    Returns
    -------
    places : list of int
        From 0.
    count : int
        Number of different names.
    """
    ordered = {name: place for place, name in enumerate(sorted(set(names), key=natural_order))}
    return [ordered[name] for name in names], len(ordered)
