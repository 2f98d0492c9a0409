"""Download an archive: transfer it, compare its checksum, open it."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from stethoscope.datasets.archives import open_archive
from stethoscope.datasets.download.addresses import ARCHIVE_SUFFIX
from stethoscope.datasets.download.fetched import Fetched
from stethoscope.datasets.download.partial import PartialFile
from stethoscope.datasets.download.placing import safe_name
from stethoscope.datasets.download.retries import with_retries
from stethoscope.datasets.download.transfer import transfer
from stethoscope.errors import DatasetError, DownloadError
from stethoscope.files import digest


def download(url: str, folder: Path, *, md5: str = "", size: int = 0) -> Fetched:
    """Download one archive; an interrupted download is resumed, also that of another process.

    Parameters
    ----------
    url : str
        An http or https address, or one of an object store.
    folder : Path
    md5 : str
        Expected MD5; empty if unknown.
    size : int
        Expected number of bytes; 0 if unknown.

    Raises
    ------
    DownloadError
        If it cannot be transferred, does not fit the disk, or is not what was expected.
    DatasetError
        If it is no archive.
    """
    name = safe_name(unquote(urlsplit(url).path))
    target = folder / name
    if md5 and target.is_file() and digest(target, "md5") == md5:
        return Fetched.of(target, url, md5=md5)
    part = PartialFile(folder, name)
    server_name, found = _transfer_checked(url, part, md5, size)
    if not ARCHIVE_SUFFIX.search(name):
        target = folder / safe_name(server_name or name)
    validator = part.validator
    part.finish(target)
    try:
        open_archive(target).close()
    except DatasetError:
        target.unlink()
        raise
    return Fetched.of(target, url, md5=found, validator=validator)


def _transfer_checked(url: str, part: PartialFile, md5: str, size: int) -> tuple[str, str]:
    """Transfer a file and return the name that the server gave and the MD5 of what arrived."""
    while True:
        resumed = part.path.exists()
        server_name = with_retries(lambda: transfer(url, part, md5=md5, size=size), url, part)
        found = digest(part.path, "md5")
        if not md5 or found == md5:
            return server_name, found
        part.discard()
        # Where the server names no version, the beginning may have been another version's.
        if not resumed:
            raise DownloadError(
                f"{url}: has MD5 {found}, not {md5} as expected; check the address and dataset_md5"
            )
