"""Write files and folders so that an incomplete one never has the final name."""

import csv
import ctypes
import difflib
import errno
import hashlib
import io
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, TextIO, TypeVar

from stethoscope.errors import DatasetError, ModelError

T = TypeVar("T")

_BLOCK = 1 << 20
_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h

TEMPORARY = ".tmp"
"""End of the names of files and folders that are being written; their names begin with a dot."""


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary file beside `path` that replaces it if the block ends without an error.

    After that the file outlasts a power failure.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        with _named(path):
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield an empty folder beside `path` that replaces it if the block ends without an error.

    After that the folder and its files outlast a power failure.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _empty_folder(path)
    try:
        with _named(path):
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            sync_folder(temporary)
            _replace_folder(temporary, path)
            sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in errors of writing: the system names none where a disk becomes full."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _OF_WRITING:
            error.filename = str(path)
        raise


def _empty_folder(path: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent))


def _replace_folder(new: Path, path: Path) -> None:
    """Put a folder in the place of another, which is deleted afterwards."""
    if not path.exists():
        new.replace(path)
    elif _exchange(new, path):
        shutil.rmtree(new)
    else:
        old = _empty_folder(path)
        path.replace(old)
        try:
            new.replace(path)
        except BaseException:
            old.replace(path)
            raise
        shutil.rmtree(old)


def _exchange(first: Path, second: Path) -> bool:
    """Let two paths change places at once, or return False where the system cannot do that."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    done: int = rename(
        _AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE
    )
    return done == 0


def sync(path: Path) -> None:
    """Wait until a file, or the list of names of a folder, is on the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot do this for folders
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Wait until a folder is on the disk with everything in it."""
    for place, _, names in os.walk(folder):
        for name in names:
            if not (Path(place) / name).is_symlink():
                sync(Path(place) / name)
        sync(Path(place))


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8; the file is either complete or unchanged."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented JSON; the file is either complete or unchanged.

    NaN and infinity are refused, because they are not JSON.
    """
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: str | os.PathLike[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table as CSV; the file is either complete or unchanged.

    It is in UTF-8, and its lines end with a line feed.

    Parameters
    ----------
    path : path
    rows : iterable of iterable
        The header first. None gives an empty cell.
    """
    with atomic_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        _write_rows(file, rows)


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return the text that :func:`write_csv` would write."""
    file = io.StringIO()
    _write_rows(file, rows)
    return file.getvalue()


def _write_rows(file: TextIO, rows: Iterable[Iterable[object]]) -> None:
    csv.writer(file, lineterminator="\n").writerows(rows)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading that must be a regular one.

    A named pipe would be waited for, and a device could have no end.

    Raises
    ------
    ValueError
        If the file is not regular.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError(f"{os.fspath(path)} is not a regular file")
    return os.fdopen(handle, "rb")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    ModelError
        If the file is missing or holds no JSON object; NaN and infinity are no JSON.
    """
    try:
        with open_regular(path) as file:
            return parse_json(file.read())
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise ModelError(f"{path}: is missing or damaged; make or copy it again") from error


def parse_json(content: bytes) -> dict[str, Any]:
    """Return the JSON object that `content` holds.

    Raises
    ------
    ValueError
        If it holds none; NaN and infinity are no JSON.
    """
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def read_csv(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table that :func:`write_csv` wrote, each cell by its column's name."""
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def parse_csv(
    path: Path, columns: Sequence[str], parse: Callable[[dict[str, str]], T], *, contents: str
) -> Iterator[T]:
    """Yield what `parse` makes of each row of a table that a user may have written.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        Those that must be there.
    parse : callable
        Takes a row, each cell by its column's name. Its ValueError says what is wrong.
    contents : str
        What the table lists, for messages, such as ``clips``.

    Raises
    ------
    DatasetError
        If the file is no such table, or a row cannot be parsed; the message names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if missing := [one for one in columns if one not in (reader.fieldnames or ())]:
                raise DatasetError(
                    f"{path}: column {', '.join(missing)} is missing; "
                    f"this is not a table of {contents}"
                )
            for row in reader:
                try:
                    yield parse(row)
                except (ValueError, TypeError) as error:
                    raise DatasetError(
                        f"{path}, line {reader.line_num}: {error}; correct the row"
                    ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: cannot be read as a table of {contents} ({error})") from error


def digest(path: str | os.PathLike[str], algorithm: str = "sha256") -> str:
    """Return the hexadecimal digest of a file, read in blocks."""
    hasher = hashlib.new(algorithm)
    with open_regular(path) as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def code_digest() -> str:
    """Return a digest of the Python files of this package."""
    package = Path(__file__).parent
    hasher = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        hasher.update(f"{path.relative_to(package).as_posix()}\n".encode())
        hasher.update(path.read_bytes())
    return hasher.hexdigest()


def packaged_file(name: str) -> Path:
    """Return the path of a file that is part of the package, such as ``catalogue.json``.

    In an installed wheel it is inside the package, in a checkout in ``data/`` or at the root.

    Raises
    ------
    FileNotFoundError
        If the installation is incomplete.
    """
    package = Path(__file__).parent
    places = (package / "_packaged", package.parent / "data", package.parent)
    for place in places:
        if (place / name).is_file():
            return place / name
    raise FileNotFoundError(f"{name} is missing from the installation; install stethoscope again")


def cache_folder() -> Path:
    """Return the folder of downloads.

    It is the environment variable STETHOSCOPE_CACHE, else ``~/.cache/stethoscope``.
    """
    return Path(
        os.environ.get("STETHOSCOPE_CACHE") or Path.home() / ".cache" / "stethoscope"
    ).absolute()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def advice_on_path(path: str | os.PathLike[str]) -> str:
    """Return what a user can do who gave a path that does not exist; "" if nothing is known."""
    path = Path(path)
    try:
        path.absolute()
    except FileNotFoundError:
        return "the current folder was deleted; change to another"
    try:
        there = [one.name for one in path.parent.iterdir()]
    except OSError:
        return ""
    if path.name in there:
        return ""
    near = difflib.get_close_matches(path.name, there, n=2, cutoff=0.6)
    return f"did you mean {' or '.join(str(path.parent / name) for name in near)}?" if near else ""
