"""The model that answers, and its replacement while the service runs."""

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
    taken : bool
        False if what lay in the folder was refused.
    message : str
        Why, without the folder's path.
    at : datetime
    """

    taken: bool
    message: str
    at: datetime


class LiveModel:
    """Holds the inference of a bundle folder and follows the folder.

    A new bundle is opened and verified beside the old one, which serves until then; one that is not
    whole is refused and the old one goes on serving.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    ModelError
        If there is no usable bundle to begin with.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._signature = self._look()
        self.inference = self._open()
        self.opened = datetime.now(UTC)
        self.reload: Reload | None = None

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.inference.bundle.name

    def follow(self) -> Reload | None:
        """Replace the model if its folder has changed since the last look; return what came of it,
        None if nothing changed.
        """
        signature = self._look()
        if signature == self._signature:
            return None
        self._signature = signature
        try:
            inference = self._open()
        # Whatever is wrong with the new bundle must not end the service of the old one.
        except Exception as error:
            where = str(self._folder)
            message = (
                str(error).replace(where, "bundle")
                if isinstance(error, StethoscopeError)
                else type(error).__name__
            )
            logger.exception("reload refused", extra={"bundle": where})
            self.reload = Reload(False, message, datetime.now(UTC))
            return self.reload
        self.inference, self.opened = inference, datetime.now(UTC)
        self.reload = Reload(True, "", self.opened)
        logger.info("reloaded", extra={"model": self.name, "bundle": str(self._folder)})
        return self.reload

    def _open(self) -> Inference:
        return Inference(Bundle.open(self._folder))

    def _look(self) -> Signature:
        """Return what tells one state of the folder from another, without reading its files."""
        found = set()
        for path in self._folder.rglob("*"):
            try:
                status = path.stat()
            except OSError:  # gone between listing and looking
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
