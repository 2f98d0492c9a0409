"""Reading the arrays of a model, each checked against a declaration of its shape and its values.

A file of arrays is read by :func:`read_arrays` with a declaration per array::

    read_arrays(path, {"means": floats("machines", "values"),
                       "precision": floats("values", "values")}, machines=2)

The names of dimensions stand for sizes: the same name has the same size wherever it is used, and a
size that is known from elsewhere is given.
"""

import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from stethoscope.checks import EXPORT_AGAIN
from stethoscope.errors import ModelError
from stethoscope.files import open_regular
from stethoscope.options import Range

MOST_BYTES = 1 << 30
"""Bytes that all arrays of a file may have together."""


@dataclass(frozen=True)
class Declared:
    """What an array must be.

    Attributes
    ----------
    shape : tuple of str or int
        Sizes of the dimensions, by name or as numbers.
    kinds : str
        Kinds of number, as ``numpy.dtype.kind``.
    bounds : Range
        Of every value; values must be finite whatever the bounds.
    optional : bool
        Whether the array may be absent.
    """

    shape: tuple[str | int, ...]
    kinds: str
    bounds: Range = field(default_factory=Range)
    optional: bool = False

    def problem(self, values: npt.NDArray[Any], sizes: dict[str, int]) -> str:
        """Return what is wrong with an array, empty if nothing is; add new sizes to `sizes`."""
        wanted = tuple(sizes.get(one, one) if isinstance(one, str) else one for one in self.shape)
        if values.ndim != len(wanted) or any(
            isinstance(size, int) and size != found
            for size, found in zip(wanted, values.shape, strict=True)
        ):
            return f"has the shape {values.shape}; it must be ({', '.join(map(str, wanted))})"
        for name, found in zip(self.shape, values.shape, strict=True):
            if isinstance(name, str) and sizes.setdefault(name, found) != found:
                return f"has the shape {values.shape}; all of {name} must be equal"
        if values.dtype.kind not in self.kinds:
            return f"holds values of type {values.dtype}"
        return self._problem_of_values(values)

    def _problem_of_values(self, values: npt.NDArray[Any]) -> str:
        if self.kinds == _TEXT:
            return "" if _is_text(values) else "holds characters that do not exist"
        if not np.isfinite(values).all():
            return "holds a value that is not a finite number"
        extremes = (values.min(), values.max()) if values.size else ()
        wrong = [one for one in extremes if not self.bounds.admits(float(one))]
        return f"holds {wrong[0]:g}; {self.bounds}" if wrong else ""


_TEXT = "U"


def _is_text(values: npt.NDArray[Any]) -> bool:
    try:
        "".join(values.ravel().tolist()).encode()
    except ValueError:
        return False
    return True


def floats(
    *shape: str | int,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    optional: bool = False,
) -> Declared:
    """Return the declaration of finite numbers, within bounds as those of :class:`Range`."""
    return Declared(shape, "f", Range(least=least, most=most, above=above), optional)


def indices(*shape: str | int, below: int, optional: bool = False) -> Declared:
    """Return the declaration of whole numbers from 0 on, below a number."""
    return Declared(shape, "iu", Range(least=0, below=below), optional)


def texts(*shape: str | int, optional: bool = False) -> Declared:
    """Return the declaration of texts."""
    return Declared(shape, _TEXT, Range(), optional)


def read_arrays(
    path: Path, declared: Mapping[str, Declared], **sizes: int
) -> dict[str, npt.NDArray[Any]]:
    """Read arrays from an ``.npz`` file and check them; others in the file are not read.

    Parameters
    ----------
    path : Path
    declared : mapping of str to Declared
    **sizes
        Known sizes, by the names of dimensions.

    Returns
    -------
    dict of str to np.ndarray
        Without optional arrays that the file does not have.

    Raises
    ------
    ModelError
        If the file or an array is missing, damaged or not as declared.
    """
    found: dict[str, npt.NDArray[Any]] = {}
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            names = {one.filename: one for one in archive.infolist()}
            wanted = [names[f"{name}.npy"] for name in declared if f"{name}.npy" in names]
            if sum(one.file_size for one in wanted) > MOST_BYTES:
                raise ModelError(f"{path}: holds more than {MOST_BYTES:,} bytes; {EXPORT_AGAIN}")
            for name in declared:
                if member := names.get(f"{name}.npy"):
                    with archive.open(member) as content:
                        found[name] = _read(content, member.file_size)
    except (ModelError, PermissionError):
        raise
    except Exception as error:  # whatever zipfile and NumPy raise for damaged bytes
        raise _damaged(path) from error
    _check(path, found, declared, sizes)
    return found


def read_array(path: Path, declared: Declared, **sizes: int) -> npt.NDArray[Any]:
    """Read the array of an ``.npy`` file and check it; the errors are those of `read_arrays`."""
    try:
        with open_regular(path) as file:
            values = _read(file, path.stat().st_size)
    except PermissionError:
        raise
    except Exception as error:  # whatever NumPy raises for damaged bytes
        raise _damaged(path) from error
    _check(path, {"it": values}, {"it": declared}, sizes)
    return values


def _read(file: BinaryIO | Any, n_bytes: int) -> npt.NDArray[Any]:
    """Read an array of a file of `n_bytes` bytes.

    The header is read first: what it declares must be what the file holds, so that a wrong header
    does not take memory.
    """
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version}")
    reader = np.lib.format.read_array_header_1_0
    if version == (2, 0):
        reader = np.lib.format.read_array_header_2_0
    shape, fortran, dtype = reader(file)
    size = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or min(shape, default=0) < 0 or not 0 <= size <= min(n_bytes, MOST_BYTES):
        raise ValueError(f"{shape} of {dtype}")
    content = file.read(size + 1)
    if len(content) != size:
        raise ValueError(f"{len(content)} bytes instead of {size}")
    return np.ndarray(shape, dtype, bytearray(content), order="F" if fortran else "C")


def _check(
    path: Path,
    found: Mapping[str, npt.NDArray[Any]],
    declared: Mapping[str, Declared],
    sizes: dict[str, int],
) -> None:
    for name, one in declared.items():
        if name in found:
            if problem := one.problem(found[name], sizes):
                raise ModelError(f"{path}: {name} {problem}; {EXPORT_AGAIN}")
        elif not one.optional:
            raise ModelError(f"{path}: {name} is missing; {EXPORT_AGAIN}")


def _damaged(path: Path) -> ModelError:
    return ModelError(f"{path}: is missing or damaged; {EXPORT_AGAIN}")
