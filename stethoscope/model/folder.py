"""What the folders of all models have in common: ``model.json`` with its schema and versions."""

import importlib.metadata
from collections.abc import Collection
from pathlib import Path
from typing import Any

from stethoscope.errors import ModelError
from stethoscope.files import read_json, write_json

SCHEMA_VERSION = 1

_PACKAGES = (
    "stethoscope",
    "numpy",
    "soundfile",
    "soxr",
    "keras",
    "tensorflow-cpu",
    "tensorflow",
    "scikit-learn",
    "ai-edge-litert",
)


def write_description(folder: Path, kind: str, description: dict[str, Any]) -> None:
    """Write ``model.json``: the schema version, `kind`, the versions of packages, `description`."""
    common = {"schema_version": SCHEMA_VERSION, "kind": kind, "versions": package_versions()}
    write_json(folder / "model.json", {**common, **description})


def read_description(folder: Path, kinds: Collection[str]) -> dict[str, Any]:
    """Read ``model.json``.

    Parameters
    ----------
    folder : Path
    kinds : collection of str
        The kinds of model that the caller can use.

    Raises
    ------
    ModelError
        If the file is missing or damaged, or the model is of another kind or schema.
    """
    model = read_json(folder / "model.json")
    schema, kind = model.get("schema_version"), model.get("kind")
    if schema != SCHEMA_VERSION or not isinstance(kind, str) or kind not in kinds:
        raise ModelError(
            f"{folder}: holds a model of kind {kind!r}, schema {schema!r}; "
            f"this version reads schema {SCHEMA_VERSION} of {', '.join(kinds)} here; "
            "train it again or install the version that wrote it"
        )
    return model


def package_versions() -> dict[str, str]:
    """Return the versions of the installed packages that a model depends on."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
