"""The addresses of a data set: how a list of them is split, and what each one refers to."""

import os
import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from stethoscope.counts import count
from stethoscope.datasets import catalogue
from stethoscope.datasets.download.credentials import HEADERS
from stethoscope.datasets.download.stores import is_store, parse_store
from stethoscope.errors import DownloadError, ParameterError, shown
from stethoscope.files import advice_on_path
from stethoscope.options import split_list

ARCHIVE_SUFFIX = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$", re.IGNORECASE)

_CREDENTIALS = re.compile("//[^/]*@")

LONGEST_ADDRESS = 4_000
"""Characters; signed addresses of object stores have up to about 2,000."""

Kind = Literal["web", "store", "catalogue", "simulated", "file", "path"]


def split_addresses(dataset_url: str, md5: str = "") -> list[tuple[str, str]]:
    """Return each address with its expected MD5, "" where unknown, without opening any.

    Raises
    ------
    ParameterError
        If there is no address, or `md5` does not fit the addresses.
    """
    addresses = [dataset_url] if dataset_url and _exists(dataset_url) else split_list(dataset_url)
    if not addresses:
        raise ParameterError(
            "dataset_url is empty; give an address, a path or a name such as simulated/fan"
        )
    if (longest := max(map(len, addresses))) > LONGEST_ADDRESS:
        raise ParameterError(
            f"dataset_url holds an address of {longest:,} characters; give at most "
            f"{LONGEST_ADDRESS:,}"
        )
    for address in addresses:
        if not (address.isprintable() or _exists(address)):
            raise ParameterError(
                f"dataset_url holds {shown(address)}, which cannot be printed; check it"
            )
    return list(zip(addresses, _split_md5(md5, len(addresses)), strict=True))


def _split_md5(md5: str, n_addresses: int) -> list[str]:
    if not md5.strip():
        return [""] * n_addresses
    # Empty entries count: they belong to the archives whose MD5 is unknown.
    sums = [part.strip().lower() for part in md5.split(",")]
    if len(sums) != n_addresses:
        raise ParameterError(
            f"dataset_md5 has {count(len(sums), 'value')} for {count(n_addresses, 'archive')};"
            " give one each, empty where unknown"
        )
    if wrong := [one for one in sums if one and not re.fullmatch("[0-9a-f]{32}", one)]:
        raise ParameterError(f"dataset_md5 is {shown(wrong[0])}; an MD5 has 32 hexadecimal digits")
    return sums


def check_address(address: str) -> None:
    """Refuse an address that cannot work on any machine, without opening it.

    Raises
    ------
    DownloadError, ParameterError
        As :func:`stethoscope.datasets.download.fetch.fetch`.
    """
    kind = address_kind(address)
    if kind == "simulated":
        # Here: every step imports the parameters of data sets, but none needs the simulator.
        from stethoscope.datasets.download.simulated import simulator_options

        simulator_options(address)
    elif kind == "store":
        parse_store(address)


def address_kind(address: str) -> Kind:
    """Return what an address refers to.

    Raises
    ------
    DownloadError
        If it is not a valid address, or has an unknown scheme, or is neither a path nor a name of
        the catalogue.
    """
    try:
        urlsplit(address)
    except ValueError as error:
        known = _CREDENTIALS.sub("//...@", address)
        raise DownloadError(f"{known}: is not a valid address ({error}); check it") from error
    if address.startswith("simulated/"):
        return "simulated"
    if "://" in address:
        return _kind_of_scheme(address)
    return _kind_of_name(address)


def _kind_of_scheme(address: str) -> Kind:
    scheme = address.split("://", 1)[0].lower()
    _refuse_password(address)
    if scheme in ("http", "https"):
        return "web"
    if is_store(address):
        return "store"
    if scheme == "file":
        return "file"
    raise DownloadError(
        f"{address}: {scheme} is not supported;"
        " give an http, https, s3, gs, minio or file address, or download it yourself"
    )


def _refuse_password(address: str) -> None:
    """Refuse an address with a password, which logs, reports and user interfaces would show.

    A user name is refused as well: sites take tokens there.
    """
    parts = urlsplit(address)
    if parts.username or parts.password:
        host = parts.netloc.rpartition("@")[2]
        variable = HEADERS if parts.scheme in ("http", "https") else "the variables of the store"
        raise DownloadError(
            f"dataset_url holds a user or a password for {host}, which everybody could see;"
            f" leave it out and set {variable}, with `--secret` on a cluster"
        )


def local_path(address: str) -> Path:
    """Return the path of an address on this machine, ``file://`` or a path itself."""
    if not address.lower().startswith("file://"):
        return Path(address)
    from urllib.request import url2pathname  # here: it imports the network client

    return Path(url2pathname(urlsplit(address).path))


def _kind_of_name(address: str) -> Kind:
    if address in catalogue.entries():
        return "catalogue"
    if _exists(address) or ARCHIVE_SUFFIX.search(address) or address.startswith(("/", ".", "~")):
        return "path"
    raise DownloadError(
        f"{address}: no such file or folder, and no public data set of this name;"
        f" {advice_on_path(address) or catalogue.advice(address)}"
    )


def _exists(address: str) -> bool:
    # pathlib's exists() raises an error for addresses longer than a file name may be.
    return os.path.exists(address)  # noqa: PTH110
