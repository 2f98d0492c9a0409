"""From the address of a data set to archives in a folder, checked."""

import hashlib
import inspect
import json
import os
import random
import re
import shutil
import time
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.message import Message
from math import ceil
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from urllib.request import url2pathname
from zipfile import ZipFile, ZipInfo

import requests
import urllib3

from stethoscope.datasets import catalogue
from stethoscope.datasets.archives import file_name, is_recording, open_archive
from stethoscope.datasets.simulator.bells import simulate_bells
from stethoscope.datasets.simulator.machine import simulate_archive
from stethoscope.errors import DatasetError, DownloadError, ParameterError
from stethoscope.files import atomic_file, digest, write_json
from stethoscope.options import split_list
from stethoscope.progress import track, warn

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ATTEMPTS = 6
"""Transfers that may fail in a row before a download is given up."""

FIRST_DELAY = 1.0
"""Pause after the first failure, in seconds; it doubles with every further one, up to a minute."""

DISK_RESERVE = 64 << 20
"""Bytes that are to stay free on the disk."""

_TIMEOUTS = (15.0, 60.0)  # to connect, between two packets; in seconds
_BLOCK = 1 << 16
_MEBIBYTE = 1 << 20
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_ARCHIVE_SUFFIX = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$", re.IGNORECASE)
_NOTE = "downloaded.json"  # in the cache: which file this is
_SIDE_FILES = (".csv", ".txt")
_BELLS = "bells"  # a simulated set with time labels, unlike the others


@dataclass(frozen=True, slots=True)
class Fetched:
    """An archive that is here: where, its original file name, its MD5 and size, and the address it
    came from.

    `validator` is what the server said to know this version of the file by; empty if nothing.
    """

    path: Path
    name: str
    md5: str
    bytes: int
    url: str
    validator: str = ""


