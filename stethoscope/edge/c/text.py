"""Numbers, constants and arrays as C source, always the same text for the same numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_C_TYPES = {
    np.dtype(np.float64): "double",
    np.dtype(np.float32): "float",
    np.dtype(np.int32): "int32_t",
    np.dtype(np.uint32): "uint32_t",
    np.dtype(np.int16): "int16_t",
    np.dtype(np.uint16): "uint16_t",
    np.dtype(np.int8): "int8_t",
    np.dtype(np.uint8): "uint8_t",
}


class Constant(NamedTuple):
    """A constant of the preprocessor; `value` is C source."""

    name: str
    value: str
    comment: str = ""

    def definition(self) -> str:
        """Return the line that defines it."""
        comment = f" /* {self.comment} */" if self.comment else ""
        return f"#define {self.name} {self.value}{comment}\n"


@dataclass(frozen=True)
class Array:
    """A constant array.

    Attributes
    ----------
    name : str
    values : np.ndarray
        Their dtype is the type in C; they are written in C order.
    comment : str
        For the declaration; empty for none.
    """

    name: str
    values: npt.NDArray[Any]
    comment: str = ""

    def declaration(self) -> str:
        """Return the line that declares it in a header."""
        comment = f" /* {self.comment} */" if self.comment else ""
        return f"extern {self._signature()};{comment}\n"

    def definition(self, storage: str = "") -> str:
        """Return the lines that define it; `storage` is ``static`` or empty."""
        return f"{storage} {self._signature()} = {{\n{numbers(self.values)}}};\n".lstrip()

    def _signature(self) -> str:
        return f"const {c_type(self.values.dtype)} {self.name}[{self.values.size}]"


def c_type(dtype: np.dtype[Any]) -> str:
    """Return the type in C of the elements of an array."""
    return _C_TYPES[dtype]


def numbers(values: npt.NDArray[Any]) -> str:
    """Return numbers for the braces of an array."""
    flat = values.reshape(-1)
    if flat.dtype == np.float32:
        return _lines([single(value) for value in flat], 8)
    if flat.dtype == np.float64:
        return _lines([repr(float(value)) for value in flat], 4)
    return _lines([str(int(value)) for value in flat], 16)


def octets(content: bytes) -> str:
    """Return bytes for the braces of an array."""
    return _lines([f"0x{byte:02x}" for byte in content], 16)


def single(value: float | np.float32) -> str:
    """Return a number in single precision; reading it back gives the same bits."""
    text = np.format_float_scientific(np.float32(value), unique=True, trim="0")
    return f"{text}f"


def quoted(value: str) -> str:
    """Return a string literal; line breaks become spaces."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def definitions(items: Iterable[Constant | Array]) -> str:
    """Return the definitions of constants or arrays; arrays are separated by empty lines."""
    return "".join(item.definition() + ("\n" if isinstance(item, Array) else "") for item in items)


def declarations(arrays: Iterable[Array]) -> str:
    """Return the declarations of arrays."""
    return "".join(array.declaration() for array in arrays)


def _lines(items: list[str], per_line: int) -> str:
    return "".join(
        f"    {', '.join(items[start : start + per_line])},\n"
        for start in range(0, len(items), per_line)
    )
