"""Recordings read in place from a zip, a tar or a folder.

Nothing is unpacked, so no path can escape and no disk fills with small files. Archives are not
trusted: names, counts and sizes are bounded when the archive is listed, and bytes are counted again
while they are read, because declared sizes can be wrong.
"""

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from threading import Lock
from types import TracebackType
from typing import IO, Any, NoReturn, Self

from stethoscope.errors import DatasetError
from stethoscope.files import advice_on_path
from stethoscope.sound.formats import SUFFIXES
from stethoscope.system import explain_access

MAX_MEMBERS = 200_000
"""Most members of an archive; the largest public sets hold fewer than 60,000."""

MAX_MEMBER_BYTES = 1 << 30
"""Largest member, in bytes: an hour of eight channels at 16 kHz and 16 bit is 0.92e9."""

MAX_TOTAL_BYTES = 256 << 30
"""Most bytes that an archive may hold unpacked."""

MAX_RATIO = 100
"""Most unpacked bytes per packed byte over an archive; a single silent clip may have more."""

RATIO_ALLOWANCE = 64 << 20
"""Unpacked bytes that are allowed before `MAX_RATIO` applies."""

MAX_ZIP_DIRECTORY_BYTES = 64 << 20
"""Largest central directory of a zip, in bytes, because it is parsed as a whole."""

LARGE_BYTES = 32 << 20
"""Size above which :meth:`Archive.stream_files` yields a member as a file."""

_BLOCK = 1 << 20
_FIRST_DAY = date(1980, 1, 1)  # a zip's date where the program that packed it knew none
_TAR_BLOCK = 512
# What the readers of the standard library raise on damaged or invented bytes.
_LONGEST_REASON = 300  # characters
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    OverflowError,
    RuntimeError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
)


