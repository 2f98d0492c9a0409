"""The part of a download that has arrived, so that an interrupted download can be resumed."""

import json
from pathlib import Path

from stethoscope.files import sync, write_json


class PartialFile:
    """The beginning of a file, ``<name>.part``, and a note of which file it is.

    The note, ``<name>.part.json``, holds the address and the validator of the file's version
    (entity tag or date), so that parts of two versions are never joined (RFC 9110, If-Range).

    Parameters
    ----------
    folder : Path
    name : str
        Name of the whole file.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.path = folder / f"{name}.part"
        self._note = folder / f"{name}.part.json"

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def validator(self) -> str:
        """Validator of the version; empty if the server gave none."""
        return self._read_note()[1]

    def is_of(self, url: str, *, md5: str) -> bool:
        """Return whether the beginning may be resumed from an address.

        Without a validator this needs the MD5 of the whole file, which will show a mixture.
        """
        noted_url, validator = self._read_note()
        return noted_url == url and bool(validator or md5)

    def begin(self, url: str, validator: str) -> None:
        """Note which file the bytes belong to that are written from now on."""
        write_json(self._note, {"url": url, "validator": validator})

    def discard(self) -> None:
        """Delete the beginning and the note."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        """Move the file, which is whole now, to its place, and delete the note."""
        sync(self.path)
        self.path.replace(target)
        sync(target.parent)
        self._note.unlink(missing_ok=True)

    def _read_note(self) -> tuple[str, str]:
        """Return the address and the validator; both are empty without a readable note."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return str(note["url"]), str(note["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            return "", ""
