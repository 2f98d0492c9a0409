"""Downloads that are kept, so that no file is transferred twice."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import requests
from filelock import FileLock

from stethoscope.datasets.download.fetched import Fetched
from stethoscope.datasets.download.opening import open_address
from stethoscope.datasets.download.placing import link_or_copy, safe_name
from stethoscope.datasets.download.retries import innermost_reason
from stethoscope.datasets.download.web import download
from stethoscope.files import digest, write_json
from stethoscope.progress import warn

_NOTE = "downloaded.json"  # which file the folder of an address holds


def cached_download(
    url: str, folder: Path | None, cache: Path, *, md5: str = "", size: int = 0
) -> Fetched:
    """Download into the cache, unless the file is there already, and link it into the folder.

    Without a folder it stays in the cache alone.

    Several processes may want the same file at the same moment, as the items of a sweep do: one
    downloads it, the others wait. Parameters and errors are those of
    :func:`stethoscope.datasets.download.web.download`.
    """
    place = cache / hashlib.sha256(url.encode()).hexdigest()[:24]
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / ".lock"):
        one = _cached(url, place, md5)
        if one is None:
            one = download(url, place, md5=md5, size=size)
            note = {"url": url, "name": one.name, "md5": one.md5, "validator": one.validator}
            write_json(place / _NOTE, note)
        else:
            print(f"{one.name} was downloaded before and is taken from {place}")
        return replace(one, path=link_or_copy(one.path, folder / one.name)) if folder else one


def noted_md5(path: Path) -> str:
    """Return the MD5 of a file in a cache as it was when it was downloaded; empty if unknown."""
    try:
        return str(json.loads((path.parent / _NOTE).read_text(encoding="utf-8"))["md5"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _cached(url: str, place: Path, md5: str) -> Fetched | None:
    """Return the file in the cache if it is whole and still what the address gives."""
    try:
        note = json.loads((place / _NOTE).read_text(encoding="utf-8"))
        path, noted, validator = place / safe_name(note["name"]), note["md5"], note["validator"]
        if digest(path, "md5") != noted:
            return None  # altered or damaged since
        if noted == md5 if md5 else _unchanged(url, validator):
            return Fetched.of(path, url, md5=noted, validator=validator)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing there, or a damaged note
    return None


def _unchanged(url: str, validator: str) -> bool:
    """Return whether the server still has the version of `validator`, or cannot be reached.

    See RFC 9110, conditional requests.
    """
    if not validator:
        return False
    condition = "If-None-Match" if validator.startswith('"') else "If-Modified-Since"
    headers = {condition: validator, "Accept-Encoding": "identity"}
    try:
        with open_address(url, headers) as response:
            return response.status_code == 304
    except (requests.ConnectionError, requests.Timeout) as error:
        warn(
            f"{url}: cannot be checked for changes ({innermost_reason(error)});"
            " the copy downloaded before is used"
        )
        return True
