"""Sizes of structs in C headers, laid out by cffi as a compiler lays them out."""

import re
from collections.abc import Iterable

from cffi import FFI

from stethoscope.edge.c.text import Constant

_BETWEEN = re.compile(
    r"/\*.*?\*/|^#ifdef __cplusplus$.*?^#endif$|^#.*?$|^static inline .*?^}$",
    re.DOTALL | re.MULTILINE,
)
"""What stands between the declarations: comments, lines for the preprocessor, and functions."""


def struct_size(
    name: str,
    headers: Iterable[str],
    constants: Iterable[Constant],
) -> int:
    """Return the size of a struct in bytes, on a computer like this one.

    Pointers take 8 bytes here and 4 on a microcontroller: the size there is at most this one.

    Parameters
    ----------
    name : str
        Of the type.
    headers : iterable of str
        Sources of headers that declare it and the types in it, in the order of their inclusion.
    constants : iterable of Constant
        Of ``model.h``; those that are whole numbers can be lengths of arrays.
    """
    lengths = "".join(
        f"#define {constant.name} {constant.value}\n"
        for constant in constants
        if constant.value.isdecimal()
    )
    ffi = FFI()
    ffi.cdef(lengths + "".join(_BETWEEN.sub("", header) for header in headers))
    return int(ffi.sizeof(name))
