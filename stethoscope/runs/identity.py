"""What identifies code and recordings, so that a run is continued only with the same ones."""

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import stethoscope
from stethoscope.kubeflow.folder import RECORD
from stethoscope.options import split_list


@functools.cache
def code_identity() -> str:
    """Return a digest of this package, of the versions of what it requires, and of Python's."""
    hasher = hashlib.sha256(platform.python_version().encode())
    package = Path(stethoscope.__file__).parent
    for path in sorted(package.rglob("*.py")):
        hasher.update(path.relative_to(package).as_posix().encode())
        hasher.update(path.read_bytes())
    hasher.update(json.dumps(list(_versions())).encode())
    return hasher.hexdigest()


def _versions() -> Iterator[str]:
    try:
        required = importlib.metadata.requires("stethoscope") or []
    except importlib.metadata.PackageNotFoundError:
        required = []
    for name in sorted({re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in required}):
        try:
            yield f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            continue


def files_identity(values: Any) -> str:
    """Return a digest of the local files and folders that values name, by their dates and sizes.

    Parameters
    ----------
    values : Any
        A text that may hold absolute paths separated by commas, or a list or mapping of values.
    """
    lines = sorted(line for text in _texts(values) for line in _described(text))
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _described(text: str) -> Iterator[list[Any]]:
    """Yield path, size and date of each file that a text names, or that is in a folder it names."""
    for part in map(Path, {text, *split_list(text)}):
        if not part.is_absolute() or not part.exists():
            continue
        if part.is_file():
            yield _state(part)
        for place, inner, names in os.walk(part):
            # Results of runs may lie beside the recordings, and they change.
            inner[:] = [name for name in inner if not (Path(place) / name / RECORD).exists()]
            yield from (_state(Path(place) / name) for name in names)


def _state(path: Path) -> list[Any]:
    found = path.lstat()
    return [str(path), found.st_size, found.st_mtime_ns]
