"""``bundle.json``: what a bundle holds, with the SHA-256 of each of its files and its own."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from stethoscope.bundle.seal import Seal, Sign, seal, unseal
from stethoscope.checks import Check, anything, check, entries, fields, items, text
from stethoscope.errors import ModelError
from stethoscope.files import atomic_file, digest, open_regular
from stethoscope.progress import warn

SCHEMA_VERSION = 3
READABLE_VERSIONS = (1, 2, 3)
"""Schema 3 has a digest of ``bundle.json`` itself. Schema 2 answers ``reported_at`` where schema 1
answered ``told``. The other files are the same."""

NAME = "bundle.json"

_LARGEST = 64 << 20
_CHECKED_FOLDERS = ("models", "golden")
"""Folders of a bundle that hold no file but those that the manifest names."""


def _hexadecimal(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        yield f"{name} has no SHA-256 of 64 digits"


_ENTRIES: Check = fields(
    {
        "name": text(longest=500),
        "roles": items(text(), least=1, distinct=True),
        "machines": items(text()),
        "labels": items(text()),
        "thresholds": anything,  # checked by Thresholds.from_json
        "metrics": entries(anything),
        "settings": entries(anything),
        "versions": entries(text()),
        "files": entries(_hexadecimal, least=1),
    },
    {"messages": entries(text()), "fault_labels": items(text(), least=2, distinct=True)},
)
"""Entries that a later version added are checked where they are used."""


def read_manifest(folder: Path) -> Seal:
    """Read the manifest of a bundle, and check it and the bundle's files against their digests.

    Raises
    ------
    ModelError
        If the manifest is missing, damaged, altered or of another schema version, or a file that
        it names is missing, altered or outside the folder, or there is one that it does not name.
    """
    sealed = _read(folder)
    _check_files(folder, sealed)
    return sealed


def write_manifest(folder: Path, manifest: Mapping[str, Any], sign: Sign | None = None) -> None:
    """Write the manifest of a bundle, with the digests of the files that are there now.

    Parameters
    ----------
    folder : Path
    manifest : mapping of str to Any
    sign : callable, optional
        Signs the manifest.
    """
    files = {name: digest(folder / name) for name in _files(folder)}
    _write(folder, {"schema_version": SCHEMA_VERSION, **manifest, "files": files}, sign)


def update_manifest(
    folder: Path,
    *,
    changed: Collection[str] = (),
    removed: Collection[str] = (),
    sign: Sign | None = None,
    **changes: Any,
) -> None:
    """Change entries of a bundle's manifest, and renew the digests of files that were changed.

    It is written in one step and last: an edit of a file in ``models/`` that is interrupted before
    leaves a bundle that is refused. A signature that the bundle had is removed, with a warning,
    if it is not renewed.

    Parameters
    ----------
    folder : Path
    changed : collection of str
        Files and folders, relative to `folder`, that were changed or added on purpose. All others
        must be as they were.
    removed : collection of str
        Files and folders that are no longer part of the bundle; they may still be there.
    sign : callable, optional
        Signs the manifest.
    **changes
        JSON values, by their names in the manifest.

    Raises
    ------
    ModelError
        If the manifest or a file that is not among the changed ones was altered.
    """
    sealed = _read(folder)
    _check_files(folder, sealed, [*changed, *removed])
    if sealed.signature and sign is None:
        warn(
            f"{folder}: the change removed the signature; "
            f"sign the bundle again by `stethoscope verify {folder} --sign KEY`"
        )
    kept = {
        name: known
        for name, known in sealed.entries["files"].items()
        if not _is_among(name, [*changed, *removed])
    }
    renewed = {name: digest(folder / name) for name in _files(folder) if _is_among(name, changed)}
    files = dict(sorted({**kept, **renewed}.items()))
    version = {"schema_version": SCHEMA_VERSION}
    _write(folder, {**sealed.entries, **changes, **version, "files": files}, sign)


def _read(folder: Path) -> Seal:
    """Read the manifest and check its digest and its entries."""
    path = folder / NAME
    try:
        with open_regular(path) as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ModelError(f"{path}: is larger than {_LARGEST:,} bytes; export the model again")
        sealed = unseal(content)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(
            f"{path}: is missing, damaged or was altered ({reason}); "
            "copy the bundle again or export the model again"
        ) from error
    version = sealed.entries.get("schema_version")
    if version not in READABLE_VERSIONS:
        raise ModelError(
            f"{folder}: has bundle schema {version!r}, this version reads "
            f"{', '.join(map(str, READABLE_VERSIONS))}; "
            "install the version that wrote it or export the model again"
        )
    if version == SCHEMA_VERSION and not sealed.digest:
        raise ModelError(
            f"{path}: has no digest and was altered; "
            "copy the bundle again or export the model again"
        )
    check(path, sealed.entries, _ENTRIES)
    return sealed


def _write(folder: Path, manifest: Mapping[str, Any], sign: Sign | None) -> None:
    content = seal(manifest, sign)
    with atomic_file(folder / NAME) as temporary:
        temporary.write_bytes(content)


def _files(folder: Path) -> list[str]:
    """Return the files of a bundle, relative to it; without the manifest and hidden files."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    hidden = [any(part.startswith(".") for part in PurePosixPath(name).parts) for name in names]
    return [name for name, skip in zip(names, hidden, strict=True) if name != NAME and not skip]


def _is_among(name: str, places: Collection[str]) -> bool:
    """Return whether a file is one of `places`, or lies in one of these folders."""
    return any(name == place or name.startswith(f"{place}/") for place in places)


def _check_files(folder: Path, sealed: Seal, changed: Collection[str] = ()) -> None:
    known: dict[str, str] = sealed.entries["files"]
    for name, expected in known.items():
        if not _is_among(name, changed):
            _check_file(folder, name, expected)
    if not sealed.digest:  # earlier versions did not refuse files that were added
        return
    for name in _files(folder):
        expected_here = _is_among(name, _CHECKED_FOLDERS) and not _is_among(name, changed)
        if expected_here and name not in known:
            raise ModelError(
                f"{folder / name}: is not part of the bundle; remove it, or export the model again"
            )


def _check_file(folder: Path, name: str, expected: str) -> None:
    path, parts = folder / name, PurePosixPath(name)
    try:
        inside = not parts.is_absolute() and ".." not in parts.parts
        found = digest(path) if inside else ""
    except PermissionError:
        raise
    except (OSError, ValueError):  # missing, no regular file, or a name that no file can have
        found = ""
    if not found:
        raise ModelError(f"{path}: is missing from the bundle; copy the whole folder again")
    if found != expected:
        raise ModelError(
            f"{path}: was altered after the export; copy the bundle again or export the model again"
        )
