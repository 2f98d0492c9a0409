"""Numbers of things as text."""

from collections import Counter
from collections.abc import Iterable


def count(n: int, noun: str) -> str:
    """Return a number with its noun: ``1 clip``, ``2 clips``, ``1,200 clips``, ``2 classes``."""
    plural = "es" if noun.endswith("s") else "s"
    return f"{n:,} {noun}{'' if n == 1 else plural}"


def format_range(numbers: Iterable[int]) -> str:
    """Return the range of whole numbers in words, ``11 to 12``, or the number if they are equal."""
    low, *_, high = sorted(2 * list(numbers))
    return str(low) if low == high else f"{low} to {high}"


def format_counts(names: Iterable[str]) -> str:
    """Return how often each name occurs, the most frequent first: ``silent: 2, clipped: 1``."""
    return ", ".join(f"{name}: {count}" for name, count in Counter(names).most_common())
