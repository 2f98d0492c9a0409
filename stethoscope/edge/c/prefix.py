"""One prefix for all names of exported C, so that a program can hold several models."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from stethoscope.errors import ParameterError

_LIBRARY = "stethoscope_model"
"""In the build files."""

_EXAMPLES = "example"
"""What the names of the folders begin with whose names stay: programs that use the model."""

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DEFINITIONS = (
    r"^#define (\w+)",
    r"^extern const [^;]*?(\w+)(?:\[|;)",
    r"\} (\w+_t);",
    r"^typedef \w+ (\w+);",
    r"^typedef [^;]*?\(\*(\w+)\)\(",
    r"^(?!typedef |extern |static (?!inline ))\w[\w *]*?\b(\w+)\(",
)
_ENUM = re.compile(r"\benum \{(.*?)\}", re.DOTALL)
_TAG = re.compile(r"\bstruct (\w+)")


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that cannot begin a name in C.

    Raises
    ------
    ParameterError
        If it is no word of small letters, digits and underscores that begins with a letter.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", prefix):
        raise ParameterError(
            f"--prefix is {prefix!r}; give small letters, digits and underscores, and a letter "
            f"first, such as fan02"
        )


def prefixed(files: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Put a prefix before every name that the headers of a model define.

    These are functions, types, arrays, constants and include guards; the files of the model are
    renamed too. ``detector_init`` of ``detector.h`` becomes ``fan_detector_init`` of
    ``fan_detector.h``, and ``THRESHOLD`` becomes ``FAN_THRESHOLD``.

    Parameters
    ----------
    files : mapping of str to str
        Text by name, relative to the exported folder.
    prefix : str
        Small letters, digits and underscores.

    Returns
    -------
    dict of str to str
        With names that have the prefix.
    """
    new = {name: f"{_like(name, prefix)}_{name}" for name in _defined(files)}
    new[_LIBRARY] = f"{prefix}_model"
    for setting in (_LIBRARY.upper(), f"CONFIG_{_LIBRARY.upper()}"):
        new[setting] = setting.replace("STETHOSCOPE", prefix.upper())
    sources = [PurePosixPath(name) for name in _model_files(files)]
    new |= {path.name: f"{prefix}_{path.name}" for path in sources}
    words = "|".join(sorted((re.escape(name) for name in new), key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w.])(?:{words})(?!\w)")
    renamed = {}
    for name, text in files.items():
        text = pattern.sub(lambda found: new[found[0]], text)
        path = PurePosixPath(name)
        path = path.with_name(new[path.name]) if path in sources else path
        renamed[str(path)] = _TAG.sub(rf"struct {prefix}_\1", text)
    return renamed


def _model_files(files: Mapping[str, str]) -> list[str]:
    """Return the names of the sources that a program compiles: those beside ``detector.h``."""
    (folder,) = {path.parent for path in map(PurePosixPath, files) if path.name == "detector.h"}
    return [
        name
        for name in files
        if PurePosixPath(name).parent == folder and name.endswith((".c", ".h", ".cc"))
    ]


def _defined(files: Mapping[str, str]) -> set[str]:
    """Return the names that the headers define, without those of the examples."""
    headers = (
        _COMMENT.sub("", text)
        for name, text in files.items()
        if name.endswith(".h") and not name.startswith(_EXAMPLES)
    )
    return {name for header in headers for name in _definitions(header)}


def _definitions(header: str) -> Iterator[str]:
    for pattern in _DEFINITIONS:
        yield from re.findall(pattern, header, re.MULTILINE)
    for body in _ENUM.findall(header):
        yield from (re.match(r"\w+", item.strip())[0] for item in body.split(",") if item.strip())  # type: ignore[index]


def _like(name: str, prefix: str) -> str:
    """Return the prefix in capitals for a name in capitals."""
    return prefix.upper() if name.isupper() else prefix
