"""How far two divisions of the same clips into groups agree."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from math import comb


def adjusted_rand_index(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Return the adjusted Rand index: 1 for equal divisions, about 0 for random ones.

    scikit-learn has it too, but takes a second to import.

    Parameters
    ----------
    first, second : sequence
        Group of each clip in either division, of equal lengths.

    References
    ----------
    L. Hubert and P. Arabie, "Comparing partitions", Journal of Classification 2, 1985.
    """
    pairs = comb(len(first), 2)
    together = _pairs(zip(first, second, strict=True))
    in_first, in_second = _pairs(first), _pairs(second)
    most = (in_first + in_second) / 2
    expected = in_first * in_second / pairs if pairs else most
    return 1.0 if most == expected else (together - expected) / (most - expected)


def _pairs(groups: Iterable[Hashable]) -> int:
    """Return how many pairs of clips are in the same group."""
    return sum(comb(count, 2) for count in Counter(groups).values())
