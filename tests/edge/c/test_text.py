"""Numbers and arrays as C source."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stethoscope.edge.c.text import Array, Constant, numbers, octets, quoted, single


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_single_precision_is_read_back_with_the_same_bits(value: float) -> None:
    text = single(value)
    assert re.fullmatch(r"-?\d\.\d+e[+-]\d+f", text)
    assert np.float32(text.removesuffix("f")).tobytes() == np.float32(value).tobytes()


@pytest.mark.parametrize(
    ("dtype", "c_type"),
    [("f8", "double"), ("f4", "float"), ("i4", "int32_t"), ("u2", "uint16_t"), ("i1", "int8_t")],
)
def test_type_of_an_array_follows_its_dtype(dtype: str, c_type: str) -> None:
    array = Array("A", np.arange(6, dtype=dtype).reshape(2, 3), "six")
    assert array.declaration() == f"extern const {c_type} A[6]; /* six */\n"
    assert array.definition("static").startswith(f"static const {c_type} A[6] = {{\n")


def test_lines_hold_as_many_numbers_as_fit() -> None:
    assert numbers(np.arange(17, dtype=np.int16)).count("\n") == 2
    assert numbers(np.zeros(9, dtype=np.float32)).count("\n") == 2
    assert octets(bytes([0, 255])) == "    0x00, 0xff,\n"


def test_constant_without_comment_is_one_definition() -> None:
    assert Constant("A", "1").definition() == "#define A 1\n"
    assert Constant("A", "1", "one").definition() == "#define A 1 /* one */\n"


def test_strings_are_escaped() -> None:
    assert quoted('a "b"\\c\nd') == '"a \\"b\\"\\\\c d"'
