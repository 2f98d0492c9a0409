"""Fetch the archives of a data set, wherever they are, into a folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from stethoscope.datasets import catalogue
from stethoscope.datasets.download.addresses import address_kind, local_path, split_addresses
from stethoscope.datasets.download.cache import cached_download
from stethoscope.datasets.download.fetched import Fetched
from stethoscope.datasets.download.local import copy_local
from stethoscope.datasets.download.simulated import simulate
from stethoscope.datasets.download.web import download
from stethoscope.errors import DownloadError


def fetch(
    dataset_url: str,
    folder: str | os.PathLike[str],
    *,
    md5: str = "",
    seed: int = 0,
    cache: str | os.PathLike[str] | None = None,
    in_place: bool = False,
) -> list[Fetched]:
    """Fetch the archives of a data set into a folder.

    Parameters
    ----------
    dataset_url : str
        One or more of the following, separated by commas: an http, https or file address; an
        archive in an object store, ``s3://bucket/key`` (also ``gs`` and ``minio``); the path of an
        archive; a folder of recordings, which is packed into one zip; a name of the
        catalogue, ``dcase2020/pump``; ``simulated/<machine>``, with options of the simulator as a
        query: ``simulated/fan?snr_db=-6&layout=mimii``; ``simulated/bells``,
        ``simulated/sounds``.
    folder : path
        Where the archives are put, under their original names.
    md5 : str
        Expected MD5 per archive, separated by commas; empty where unknown. For names of the
        catalogue, the catalogue's MD5 is the default.
    seed : int
        Seed of a simulated set.
    cache : path, optional
        Folder in which downloads are kept. A file there is used again if it has the expected MD5
        or, where none is known, if the server answers that it has not changed. An interrupted
        download is resumed.
    in_place : bool
        Leave downloads in the cache, and put nothing of them into `folder`.

    Returns
    -------
    list of Fetched
        In the order of the addresses.

    Raises
    ------
    DownloadError
        If an address does not answer, or does not give the expected archive.
    DatasetError
        If a file is no archive, a folder holds no recordings, or a name is not in the catalogue.
    ParameterError
        If `md5` does not fit the addresses, or the simulator has no such option.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    fetched: list[Fetched] = []
    for address, expected in split_addresses(dataset_url, md5):
        kept = _Cache(Path(cache), in_place) if cache else None
        one = _fetch_one(address, folder, expected, seed, kept)
        if any(one.name == other.name for other in fetched):
            raise DownloadError(
                f"{address}: a second archive of the name {one.name}; rename one of them"
            )
        fetched.append(one)
    return fetched


@dataclass(frozen=True)
class _Cache:
    """A folder that keeps downloads, and whether they are used there, without a link or copy."""

    folder: Path
    in_place: bool


def _fetch_one(address: str, folder: Path, md5: str, seed: int, cache: _Cache | None) -> Fetched:
    kind = address_kind(address)
    if kind in ("web", "store"):
        return _from_web(address, folder, md5, 0, cache)
    if kind == "catalogue":
        entry = catalogue.lookup(address)
        return _from_web(entry.url, folder, md5 or entry.md5, entry.bytes, cache)
    if kind == "simulated":
        path = simulate(address, folder, seed)
    else:
        path = copy_local(local_path(address), folder)
    one = Fetched.of(path, address)
    if md5 and one.md5 != md5:
        raise DownloadError(
            f"{address}: has MD5 {one.md5}, not {md5} as expected; check the file and dataset_md5"
        )
    return one


def _from_web(url: str, folder: Path, md5: str, size: int, cache: _Cache | None) -> Fetched:
    if cache is None:
        return download(url, folder, md5=md5, size=size)
    target = None if cache.in_place else folder
    return cached_download(url, target, cache.folder, md5=md5, size=size)
