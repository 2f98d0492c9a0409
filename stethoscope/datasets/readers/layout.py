"""What a reader declares of its layout."""

from collections.abc import Callable
from dataclasses import dataclass

from stethoscope.datasets.archives import Archive
from stethoscope.datasets.clips import Clip


@dataclass(frozen=True, slots=True)
class Layout:
    """How the recordings of one kind of data set are named.

    Attributes
    ----------
    name : str
    example : str
        Name of a recording in this layout.
    read : callable
        Returns the clips of an open archive, without recordings that do not fit the layout.
    divide : callable
        Divides all clips of a data set, over its archives, into training and test.
    fallback : bool
        Whether ``auto`` tries it only where no other layout fits, because every set fits it.
    """

    name: str
    example: str
    read: Callable[[Archive], list[Clip]]
    divide: Callable[[list[Clip]], list[Clip]] = list
    fallback: bool = False
