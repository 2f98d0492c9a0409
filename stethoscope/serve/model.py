"""The model that is served, and its replacement while the service runs."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from stethoscope.bundle.bundle import Bundle
from stethoscope.bundle.inference import Inference
from stethoscope.errors import StethoscopeError

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
    """The inference of a bundle folder, replaced when the folder changes.

    A new bundle is opened and checked while the old one is still served. If it is incomplete, it is
    refused, and the old one stays.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    ModelError
        If the folder has no usable bundle.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signature = self._read_signature()
        self.inference = self._open()
        self.opened = datetime.now(UTC)
        self.reload: Reload | None = None

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.inference.bundle.name

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
            inference = self._open()
        # No fault of the new bundle may end the service of the old one.
        except Exception as error:
            where = str(self._folder)
            message = (
                str(error).replace(where, "bundle")
                if isinstance(error, StethoscopeError)
                else type(error).__name__
            )
            logger.exception("reload refused", extra={"bundle": where})
            self.reload = Reload(False, message)
            return self.reload
        self.inference, self.opened = inference, datetime.now(UTC)
        self.reload = Reload(True, "")
        logger.info("reloaded", extra={"model": self.name, "bundle": str(self._folder)})
        return self.reload

    def _open(self) -> Inference:
        return Inference(Bundle.open(self._folder))

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
