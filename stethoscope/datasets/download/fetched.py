"""What is known of an archive that has been fetched."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from stethoscope.files import digest


@dataclass(frozen=True, slots=True)
class Fetched:
    """An archive that has been fetched.

    Attributes
    ----------
    path : Path
        Where it is.
    name : str
        Its original file name.
    md5 : str
    bytes : int
        Its size.
    url : str
        The address that it came from.
    validator : str
        Entity tag or date by which the server identifies this version; empty if it gave none.
    """

    path: Path
    name: str
    md5: str
    bytes: int
    url: str
    validator: str = ""

    @classmethod
    def of(cls, path: Path, url: str, *, md5: str = "", validator: str = "") -> Self:
        """Describe a file that came from `url`; its MD5 is computed unless it is given."""
        md5 = md5 or digest(path, "md5")
        return cls(path, path.name, md5, path.stat().st_size, url, validator)
