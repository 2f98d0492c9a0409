import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stethoscope.errors import ModelError
from stethoscope.model.arrays import floats, indices, read_array, read_arrays, texts

DECLARED = {
    "means": floats("machines", "values"),
    "precision": floats("values", "values"),
    "owners": indices("clips", below=2),
    "names": texts("machines"),
    "weights": floats("views", least=0, optional=True),
}
GOOD: dict[str, Any] = {
    "means": np.ones((2, 3)),
    "precision": np.asfortranarray(np.arange(9.0).reshape(3, 3)),
    "owners": np.array([0, 1, 1, 0]),
    "names": np.array(["fan/00", "fan/02"]),
}


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_arrays_are_those_that_numpy_reads(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", **GOOD, other=np.zeros(3))
    found = read_arrays(path, DECLARED, machines=2)
    assert found.keys() == GOOD.keys()
    with np.load(path) as expected:
        for name, values in found.items():
            np.testing.assert_array_equal(values, expected[name])
    np.save(tmp_path / "a.npy", GOOD["precision"])
    np.testing.assert_array_equal(
        read_array(tmp_path / "a.npy", floats("n", "n")), GOOD["precision"]
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"means": np.ones(2)}, r"means has the shape \(2,\); it must be \(2, values\)"),
        ({"means": np.ones((3, 3))}, r"means has the shape \(3, 3\); it must be \(2, values\)"),
        ({"precision": np.ones((3, 4))}, r"precision has the shape \(3, 4\); it must be \(3, 3\)"),
        ({"means": np.ones((2, 3), dtype=int)}, "means holds values of type int64"),
        ({"means": np.full((2, 3), np.nan)}, "means holds a value that is not a finite number"),
        ({"owners": np.array([0, 2])}, "owners holds 2; it must be at least 0 and below 2"),
        ({"names": np.array([1, 2])}, "names holds values of type int64"),
        ({"weights": np.array([-1.0])}, "weights holds -1; it must be at least 0"),
    ],
)
def test_array_that_is_not_as_declared_is_named(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = save(tmp_path / "a.npz", **{**GOOD, **changes})
    with pytest.raises(ModelError, match=rf"a\.npz: {message}; export the model again"):
        read_arrays(path, DECLARED, machines=2)


def test_missing_array_and_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"a\.npz: means is missing"):
        read_arrays(save(tmp_path / "a.npz", x=np.ones(1)), DECLARED)
    with pytest.raises(ModelError, match=r"b\.npz: is missing or damaged"):
        read_arrays(tmp_path / "b.npz", DECLARED)


def header(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        header((10**12,)),
        header((-1,)),
        header((3,), "|O"),
        header((3,)) + bytes(23),
        header((3,)) + bytes(25),
        b"\x93NUMPY\x09\x00",
        b"",
    ],
)
def test_header_that_does_not_fit_the_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ModelError, match=r"a\.npy: is missing or damaged"):
        read_array(tmp_path / "a.npy", floats("n"))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("means.npy", content)
    with pytest.raises(ModelError, match=r"a\.npz: is missing or damaged"):
        read_arrays(tmp_path / "a.npz", {"means": floats("n")})
