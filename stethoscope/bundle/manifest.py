"""``bundle.json``: what a bundle holds, with the SHA-256 of each of its files."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from stethoscope.errors import ModelError
from stethoscope.files import digest, read_json, write_json

SCHEMA_VERSION = 2
READABLE_VERSIONS = (1, 2)
"""Schema 2 answers ``reported_at`` where schema 1 answered ``told``; the files are the same."""

_NAME = "bundle.json"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a bundle and check its files against the hashes in it.

    Raises
    ------
    ModelError
        If the manifest is missing, damaged or of another schema version, or a file that it names
        is missing, altered or outside the folder.
    """
    manifest = read_json(folder / _NAME)
    version = manifest.get("schema_version")
    if version not in READABLE_VERSIONS:
        raise ModelError(
            f"{folder}: has bundle schema {version!r}, this version reads "
            f"{' and '.join(map(str, READABLE_VERSIONS))}; "
            "install the version that wrote it or export the model again"
        )
    _check_files(folder, manifest.get("files", {}))
    return manifest


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest of a bundle, with the hashes of the files that are there now."""
    files = {
        path.relative_to(folder).as_posix(): digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != _NAME
    }
    write_json(folder / _NAME, {**manifest, "files": files})


def update_manifest(folder: Path, **changes: Any) -> None:
    """Change entries of a bundle's manifest, and renew the hashes of all files.

    Call it after files of a bundle were changed or added on purpose.

    Parameters
    ----------
    folder : Path
    **changes
        JSON values, by their names in the manifest.
    """
    write_manifest(folder, {**read_json(folder / _NAME), **changes})


def _check_files(folder: Path, files: Mapping[str, str]) -> None:
    if not files:
        raise ModelError(f"{folder / _NAME}: names no files; export the model again")
    for name, sha256 in files.items():
        path, parts = folder / name, PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts or not path.is_file():
            raise ModelError(f"{path}: is missing from the bundle; copy the whole folder again")
        if digest(path) != sha256:
            raise ModelError(
                f"{path}: was altered after the export; "
                "copy the bundle again or export the model again"
            )
