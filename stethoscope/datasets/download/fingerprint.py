"""Identify the recordings of a data set without fetching them."""

import hashlib
import uuid
from collections.abc import Iterator
from pathlib import Path

from stethoscope import __version__
from stethoscope.datasets import catalogue
from stethoscope.datasets.download.addresses import address_kind, local_path, split_addresses
from stethoscope.datasets.download.transfer import current_version
from stethoscope.files import code_digest


def fingerprint(dataset_url: str, *, md5: str = "", seed: int = 0, background: str = "") -> str:
    """Return a text that changes with the recordings and with the code of this package.

    An archive is identified by its MD5 where it is known, on the web by the entity tag or date
    that the server gives, on a disk by size and date. What cannot be identified gets a new
    fingerprint each time, so that nothing is reused that may have changed.

    Parameters
    ----------
    dataset_url, md5, seed
        As for :func:`stethoscope.datasets.download.fetch.fetch`.
    background : str
        Addresses of further archives, whose MD5 is not known; empty for none.

    Raises
    ------
    DownloadError, ParameterError
        If an address is not valid.
    """
    hasher = hashlib.sha256(f"{__version__} {code_digest()} {seed}".encode())
    others = split_addresses(background) if background else []
    for address, expected in [*split_addresses(dataset_url, md5), *others]:
        identity = expected or _identity(address)
        if not identity:
            print(f"{address}: its version is not known, so it is fetched again")
        hasher.update(f"\n{address} {identity or uuid.uuid4()}".encode())
    return f"{hasher.hexdigest()[:32]}-{__version__}"


def _identity(address: str) -> str:
    """Return what identifies the content of an address; empty if nothing is known of it."""
    kind = address_kind(address)
    if kind in ("web", "store"):
        return current_version(address)
    if kind == "catalogue":
        return catalogue.lookup(address).md5
    if kind == "simulated":
        return kind
    try:
        return " ".join(_state(local_path(address)))
    except OSError:
        return ""  # absent; the download gives the reason


def _state(path: Path) -> Iterator[str]:
    """Yield name, size and date of a file, or of every file in a folder."""
    found = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    for one in found:
        state = one.stat()
        yield f"{one.relative_to(path).as_posix()} {state.st_size} {state.st_mtime_ns}"
