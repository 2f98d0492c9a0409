"""The order of file names."""

import re


def natural_order(name: str) -> tuple[list[tuple[str, int]], str]:
    """Return a key by which ``take 9`` comes before ``take 10``.

    Recordings are mostly named in the order in which they were made.
    """
    parts = re.findall(r"(\D*)(\d*)", name)
    return [(text, int(number) if number else -1) for text, number in parts], name
