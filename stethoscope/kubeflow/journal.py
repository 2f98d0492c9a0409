"""Which steps of a local run are finished, so that a run that was stopped can be continued.

Each finished step leaves a note beside its outputs, ``step.json``. A step is identified by a key
made of its code, its parameters, and the keys of the steps that its inputs come from.
"""

import hashlib
import json
import threading
import uuid
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from stethoscope.errors import ModelError
from stethoscope.files import read_json, write_json
from stethoscope.kubeflow.folder import RECORD, delete

NOTE = "step.json"

_ARTIFACT = "artifact"
_BLOCK_BYTES = 1 << 20


class Display(Protocol):
    """What shows the steps of a run, and knows what a finished step has printed."""

    def last_step(self) -> dict[str, Any]:
        """Return name, seconds and warnings of the step that this thread has finished last."""

    def show_again(self, step: Mapping[str, Any]) -> None:
        """Show a step that an earlier attempt has finished, by what `last_step` returned then."""


class Journal:
    """The finished steps of a run, in the form of KFP's cache of the outputs of local steps.

    Parameters
    ----------
    work : Path
        Folder of the outputs of the steps.
    salt : str
        Part of every key: what the results depend on and no argument contains, such as the code of
        the package.
    display : Display

    Attributes
    ----------
    work : Path
    """

    def __init__(self, work: Path, salt: str, display: Display) -> None:
        self.work = work
        self._salt = salt
        self._display = display
        self._sources: dict[str, str] = {}  # by the address of an artifact, the key of its step
        self._folders = {_read(note)["key"]: note.parent for note in sorted(work.rglob(NOTE))}
        self._current = threading.local()  # steps run in parallel threads

    def begin(self, folder: Path) -> None:
        """Prepare the folder of a step that is executed now.

        What a stopped attempt left is deleted, except the folder of a run: a step of a sweep
        continues that run.
        """
        self._current.folder = folder
        (folder / NOTE).unlink(missing_ok=True)
        for left in folder.glob("*"):
            if not (left / RECORD).exists():
                delete(left)
        folder.mkdir(parents=True, exist_ok=True)

    def compute_key(
        self,
        component_name: str,
        image: str,  # noqa: ARG002  # a local step runs in no image
        full_command: Sequence[str],
        arguments: Mapping[str, Any],
        env_vars: Mapping[str, str] | None = None,
        custom_cache_key: str | None = None,  # noqa: ARG002  # it is for caches of several runs
    ) -> str:
        """Return the key of a step."""
        inputs = {name: self._identity(value) for name, value in arguments.items()}
        parts = [self._salt, component_name, list(full_command), inputs, dict(env_vars or {})]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _identity(self, value: Any) -> Any:
        """Return a JSON value that identifies an argument."""
        if isinstance(value, list):
            return [self._identity(one) for one in value]
        if isinstance(value, dict):
            return {name: self._identity(one) for name, one in value.items()}
        if _is_artifact(value):
            return [self._sources.get(value.uri, value.uri), value.name]
        return value

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the outputs of a finished step, None if it must be executed."""
        if key not in self._folders:
            return None
        folder = self._folders[key]
        note = _read(folder / NOTE)
        if note["key"] != key or not _unchanged(folder, note["files"]):
            return None
        outputs = {name: self._restored(value) for name, value in note["outputs"].items()}
        self._remember(key, outputs)
        self._display.show_again(note["step"])
        return outputs

    def put(self, key: str, outputs: Mapping[str, Any]) -> None:
        """Note that a step is finished, unless an output says that it failed.

        A step that takes the output of a failed one is executed again when that one is.
        """
        failed = any(_failed(value) for value in outputs.values())
        self._remember(f"{key} {uuid.uuid4()}" if failed else key, outputs)
        folder = getattr(self._current, "folder", None)
        if folder is None or failed:
            return
        note = {
            "key": key,
            "step": self._display.last_step(),
            "outputs": {name: self._stored(value) for name, value in outputs.items()},
            "files": _files(folder),
        }
        write_json(folder / NOTE, note)

    def _remember(self, key: str, outputs: Mapping[str, Any]) -> None:
        for value in outputs.values():
            for one in value if isinstance(value, list) else [value]:
                if _is_artifact(one):
                    self._sources[one.uri] = key

    def _stored(self, value: Any) -> Any:
        """Return an output as a JSON value; places are relative, so that a run may be moved."""
        if isinstance(value, list):
            return [self._stored(one) for one in value]
        if not _is_artifact(value):
            return value
        return {
            _ARTIFACT: {
                "name": value.name,
                "uri": Path(value.uri).relative_to(self.work).as_posix(),
                "metadata": value.metadata,
                "type": {"schemaTitle": value.schema_title, "schemaVersion": value.schema_version},
            }
        }

    def _restored(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._restored(one) for one in value]
        if not (isinstance(value, dict) and value.keys() == {_ARTIFACT}):
            return value
        from kfp.dsl.executor import create_artifact_instance

        described = value[_ARTIFACT]
        return create_artifact_instance({**described, "uri": str(self.work / described["uri"])})


def _is_artifact(value: Any) -> bool:
    return hasattr(value, "uri")


def _failed(value: Any) -> bool:
    """Return whether an output says that it is not what was asked for, as an item of a sweep."""
    return _is_artifact(value) and value.metadata.get("status") == "failed"


def _read(note: Path) -> dict[str, Any]:
    """Return the note of a finished step; without a readable one, of a step that has no key."""
    try:
        content = read_json(note)
    except ModelError:
        content = {}
    return {"key": "", "files": [], **content}


def _files(folder: Path) -> list[list[Any]]:
    """Return path, size and checksum of each file of a step.

    A file that has another name elsewhere gets no checksum: it is an archive that the run did not
    write, and whose size and date are part of the key of the step.
    """
    return [
        [path.relative_to(folder).as_posix(), path.stat().st_size, _checksum(path)]
        for path in _paths(folder)
    ]


def _unchanged(folder: Path, files: list[list[Any]]) -> bool:
    """Return whether the files of a step are as they were noted."""
    paths = _paths(folder)
    if [path.relative_to(folder).as_posix() for path in paths] != [name for name, *_ in files]:
        return False
    return all(
        path.stat().st_size == size and (checksum is None or _checksum(path) == checksum)
        for path, (_, size, checksum) in zip(paths, files, strict=True)
    )


def _paths(folder: Path) -> list[Path]:
    """Return the files of a step, except its note."""
    note = folder / NOTE
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path != note]


def _checksum(path: Path) -> int | None:
    """Return the CRC-32 of a file, None for one that has another name elsewhere."""
    if path.stat().st_nlink > 1:
        return None
    found = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            found = zlib.crc32(block, found)
    return found
