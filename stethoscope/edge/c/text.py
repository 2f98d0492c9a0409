"""Numbers as C source, always the same text for the same numbers."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


def integers(values: Iterable[int], *, per_line: int = 16) -> str:
    """Return whole numbers for the braces of an array."""
    return _lines([str(int(value)) for value in values], per_line)


def floats(values: npt.ArrayLike, *, per_line: int = 8) -> str:
    """Return numbers in single precision for the braces of an array."""
    return _lines(
        [single(value) for value in np.asarray(values, dtype=np.float32).reshape(-1)], per_line
    )


def doubles(values: npt.ArrayLike) -> str:
    """Return numbers in double precision for the braces of an array."""
    return _lines([repr(float(value)) for value in np.asarray(values).reshape(-1)], 4)


def single(value: float | np.float32) -> str:
    """Return a number in single precision; reading it back gives the same bits."""
    text = np.format_float_scientific(np.float32(value), unique=True, trim="0")
    return f"{text}f"


def octets(content: bytes) -> str:
    """Return bytes for the braces of an array."""
    return _lines([f"0x{byte:02x}" for byte in content], 16)


def _lines(items: list[str], per_line: int) -> str:
    return "".join(
        f"    {', '.join(items[start : start + per_line])},\n"
        for start in range(0, len(items), per_line)
    )
