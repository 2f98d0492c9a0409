"""The formats of networks in a bundle."""

from stethoscope.errors import ParameterError
from stethoscope.options import split_list

FORMATS = ("tflite", "keras", "h5")
"""``tflite`` is what runs and is always exported."""


def check_formats(text: str) -> set[str]:
    """Return the formats that `text` names, separated by commas.

    Raises
    ------
    ParameterError
        If there is no such format.
    """
    formats = set(split_list(text))
    if unknown := formats - set(FORMATS):
        raise ParameterError(
            f"export_formats holds {', '.join(sorted(unknown))}; choose from {', '.join(FORMATS)}"
        )
    return formats
