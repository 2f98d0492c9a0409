"""One HTTP transfer: append to a file what is missing of it."""

import re
from collections.abc import Iterator
from email.message import Message
from math import ceil
from typing import IO

import requests

from stethoscope.datasets.download.opening import advice_on_status, open_address
from stethoscope.datasets.download.partial import PartialFile
from stethoscope.datasets.download.placing import require_space
from stethoscope.datasets.download.retries import TransientError
from stethoscope.errors import DownloadError
from stethoscope.progress import track

_BLOCK = 1 << 16
_MEBIBYTE = 1 << 20
_TRANSIENT_STATUSES = (408, 425, 429, 500, 502, 503, 504)
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


def transfer(url: str, part: PartialFile, *, md5: str = "", size: int = 0) -> str:
    """Append what is missing of a file, or fetch all of it if the server cannot resume.

    Parameters
    ----------
    url : str
        On the web or in an object store.
    part : PartialFile
    md5 : str
        Expected MD5; empty if unknown.
    size : int
        Expected number of bytes; 0 if unknown.

    Returns
    -------
    str
        The file name that the server gave; "" if it gave none.

    Raises
    ------
    TransientError
        If another attempt may succeed.
    DownloadError
        If none can.
    """
    start = part.size if part.is_of(url, md5=md5) else 0
    headers = _request_headers(start, part.validator)
    with open_address(url, headers) as response:
        if start and response.status_code == 416:
            _require_complete(response, part)
            return _file_name(response)
        _check_answer(url, response)
        start, total = _extent(response, part, start)
        if size and total and total != size:
            raise DownloadError(
                f"{url}: has {total} bytes, not {size} as expected; check the address"
            )
        _append(url, response, part, start, total)
        expected = total or size
        if expected and part.size != expected:
            raise TransientError(f"sent {part.size} of {expected} bytes")
        return _file_name(response)


def current_version(url: str) -> str:
    """Return by what a server identifies the file that it has now, without fetching it.

    Returns
    -------
    str
        Entity tag or date, and size; empty if the server gives neither tag nor date, or does not
        answer with a file.
    """
    headers = _request_headers(0, "")
    try:
        with open_address(url, headers) as response:
            version = _validator(response) if response.ok else ""
            return f"{version} {response.headers.get('Content-Length', '')}" if version else ""
    except requests.RequestException:
        return ""


def _request_headers(start: int, validator: str) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    return headers


def _require_complete(response: requests.Response, part: PartialFile) -> None:
    """Check, where the server has nothing beyond what has arrived, that this is the whole file."""
    content_range = _content_range(response)
    if not (content_range and content_range[2] == str(part.size)):
        part.discard()
        raise TransientError("the file became shorter")


def _check_answer(url: str, response: requests.Response) -> None:
    answer = f"answers {response.status_code} {response.reason}"
    if response.status_code in _TRANSIENT_STATUSES:
        raise TransientError(answer, response.headers.get("Retry-After", ""))
    if response.status_code >= 400:
        advice = advice_on_status(url, response.status_code)
        raise DownloadError(f"{url}: {answer}; {advice}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise DownloadError(
            f"{url}: answers with a web page, not an archive; take the address of the file itself"
        )


def _extent(response: requests.Response, part: PartialFile, start: int) -> tuple[int, int]:
    """Return the first byte that is sent, and the size of the whole file, 0 if unknown."""
    if response.status_code != 206:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else 0
    content_range = _content_range(response)
    if not content_range or content_range[1] != str(start):
        part.discard()
        raise TransientError("sent another part than requested")
    # Object stores do not know If-Range.
    if part.validator and _validator(response) not in ("", part.validator):
        part.discard()
        raise TransientError("the file has changed")
    return start, int(content_range[2]) if content_range[2] != "*" else 0


def _append(
    url: str, response: requests.Response, part: PartialFile, start: int, total: int
) -> None:
    missing = max(total - start, 0)
    require_space(part.path.parent, missing, part.name)
    with part.path.open("ab" if start else "wb") as file:
        if not start:
            part.begin(url, _validator(response))
        for _ in track(
            _save(response, file),
            label=f"download {part.name}, MiB",
            total=ceil(missing / _MEBIBYTE),
            unit="MiB",
        ):
            # The server may not have told the size, or may send more.
            require_space(part.path.parent, _MEBIBYTE, part.name)


def _save(response: requests.Response, file: IO[bytes]) -> Iterator[None]:
    """Write the body as it arrives, undecoded; yield once per mebibyte."""
    waiting = 0
    for block in response.raw.stream(_BLOCK, decode_content=False):
        file.write(block)
        waiting += len(block)
        if waiting >= _MEBIBYTE:
            waiting -= _MEBIBYTE
            yield


def _content_range(response: requests.Response) -> re.Match[str] | None:
    return _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))


def _validator(response: requests.Response) -> str:
    """Return a strong entity tag, else the date of change, else ""."""
    tag: str = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _file_name(response: requests.Response) -> str:
    message = Message()
    message["Content-Disposition"] = response.headers.get("Content-Disposition", "")
    return message.get_filename() or ""