Reader = Callable[[], bytes]
"""Reads a member of an archive."""


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive.

    Attributes
    ----------
    name : str
        With forward slashes.
    size : int
        In bytes.
    modified : float
        When it was last changed, in seconds since 1970, to 2 s in a zip; 0 where it is not known.
    """

    name: str
    size: int
    modified: float = 0.0


class Archive(ABC):
    """Recordings and their side files in a zip, tar or folder, opened by :func:`open_archive`.

    Attributes
    ----------
    path : Path
    name : str
        File name of the archive or folder.
    """

    _in_any_order = True  # whether members can be read one by one, in several threads

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = file_name(path)
        self._links: list[str] = []

    def members(self) -> list[Member]:
        """List the regular files, in archive order. Links, dot files and ``__MACOSX`` are left out.

        A compressed tar is read through once for this, any other archive is not.

        Raises
        ------
        DatasetError
            If the archive is broken, cut off, encrypted, or beyond one of the bounds of this
            module.
        """
        return [member for member, _ in self._entries.values()]

    def links(self) -> list[str]:
        """List the links to recordings or folders; none is followed, as it could lead anywhere."""
        self.members()
        return sorted(
            str(name)
            for name in map(PurePosixPath, self._links)
            if (is_recording(str(name)) or not name.suffix)
            and not any(part.startswith(".") for part in name.parts)
        )

    def recordings(self) -> list[Member]:
        """List the members that are recordings by their ending."""
        return [member for member in self.members() if is_recording(member.name)]

    def read(self, name: str) -> bytes:
        """Return the bytes of one member.

        This is slow for a compressed tar, which is read from its start; prefer :meth:`stream`.

        Raises
        ------
        DatasetError
            If there is no such member, or it is broken.
        """
        if name not in self._entries:
            raise DatasetError(f"{self.name}: holds no {name}")
        member, entry = self._entries[name]
        try:
            data = self._read(entry)
        except MemoryError as error:
            raise DatasetError(
                f"{self.name}: {name} does not fit in memory ({member.size} bytes)"
            ) from error
        except _UNREADABLE as error:
            raise self._broken(name, error) from error
        if len(data) != member.size:
            raise self._wrong_size(member, len(data))
        return data

    def _chosen(self, names: Iterable[str]) -> Iterator[tuple[str, Member, Any]]:
        """Yield name, member and handle of the named members, in archive order."""
        wanted = set(names)
        if missing := wanted - self._entries.keys():
            raise DatasetError(f"{self.name}: holds no {min(missing)}")
        for name, (member, entry) in self._entries.items():
            if name in wanted:
                yield name, member, entry

    def stream(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | DatasetError]]:
        """Yield the named members in archive order, in one sequential pass.

        A broken member of a zip or folder is yielded as an error, and the pass continues. In a tar
        nothing can be found behind a broken member, so each later member is yielded as an error.

        Raises
        ------
        DatasetError
            If a name is not in the archive.
        """
        for name, _, _ in self._chosen(names):
            try:
                yield name, self.read(name)
            except DatasetError as error:
                yield name, error

    def stream_files(
        self, names: Iterable[str]
    ) -> Iterator[tuple[str, bytes | Path | DatasetError]]:
        """Yield the named members as :meth:`stream` does, but large ones as files.

        The file of a large member exists until the next one is taken.

        Raises
        ------
        DatasetError
            If a name is not in the archive.
        """
        for name, content in self.stream_readers(names):
            try:
                yield name, content if isinstance(content, Path) else content()
            except DatasetError as error:
                yield name, error

    def stream_readers(self, names: Iterable[str]) -> Iterator[tuple[str, Path | Reader]]:
        """Yield the named members in archive order: large ones as files, others as functions.

        The file of a large member exists until the next one is taken. The function of another one
        returns its bytes or raises the DatasetError of :meth:`read`. It may be called in any
        thread, while the archive is open: the members of a zip or folder are read when it is
        called, those of a tar before, in one sequential pass.

        Raises
        ------
        DatasetError
            If a name is not in the archive.
        """
        for name, member, entry in self._chosen(names):
            if member.size <= LARGE_BYTES:
                yield name, partial(self.read, name) if self._in_any_order else self._content(name)
                continue
            try:
                with self._as_file(member, entry) as path:
                    yield name, path
            except DatasetError as error:
                yield name, partial(_raise, error)

    def _content(self, name: str) -> Reader:
        """Read a member now, and return the function that returns it."""
        try:
            content = self.read(name)
        except DatasetError as error:
            return partial(_raise, error)
        return lambda: content

    @contextmanager
    def _as_file(self, member: Member, entry: Any) -> Iterator[Path]:
        """Unpack a member into a temporary file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"member{PurePosixPath(member.name).suffix}")
            try:
                with self._opened(entry) as packed, path.open("wb") as file:
                    left = member.size
                    while block := packed.read(min(_BLOCK, left)):
                        file.write(block)
                        left -= len(block)
            except _UNREADABLE as error:
                raise self._broken(member.name, error) from error
            if left:
                raise self._wrong_size(member, member.size - left)
            yield path

    def _broken(self, name: str, error: Exception) -> DatasetError:
        if reason := explain_access(error):
            return DatasetError(f"{self.name}: {name}: {reason}")
        return DatasetError(
            f"{self.name}: {name} is broken ({_reason(error)}); get the archive again"
        )

    def _wrong_size(self, member: Member, size: int) -> DatasetError:
        return DatasetError(
            f"{self.name}: {member.name} has {size} bytes where {member.size} were declared;"
            " get the archive again"
        )

    def close(self) -> None:  # a folder has nothing to close  # noqa: B027
        """Close the underlying file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @cached_property
    def _entries(self) -> dict[str, tuple[Member, Any]]:
        """Members by name, in archive order, with what `_read` needs to find each."""
        entries: dict[str, tuple[Member, Any]] = {}
        most = self._most_bytes()
        total = 0
        try:
            for count, (raw_name, size, modified, entry) in enumerate(self._scan(), start=1):
                total += size
                if count > MAX_MEMBERS:
                    raise DatasetError(
                        f"{self.name}: holds more than {MAX_MEMBERS} members; split it"
                    )
                if size > MAX_MEMBER_BYTES:
                    raise DatasetError(
                        f"{self.name}: {raw_name!r} has {size} bytes, over {MAX_MEMBER_BYTES};"
                        " cut it into clips"
                    )
                if total > most:
                    raise DatasetError(
                        f"{self.name}: unpacks to over {most} bytes, too many for its size;"
                        " pack it uncompressed"
                    )
                name = self._checked(raw_name)
                if name and name in entries:
                    raise DatasetError(f"{self.name}: holds {name!r} twice; pack it again")
                if name:
                    entries[name] = Member(name, size, modified), entry
        except _UNREADABLE as error:
            if reason := explain_access(error):
                place = getattr(error, "filename", None) or self.path
                raise DatasetError(f"{place}: {reason}") from error
            raise DatasetError(
                f"{self.name}: is broken or cut off ({_reason(error)}); get it again"
            ) from error
        return entries

    def _checked(self, raw_name: str) -> str:
        """Return a member's name with forward slashes, or "" if it is to be left out."""
        name = raw_name.replace("\\", "/")
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or name[1:3] == ":/":
            raise DatasetError(
                f"{self.name}: member {raw_name!r} points outside the archive; do not trust it"
            )
        # The first condition is only the faster one: those characters cannot be printed.
        if not name.isprintable() and any(
            unicodedata.category(character) in ("Cc", "Cs") for character in name
        ):
            raise DatasetError(
                f"{self.name}: member {raw_name!r} has control or undecodable characters in its"
                " name; rename it"
            )
        return (
            ""
            if any(part.startswith(".") or part == "__MACOSX" for part in parts)
            else "/".join(parts)
        )

    def _most_bytes(self) -> int:
        return min(MAX_TOTAL_BYTES, MAX_RATIO * self.path.stat().st_size + RATIO_ALLOWANCE)

    @abstractmethod
    def _scan(self) -> Iterator[tuple[str, int, float, Any]]:
        """Yield name, size, time and handle of every regular file, in archive order."""

    @abstractmethod
    def _read(self, entry: Any) -> bytes: ...

    @abstractmethod
    def _open(self, entry: Any) -> IO[bytes]: ...

    @contextmanager
    def _opened(self, entry: Any) -> Iterator[IO[bytes]]:
        with self._open(entry) as file:
            yield file


