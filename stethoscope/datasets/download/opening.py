"""Request an address: on the web, on a private site that wants a header, or in an object store."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests

from stethoscope.datasets.download.credentials import HEADERS
from stethoscope.datasets.download.stores import is_store, store_request
from stethoscope.errors import ParameterError

TIMEOUTS = (15.0, 60.0)
"""To connect, and between two packets, in seconds."""


def open_address(address: str, headers: Mapping[str, str]) -> requests.Response:
    """Request an address with further headers; the body is read from the answer.

    Raises
    ------
    requests.RequestException
        If there is no answer.
    DownloadError, ParameterError
        If the credentials for the address cannot be used.
    """
    if not is_store(address):
        return _get(address, headers)
    url, own = store_request(address)
    response = _get(url, {**headers, **own})
    # Amazon's answer from another region than the bucket's names the right one.
    region = response.headers.get("x-amz-bucket-region", "")
    if response.status_code not in (301, 307, 400) or not region:
        return response
    response.close()
    url, own = store_request(address, region)
    return _get(url, {**headers, **own})


def advice_on_status(address: str, status: int) -> str:
    """Return what to check after a server has refused a request."""
    refused = status in (401, 403)
    if is_store(address):
        credentials = " and the credentials, which must be allowed to read it" if refused else ""
        return f"check the address{credentials}"
    private = f"; for a private site give a header in {HEADERS}" if refused else ""
    return f"check the address and that it is public{private}"


def private_headers(url: str) -> dict[str, str]:
    """Return the headers that the environment has for the host of an address.

    They are sent over https; over http only where a line names ``http://host``.

    Raises
    ------
    ParameterError
        If a line is not of the form ``host Header: value``. The message does not hold the line,
        which is secret.
    """
    parts = urlsplit(url)
    found = {}
    for number, line in enumerate(os.environ.get(HEADERS, "").splitlines(), start=1):
        if not line.strip():
            continue
        host, _, header = line.strip().partition(" ")
        name, colon, value = header.partition(":")
        if not colon or not name.strip() or " " in name.strip():
            raise ParameterError(
                f"{HEADERS}: line {number} is not of the form"
                " host Header: value; an example is data.example.org Authorization: Bearer KEY"
            )
        scheme, separator, rest = host.partition("://")
        if ((scheme, rest) if separator else ("https", host)) == (parts.scheme, parts.netloc):
            found[name.strip()] = value.strip()
    return found


class _Session(requests.Session):
    """Sends the headers of a private site to this site only, also after a redirection."""

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Replace the headers of the last host by those of the next one."""
        for name in private_headers(response.request.url or ""):
            prepared_request.headers.pop(name, None)
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
        prepared_request.headers.update(private_headers(prepared_request.url or ""))


def _get(url: str, headers: Mapping[str, str]) -> requests.Response:
    # Not closed: the answer is still to be read, and closes its connection itself.
    session = _Session()
    return session.get(
        url, headers={**headers, **private_headers(url)}, stream=True, timeout=TIMEOUTS
    )
