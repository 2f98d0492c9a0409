"""The model that is served, and its replacement while the service runs."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stethoscope.errors import ModelError
from stethoscope.serve.processes import ForkServer

logger = logging.getLogger(__name__)

Signature = frozenset[tuple[str, int, int, int]]


@dataclass(frozen=True, slots=True)
class Reload:
    """The last attempt to replace the model.

    Attributes
    ----------
    accepted : bool
        Whether the new bundle is served now.
    message : str
        Why it was refused, without the path of the folder; empty if it was accepted.
    """

    accepted: bool
    message: str


class LiveModel:
    """The model in a bundle folder, replaced when the folder changes.

    A new bundle is opened and checked in a process of its own while the old one is still served. If
    it is incomplete, or ends or stops that process, it is refused, and the old one stays.

    Parameters
    ----------
    folder : Path
    server : ForkServer or None
        The process that opens the bundle, if it was started before.

    Raises
    ------
    ModelError
        If the folder has no usable bundle.
    """

    def __init__(self, folder: Path, server: ForkServer | None = None) -> None:
        self._folder = folder
        self._signature = self._read_signature()
        self._opening: ForkServer | None = None
        self._closed = False
        self.server = server or ForkServer(folder)
        self.description = self.server.opened()
        self.opened = datetime.now(UTC)
        self.reload: Reload | None = None

    @property
    def name(self) -> str:
        """Name of the model."""
        return str(self.description["name"])

    def reload_if_changed(self) -> Reload | None:
        """Replace the model if its folder has changed since the last call.

        Returns
        -------
        Reload or None
            None if the folder has not changed.
        """
        signature = self._read_signature()
        if signature == self._signature:
            return None
        self._signature = signature
        try:
            self._open()
        except (ModelError, OSError) as error:
            where = str(self._folder)
            logger.exception("reload refused", extra={"bundle": where})
            self.reload = Reload(False, str(error).replace(where, "bundle"))
            return self.reload
        self.opened = datetime.now(UTC)
        self.reload = Reload(True, "")
        logger.info("reloaded", extra={"model": self.name, "bundle": str(self._folder)})
        return self.reload

    def restart(self) -> None:
        """Open the bundle again, because the process that had opened it has ended.

        Raises
        ------
        ModelError
            If the bundle cannot be used any more.
        """
        logger.warning("opening the bundle again", extra={"bundle": str(self._folder)})
        self._open()

    def close(self) -> None:
        """End the processes of the model, and those that are opening a bundle."""
        self._closed = True
        if self._opening:
            self._opening.kill()
        self.server.close()
        self.server.wait()

    def _open(self) -> None:
        """Open the bundle in a new process, and serve it from now on."""
        self._opening = opening = ForkServer(
            self._folder, self.server.public_key, self.server.decider
        )
        if self._closed:
            opening.kill()
        try:
            description = opening.opened()
        finally:
            self._opening = None
        old, self.server, self.description = self.server, opening, description
        old.close()

    def _read_signature(self) -> Signature:
        """Return names, inodes, sizes and times of the folder's files."""
        found = set()
        for path in self._folder.rglob("*"):
            try:
                status = path.stat()
            except OSError:  # it was removed meanwhile
                continue
            found.add(
                (
                    path.relative_to(self._folder).as_posix(),
                    status.st_ino,
                    status.st_size,
                    status.st_mtime_ns,
                )
            )
        return frozenset(found)
