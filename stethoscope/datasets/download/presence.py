"""Find out whether addresses lead to anything, without fetching it."""

import requests

from stethoscope.datasets import catalogue
from stethoscope.datasets.download.addresses import address_kind, local_path, split_addresses
from stethoscope.datasets.download.opening import advice_on_status, open_address
from stethoscope.errors import StethoscopeError
from stethoscope.files import advice_on_path

_MAY_PASS = (408, 425, 429)


def missing_archives(dataset_url: str) -> list[str]:
    """Return what is wrong with addresses of a data set that lead to nothing.

    A server that cannot be reached or is out of order is not counted: the download waits for it.
    """
    try:
        addresses = [address for address, _ in split_addresses(dataset_url)]
        return [problem for address in addresses if (problem := _problem(address))]
    except StethoscopeError as error:
        return [str(error)]


def missing_files(dataset_url: str) -> list[str]:
    """Return what is wrong with those addresses of a data set that are paths on this machine."""
    return [
        problem for address, _ in split_addresses(dataset_url) if (problem := _no_file(address))
    ]


def _no_file(address: str) -> str:
    if address_kind(address) not in ("file", "path") or local_path(address).exists():
        return ""
    remedy = advice_on_path(local_path(address)) or "check dataset_url"
    return f"{address}: no such file or folder; {remedy}"


def _problem(address: str) -> str:
    kind = address_kind(address)
    if kind == "simulated":
        return ""
    if kind in ("file", "path"):
        return _no_file(address)
    url = catalogue.lookup(address).url if kind == "catalogue" else address
    try:
        with open_address(url, {"Accept-Encoding": "identity"}) as response:
            status, reason = response.status_code, response.reason
    except requests.RequestException:
        return ""
    if not 400 <= status < 500 or status in _MAY_PASS:
        return ""
    return f"{address}: answers {status} {reason}; {advice_on_status(url, status)}"
