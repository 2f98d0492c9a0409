"""The folder of a run on this computer, and what it says about the run: ``run.json``.

::

    DIR/
        run.json        pipeline, values, and how far the run has come
        run.yaml        the compiled pipeline, of a run that has one of its own
        run.log         everything that the steps printed
        work/           outputs of the steps, as long as the run is not finished
        summary.json    results, only of a run that is finished
        ...
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from stethoscope.errors import ModelError, ParameterError
from stethoscope.files import TEMPORARY, read_json, write_json

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None  # type: ignore[assignment]

RECORD, SOURCE, LOG = "run.json", "run.yaml", "run.log"
WORK, SUMMARY = "work", "summary.json"

State = Literal["running", "finished", "failed", "stopped"]
"""A run that was killed is ``stopped``: it neither runs nor has it noted how it ended."""


def new_folder(parent: Path, name: str) -> Path:
    """Make a folder ``<name>-<time>``, with a number of its own for each run of one second."""
    parent.mkdir(parents=True, exist_ok=True)
    stem = f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    number = 1
    while True:
        folder = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder.resolve()


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of a run.

    Attributes
    ----------
    path : Path

    Raises
    ------
    ParameterError
        If the path is no text: Kubeflow's local runner, and the notes of a run, are UTF-8.
    """

    path: Path

    def __post_init__(self) -> None:
        """Refuse a path that cannot be written down."""
        try:
            str(self.path).encode()
        except UnicodeEncodeError as error:
            raise ParameterError(
                f"{self.path}: this path holds bytes that are no text; choose another folder"
            ) from error

    @property
    def work(self) -> Path:
        """Folder of the outputs of the steps."""
        return self.path / WORK

    @property
    def source(self) -> Path:
        """The compiled pipeline of a run that has one of its own."""
        return self.path / SOURCE

    @property
    def log(self) -> Path:
        """File of everything that the steps printed."""
        return self.path / LOG

    def record(self) -> dict[str, Any]:
        """Return what is noted about the run, empty without a readable note."""
        try:
            return read_json(self.path / RECORD)
        except (ModelError, OSError):
            return {}

    def state(self) -> State | None:
        """Return how far the run has come; None if the folder is not that of a run."""
        state: State | None = self.record().get("state")
        if state == "running" and not self.is_locked():
            return "stopped"
        return state

    def is_locked(self) -> bool:
        """Return whether a process works in the folder."""
        try:
            with self.locked():
                return False
        except ParameterError:
            return True

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from working in the folder, until the block or the process ends.

        Raises
        ------
        ParameterError
            If another process works in it.
        """
        if fcntl is None:
            yield
            return
        handle = os.open(self.path, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ParameterError(
                    f"{self.path}: another run works in this folder; "
                    "wait until it has ended, or name another folder"
                ) from error
            except OSError:
                pass  # a file system without locks
            yield
        finally:
            os.close(handle)

    def clear(self, known: Iterable[str] = ()) -> None:
        """Delete what an older run left here; other files stay.

        Parameters
        ----------
        known : iterable of str
            Patterns of the names that runs leave, for a run that did not note its files.
        """
        files = self.record().get("files")
        if files is None and (self.path / SUMMARY).exists():
            files = [one.name for pattern in known for one in self.path.glob(pattern)]
        for name in (SUMMARY, *(files or ()), WORK, LOG, SOURCE, RECORD):
            delete(self.path / Path(name).name)
        for left in self.path.glob(f".*{TEMPORARY}"):
            delete(left)

    def note(self, **values: Any) -> None:
        """Add values to what is noted about the run."""
        write_json(self.path / RECORD, {**self.record(), **values})

    def publish(self, results: Path, summary: Mapping[str, Any]) -> None:
        """Move the results to their places, the summary last, and note that the run is finished.

        Parameters
        ----------
        results : Path
            Folder of the results, on the same disk.
        summary : mapping
            The content of ``summary.json``.
        """
        names = sorted(one.name for one in results.iterdir())
        self.note(files=names)
        for name in names:
            delete(self.path / name)
            (results / name).replace(self.path / name)
        write_json(self.path / SUMMARY, summary)


def delete(path: Path) -> None:
    """Delete a file or a folder with everything in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