def fetch(
    dataset_url: str,
    folder: str | os.PathLike[str],
    *,
    md5: str = "",
    seed: int = 0,
    cache: str | os.PathLike[str] | None = None,
) -> list[Fetched]:
    """Bring the archives of a data set into a folder.

    Parameters
    ----------
    dataset_url : str
        One or more, separated by commas, of: an http, https or file address; a path of an archive;
        a folder of recordings, which is packed into one zip; a name of the catalogue,
        ``dcase2020/pump``; ``simulated/<machine>``, with options of the simulator as a query:
        ``simulated/fan?snr_db=-6&layout=mimii``; ``simulated/bells``.
    folder : path
        Where the archives are put, under their original names.
    md5 : str
        Expected MD5 per archive, separated by commas; empty where unknown. The catalogue's are used
        by themselves.
    seed : int
        Seed of a simulated set.
    cache : path, optional
        Folder in which downloads stay, so that none is made twice: a file there is used again if it
        has the expected MD5 or, where none is known, if the server says that it has not changed.
        What of a broken download is there goes on.

    Returns
    -------
    list of Fetched
        In the order of the addresses.

    Raises
    ------
    DownloadError
        If an address does not answer, or answers with something else than the archive that was
        promised.
    DatasetError
        If a file is no archive, a folder holds no recordings, or a name is not in the catalogue.
    ParameterError
        If `md5` does not fit the addresses, or the simulator has no such option.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    fetched: list[Fetched] = []
    for address, wanted in split_addresses(dataset_url, md5):
        one = _fetch_one(address, folder, wanted, seed, Path(cache) if cache else None)
        if any(one.name == other.name for other in fetched):
            raise DownloadError(
                f"{address}: a second archive of the name {one.name}; rename one of them"
            )
        fetched.append(one)
    return fetched


def split_addresses(dataset_url: str, md5: str = "") -> list[tuple[str, str]]:
    """Return each address with its expected MD5, "" where unknown; nothing is asked for.

    Raises
    ------
    ParameterError
        If there is no address, or `md5` does not fit the addresses.
    """
    addresses = [dataset_url] if dataset_url and _exists(dataset_url) else split_list(dataset_url)
    sums = (
        [part.strip().lower() for part in md5.split(",")] if md5.strip() else [""] * len(addresses)
    )
    if not addresses:
        raise ParameterError(
            "dataset_url is empty; give an address, a path or a name such as simulated/fan"
        )
    if len(sums) != len(addresses):
        raise ParameterError(
            f"dataset_md5 has {len(sums)} value(s) for {len(addresses)} archive(s); give one each, empty where unknown"
        )
    if wrong := [one for one in sums if one and not re.fullmatch("[0-9a-f]{32}", one)]:
        raise ParameterError(f"dataset_md5 is {wrong[0]!r}; an MD5 has 32 hexadecimal digits")
    return list(zip(addresses, sums, strict=True))


def check_address(address: str) -> None:
    """Refuse an address that cannot work wherever it is used; nothing is asked for.

    Raises
    ------
    DownloadError, ParameterError
        As :func:`fetch`.
    """
    if _kind(address) == "simulated":
        _options(address)


def download(url: str, folder: Path, *, md5: str = "", size: int = 0) -> Fetched:
    """Download one archive, and go on where an earlier attempt broke off, also that of another
    process.

    What has arrived lies in ``<name>.part``; beside it ``<name>.part.json`` keeps the address and
    what the server said to know the file by, so that two versions are never joined (RFC 9110,
    If-Range).

    Parameters
    ----------
    url : str
        An http or https address.
    folder : Path
    md5 : str
        Expected MD5; empty if unknown.
    size : int
        Expected number of bytes; 0 if unknown.

    Raises
    ------
    DownloadError
        If it cannot be had, does not fit the disk, or is not what was expected.
    DatasetError
        If it is no archive.
    """
    name = _safe_name(unquote(urlsplit(url).path))
    target = folder / name
    if md5 and target.is_file() and digest(target, "md5") == md5:
        return Fetched(target, name, md5, target.stat().st_size, url)
    part = folder / f"{name}.part"
    while True:
        resumed = part.exists()
        told_name = _transfer_with_retries(url, part, md5, size)
        found = digest(part, "md5")
        if not md5 or found == md5:
            break
        # A beginning from before may be another version's, where the server names none: once more
        # from the start.
        _discard(part)
        if not resumed:
            raise DownloadError(
                f"{url}: has MD5 {found}, not {md5} as expected; check the address and dataset_md5"
            )
    if not _ARCHIVE_SUFFIX.search(name):
        target = folder / _safe_name(told_name or name)
    part.replace(target)
    validator = _noted_validator(part)
    _state(part).unlink(missing_ok=True)
    try:
        open_archive(target).close()
    except DatasetError:
        target.unlink()
        raise
    return Fetched(target, target.name, found, target.stat().st_size, url, validator)


def _fetch_one(address: str, folder: Path, md5: str, seed: int, cache: Path | None) -> Fetched:
    kind = _kind(address)
    if kind in ("web", "catalogue"):
        url, size = address, 0
        if kind == "catalogue":
            entry = catalogue.lookup(address)
            url, md5, size = entry.url, md5 or entry.md5, entry.bytes
        return (
            _download_once(url, folder, md5, size, cache)
            if cache
            else download(url, folder, md5=md5, size=size)
        )
    if kind == "simulated":
        path = _simulate(address, urlsplit(address), folder, seed)
    elif kind == "file":
        path = _bring(Path(url2pathname(urlsplit(address).path)), folder)
    else:
        path = _bring(Path(address), folder)
    one = _fetched(path, address)
    if md5 and one.md5 != md5:
        raise DownloadError(
            f"{address}: has MD5 {one.md5}, not {md5} as expected; check the file and dataset_md5"
        )
    return one


def _kind(address: str) -> typing.Literal["web", "catalogue", "simulated", "file", "path"]:
    """Tell what an address is of."""
    scheme = address.split("://", 1)[0].lower() if "://" in address else ""
    try:
        urlsplit(address)
    except ValueError as error:
        raise DownloadError(f"{address}: is no valid address ({error}); check it") from error
    if scheme in ("http", "https"):
        return "web"
    if address.startswith("simulated/"):
        return "simulated"
    if scheme == "file":
        return "file"
    if scheme:
        raise DownloadError(
            f"{address}: {scheme} is not supported; give an http, https or file address, or download it yourself"
        )
    named = address in catalogue.entries()
    if not named and (
        _exists(address) or _ARCHIVE_SUFFIX.search(address) or address.startswith(("/", ".", "~"))
    ):
        return "path"
    try:
        catalogue.lookup(address)
    except DatasetError as error:
        raise DownloadError(f"{error} (it is no file or folder either)") from error
    return "catalogue"


def _download_once(url: str, folder: Path, md5: str, size: int, cache: Path) -> Fetched:
    """Download into the cache, unless the file is there already, and link it into the folder."""
    place = cache / hashlib.sha256(url.encode()).hexdigest()[:24]
    with _locked(place):
        one = _cached(url, place, md5)
        if one is None:
            one = download(url, place, md5=md5, size=size)
            write_json(
                place / _NOTE,
                {"url": url, "name": one.name, "md5": one.md5, "validator": one.validator},
            )
        else:
            print(f"{one.name} was downloaded before and is taken from {place}")
        return replace(one, path=_link(one.path, folder / one.name))


def _cached(url: str, place: Path, md5: str) -> Fetched | None:
    """Return the file in the cache if it is whole and still what the address gives."""
    try:
        note = json.loads((place / _NOTE).read_text(encoding="utf-8"))
        path, noted, validator = place / _safe_name(note["name"]), note["md5"], note["validator"]
        # A file that was altered or damaged here is not what was downloaded.
        if digest(path, "md5") == noted and (noted == md5 if md5 else _unchanged(url, validator)):
            return Fetched(path, path.name, noted, path.stat().st_size, url, validator)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing there, or a damaged note
    return None


def _unchanged(url: str, validator: str) -> bool:
    """Ask the server whether it still has the version that `validator` stands for (RFC 9110,
    conditional requests).
    """
    if not validator:
        return False
    header = "If-None-Match" if validator.startswith('"') else "If-Modified-Since"
    try:
        with requests.get(
            url,
            headers={header: validator, "Accept-Encoding": "identity"},
            stream=True,
            timeout=_TIMEOUTS,
        ) as response:
            return response.status_code == 304
    except (requests.ConnectionError, requests.Timeout) as error:
        warn(
            f"{url}: cannot be asked whether it has changed ({_innermost(error)}); the copy downloaded before is used"
        )
        return True


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time work in a folder: the items of a sweep want the same archive at the
    same moment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _transfer_with_retries(url: str, part: Path, md5: str, size: int) -> str:
    """Transfer until the file is whole; return the name that the server gave it, or ""."""
    failures = 0
    while True:
        before = _length(part)
        try:
            return _transfer(url, part, md5, size)
        except (
            _PassingError,
            requests.ConnectionError,
            requests.Timeout,
            urllib3.exceptions.HTTPError,
        ) as error:
            if isinstance(error, requests.exceptions.SSLError):
                raise DownloadError(
                    f"{url}: no secure connection ({_innermost(error)}); check the address and the certificates"
                ) from error
            failures = 1 if _length(part) >= before + _MEBIBYTE else failures + 1
            if failures >= ATTEMPTS:
                reason = f"gave up after {failures} attempts ({_innermost(error)})"
                raise DownloadError(
                    f"{url}: {reason}; check the address and the connection, start again to go on"
                ) from error
            asked = error.delay if isinstance(error, _PassingError) else 0.0
            jitter = random.uniform(0.5, 1.0)  # spreads clients that failed together  # noqa: S311
            time.sleep(min(60.0, max(asked, FIRST_DELAY * 2 ** (failures - 1) * jitter)))
        except requests.RequestException as error:
            raise DownloadError(
                f"{url}: cannot be asked for ({_innermost(error)}); check the address"
            ) from error
        except OSError as error:
            raise DownloadError(
                f"{part}: cannot be written ({error.strerror or error}); free space or choose another folder"
            ) from error


def _transfer(url: str, part: Path, md5: str, size: int) -> str:
    """Append what is missing of the file to `part`, or all of it if the server cannot go on where
    it broke off.
    """
    have, validator = _resumable(url, part, md5)
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUTS) as response:
        content_range = re.fullmatch(
            r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", "")
        )
        if response.status_code == 416 and have:
            if content_range and content_range[2] == str(have):
                return _told_name(response)
            _discard(part)
            raise _PassingError("the file became shorter")
        if response.status_code in _PASSING:
            raise _PassingError(
                f"answers {response.status_code} {response.reason}",
                response.headers.get("Retry-After", ""),
            )
        if response.status_code >= 400:
            raise DownloadError(
                f"{url}: answers {response.status_code} {response.reason}; check the address and that it is public"
            )
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise DownloadError(
                f"{url}: answers with a web page, not an archive; take the address of the file itself"
            )
        if response.status_code == 206:
            if not content_range or content_range[1] != str(have):
                _discard(part)
                raise _PassingError("sent another part than asked for")
            total = int(content_range[2]) if content_range[2] != "*" else 0
        else:
            have = 0
            total = int(response.headers.get("Content-Length", 0))
        if size and total and total != size:
            raise DownloadError(
                f"{url}: has {total} bytes, not {size} as expected; check the address"
            )
        missing = max(total - have, 0)
        _require_space(part.parent, missing, part.stem)
        with part.open("ab" if have else "wb") as file:
            if not have:
                write_json(_state(part), {"url": url, "validator": _validator(response)})
            for _ in track(
                _save(response, file),
                label=f"download {part.stem}, MiB",
                total=ceil(missing / _MEBIBYTE),
                unit="MiB",
            ):
                pass
        if (total or size) and _length(part) != (total or size):
            raise _PassingError(f"sent {_length(part)} of {total or size} bytes")
        return _told_name(response)


def _save(response: requests.Response, file: typing.IO[bytes]) -> Iterator[None]:
    """Write the body as it comes, undecoded; yield once per mebibyte."""
    waiting = 0
    for block in response.raw.stream(_BLOCK, decode_content=False):
        file.write(block)
        waiting += len(block)
        if waiting >= _MEBIBYTE:
            waiting -= _MEBIBYTE
            yield


def _resumable(url: str, part: Path, md5: str) -> tuple[int, str]:
    """Return how many bytes of the same file are there, and what tells that it is the same."""
    try:
        state = json.loads(_state(part).read_text(encoding="utf-8"))
        validator = str(state["validator"])
        if state["url"] == url and (validator or md5):
            return _length(part), validator
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no note, or a damaged one: from the start
    return 0, ""


def _noted_validator(part: Path) -> str:
    try:
        return str(json.loads(_state(part).read_text(encoding="utf-8"))["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _validator(response: requests.Response) -> str:
    """Return a strong entity tag, else the date of change, else ""."""
    tag: str = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _told_name(response: requests.Response) -> str:
    message = Message()
    message["Content-Disposition"] = response.headers.get("Content-Disposition", "")
    return message.get_filename() or ""


def _safe_name(name: str) -> str:
    """Return the last component of a name, without what a file system or terminal would take amiss;
    a leading dash is kept.
    """
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    kept = re.sub(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff<>:"|?*]', "_", last).lstrip(".")
    return kept.encode()[-200:].decode(errors="ignore") or "archive"


def _bring(path: Path, folder: Path) -> Path:
    """Link a local archive into the folder, or copy it where that is not possible; pack a folder."""
    open_archive(path).close()
    name = file_name(path)
    if path.is_dir():
        return _pack(path, folder / f"{name}.zip")
    return _link(path, folder / name)


def _link(path: Path, target: Path) -> Path:
    """Link a file to another place, or copy it where that is not possible."""
    source = path.resolve()
    if target.exists() and target.samefile(source):
        return target
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        _require_space(target.parent, source.stat().st_size, target.name)
        with atomic_file(target) as temporary:
            shutil.copyfile(source, temporary)
    return target


def _pack(source: Path, target: Path) -> Path:
    """Pack the recordings of a folder and their tables into one uncompressed zip; equal files give
    equal bytes.
    """
    with open_archive(source) as archive:
        if not archive.recordings():
            raise DatasetError(
                f"{source}: holds no recordings; links and hidden folders are not followed"
            )
        members = [
            member
            for member in archive.members()
            if is_recording(member.name) or member.name.lower().endswith(_SIDE_FILES)
        ]
        _require_space(target.parent, sum(member.size for member in members), target.name)
        with atomic_file(target) as temporary, ZipFile(temporary, "w") as packed:
            for member in track(
                members, label=f"pack {target.name}", total=len(members), unit="file"
            ):
                packed.writestr(ZipInfo(member.name), archive.read(member.name))
    return target


def _simulate(address: str, parts: SplitResult, folder: Path, seed: int) -> Path:
    machine = parts.path.removeprefix("simulated/")
    options = {"seed": seed, "snr_db": 0.0} | _options(address)
    if machine == _BELLS:
        simulate_bells(target := folder / "bells.zip", **options)
        return target
    # Named as MIMII's archives are: the ratio stands in the name alone.
    target = folder / _safe_name(f"{options['snr_db']:g}_dB_{machine}.zip")
    simulate_archive(target, machine=machine, **options)
    return target


def _options(address: str) -> dict[str, typing.Any]:
    """Parse the query of a simulated set by the types of the simulator's own parameters."""
    parts = urlsplit(address)
    simulator = (
        simulate_bells if parts.path.removeprefix("simulated/") == _BELLS else simulate_archive
    )
    query, types = parts.query, typing.get_type_hints(simulator)
    known = [
        name for name in inspect.signature(simulator).parameters if name not in ("path", "machine")
    ]
    options: dict[str, typing.Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            raise ParameterError(
                f"{address}: the simulator has no option {name!r}; it has {', '.join(known)}"
            )
        kinds = {types[name], *typing.get_args(types[name])}
        try:
            options[name] = int(text) if int in kinds else float(text) if float in kinds else text
        except ValueError as error:
            raise ParameterError(f"{address}: {name} is {text!r}; give a number") from error
    return options


def _require_space(folder: Path, needed: int, name: str) -> None:
    free = shutil.disk_usage(folder).free
    if needed + DISK_RESERVE > free:
        raise DownloadError(
            f"{name}: needs {needed / 1e9:.2f} GB, {folder} has {free / 1e9:.2f} GB free; free space or choose another folder"
        )


def _fetched(path: Path, url: str) -> Fetched:
    return Fetched(path, path.name, digest(path, "md5"), path.stat().st_size, url)


def _state(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _state(part).unlink(missing_ok=True)


def _exists(address: str) -> bool:
    return os.path.exists(address)  # pathlib's raises on addresses longer than a file name may be  # noqa: PTH110


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _innermost(error: BaseException) -> str:
    """Return the reason without the layers of libraries around it, on one line."""
    while True:
        inner = getattr(error, "reason", None) or next(
            (one for one in error.args if isinstance(one, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return " ".join(str(error).split())
        error = inner


class _PassingError(Exception):
    """A fault that may be gone at the next attempt; `delay` is how many seconds the server asks to
    wait.
    """

    def __init__(self, reason: str, retry_after: str = "") -> None:
        super().__init__(reason)
        self.delay = float(retry_after) if retry_after.isdigit() else 0.0