class _Folder(Archive):
    def _most_bytes(self) -> int:
        return MAX_TOTAL_BYTES

    def _scan(self) -> Iterator[tuple[str, int, float, Path]]:
        def refuse(error: OSError) -> None:
            raise error

        for folder, subfolders, files in os.walk(self.path, onerror=refuse):
            # Removed here, so that a hidden folder such as .git is not read.
            subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
            place, root = Path(folder).relative_to(self.path).as_posix(), Path(folder)
            links = [name for name in subfolders if (root / name).is_symlink()]
            for file in sorted([*files, *links]):
                path = root / file
                status = path.lstat()
                name = file if place == "." else f"{place}/{file}"
                if stat.S_ISREG(status.st_mode):
                    yield name, status.st_size, status.st_mtime, path
                elif stat.S_ISLNK(status.st_mode):
                    self._links.append(name)

    def _read(self, entry: Path) -> bytes:
        return entry.read_bytes()

    def _open(self, entry: Path) -> IO[bytes]:
        return entry.open("rb")

    @contextmanager
    def _as_file(self, member: Member, entry: Path) -> Iterator[Path]:
        del member
        yield entry


class _Zip(Archive):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lock = Lock()
        try:
            if _zip_directory_bytes(path) > MAX_ZIP_DIRECTORY_BYTES:
                raise DatasetError(
                    f"{self.name}: its directory alone has more than {MAX_ZIP_DIRECTORY_BYTES}"
                    " bytes; split it"
                )
            self._zip = zipfile.ZipFile(path)
        except _UNREADABLE as error:
            raise DatasetError(
                f"{self.name}: is a broken or cut-off zip ({_reason(error)}); get it again"
            ) from error

    def close(self) -> None:
        self._zip.close()

    def _scan(self) -> Iterator[tuple[str, int, float, zipfile.ZipInfo]]:
        for info in sorted(self._zip.infolist(), key=lambda info: info.header_offset):
            mode = info.external_attr >> 16
            if stat.S_ISLNK(mode):
                self._links.append(info.filename)
            if info.filename.endswith("/") or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
                continue
            if info.flag_bits & 1:
                raise DatasetError(
                    f"{self.name}: {info.filename!r} is encrypted; pack it again without a password"
                )
            yield info.filename, info.file_size, _time_of_zip(info), info

    def _read(self, entry: zipfile.ZipInfo) -> bytes:
        with self._opened(entry) as file:
            # Without a bound, an entry with a wrong size could unpack to 2 GiB.
            return file.read(entry.file_size + 1)

    @contextmanager
    def _opened(self, entry: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
        # zipfile counts its open members without a lock of its own.
        with self._lock:
            file = self._open(entry)
        try:
            yield file
        finally:
            with self._lock:
                file.close()

    def _open(self, entry: zipfile.ZipInfo) -> IO[bytes]:
        # The bz2 and lzma decoders of zipfile unpack without a bound: a few bytes could fill the
        # memory.
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DatasetError(
                f"{self.name}: {entry.filename} is packed by method {entry.compress_type};"
                " pack it again with deflate"
            )
        return self._zip.open(entry)


class _Tar(Archive):
    _in_any_order = False

    def __init__(self, path: Path, unpack: Callable[[Path], io.BufferedIOBase]) -> None:
        super().__init__(path)
        self._bytes = _BoundedReader(unpack(path), self._most_bytes())
        try:
            self._tar = tarfile.TarFile(fileobj=self._bytes)
        except _UNREADABLE as error:
            self._bytes.close()
            raise DatasetError(
                f"{self.name}: is not a zip or tar archive, or a broken one ({_reason(error)});"
                " get it again"
            ) from error

    def close(self) -> None:
        self._tar.close()
        self._bytes.close()

    def _scan(self) -> Iterator[tuple[str, int, float, tarfile.TarInfo]]:
        for info in self._tar:
            if info.isreg():
                yield info.name, info.size, float(info.mtime), info
            elif info.issym() or info.islnk():
                self._links.append(info.name)
        # For tarfile a cut or damaged header is the end. A complete tar ends with zeros; behind
        # them follows the checksum of its compression.
        if self._bytes.last != bytes(_TAR_BLOCK):
            raise tarfile.ReadError("no end of archive")
        while self._bytes.read(_BLOCK):
            pass

    def _read(self, entry: tarfile.TarInfo) -> bytes:
        file = self._open(entry)
        return b"".join(iter(lambda: file.read(_BLOCK), b""))

    def _open(self, entry: tarfile.TarInfo) -> IO[bytes]:
        file = self._tar.extractfile(entry)
        assert file is not None  # only regular files are listed  # noqa: S101
        return file


class _BoundedReader(io.RawIOBase):
    """A seekable reader that stops at a number of bytes and refuses large single reads.

    tarfile reads an extended header at once, whatever size it declares; members are read block by
    block.
    """

    def __init__(self, file: io.BufferedIOBase, most: int) -> None:
        self._file = file
        self._most = most
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _BLOCK:
            raise tarfile.ReadError(f"a header of {size} bytes")
        self.last = self._file.read(size)
        if self._file.tell() > self._most:
            raise tarfile.ReadError(f"more than {self._most} bytes unpacked")
        return self.last

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


def open_archive(path: str | os.PathLike[str]) -> Archive:
    """Open a zip, a tar (plain, gzip, bzip2, xz) or a folder.

    The kind is determined from the first bytes, not from the name.

    Raises
    ------
    DatasetError
        If it does not exist, is empty, is none of these, or is broken.
    """
    path = Path(path)
    # pathlib's is_dir() raises an error for a name that is too long.
    if os.path.isdir(path):  # noqa: PTH112
        return _Folder(path)
    try:
        with path.open("rb") as file:
            start = file.read(_TAR_BLOCK)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        advice = advice_on_path(path) or "give a zip, a tar or a folder"
        raise DatasetError(f"{path}: {explain_access(error) or f'{reason}; {advice}'}") from error
    if not start:
        raise DatasetError(f"{path.name}: is empty; get it again")
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        return _Zip(path)
    if is_web_page(start):
        raise DatasetError(
            f"{path.name}: is a web page, not an archive; take the address of the file itself"
        )
    for magic, unpack in _UNPACKERS.items():
        if start.startswith(magic):
            return _Tar(path, unpack)
    return _Tar(path, lambda path: path.open("rb"))


def file_name(path: Path) -> str:
    """Return the name of a file or folder: of a link its own name, of ``.`` the folder's name."""
    return path.resolve().name if path.name in ("", "..") else path.name


def is_recording(name: str) -> bool:
    """Return whether a name has the suffix of a recording."""
    return name.lower().endswith(SUFFIXES)


def is_web_page(start: bytes) -> bool:
    """Return whether a file begins as HTML does, which many servers send for a missing archive."""
    return start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html"))


_UNPACKERS: dict[bytes, Callable[[Path], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}


def _zip_directory_bytes(path: Path) -> int:
    """Return the size of a zip's central directory, as its end record declares it.

    See PKWARE APPNOTE, 4.3.14 to 4.3.16.
    """
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(-min(file.tell(), 22 + 0xFFFF), os.SEEK_END)
        tail = file.read()
        end = tail.rfind(b"PK\5\6")
        if not 0 <= end <= len(tail) - 22:
            raise zipfile.BadZipFile("no directory at its end")
        size: int = struct.unpack_from("<L", tail, end + 12)[0]
        locator = end - 20
        if locator >= 0 and tail.startswith(b"PK\6\7", locator):
            file.seek(struct.unpack_from("<Q", tail, locator + 8)[0])
            record = file.read(56)
            if record.startswith(b"PK\6\6"):
                size = struct.unpack_from("<Q", record, 40)[0]
        return size


def _time_of_zip(info: zipfile.ZipInfo) -> float:
    """Return when an entry was changed; 0 for the first day of a zip's calendar, or a wrong one."""
    try:
        when = datetime(*info.date_time, tzinfo=UTC)
    except ValueError:
        return 0.0
    return when.timestamp() if when.date() > _FIRST_DAY else 0.0


def _raise(error: DatasetError) -> NoReturn:
    raise error


def _reason(error: Exception) -> str:
    """Return what a library says in one line; zipfile quotes names of up to 64 KiB."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"
