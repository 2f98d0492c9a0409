"""Words for the errors of the operating system, each with its remedy.

A full disk, a folder that may not be written, too little memory, a killed process: what Python
raises then says neither which folder was meant nor what to do.
"""

import errno
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from stethoscope.files import advice_on_path, cache_folder

_FULL = 16 << 20
"""A disk with fewer bytes free counts as full."""

_FAILURES = {
    errno.ENOSPC: ("the disk is full", "free space there"),
    errno.EDQUOT: ("the disk quota is used up", "delete files there"),
    errno.EFBIG: ("the file became larger than allowed", "raise the limit (`ulimit -f`)"),
    errno.EROFS: ("cannot be written, the file system is read-only", ""),
    errno.EACCES: ("permission denied", "change its permissions"),
    errno.EPERM: ("permission denied", "change its permissions"),
    errno.EIO: ("the disk reports an error", "check the disk"),
    errno.ENAMETOOLONG: ("the name is too long", ""),
}
"""What is wrong with a place, and what to do about it there."""

_LIMITS = {
    errno.EMFILE: "too many files are open; raise the limit (`ulimit -n`) and start again",
    errno.ENFILE: "too many files are open on this computer; close other programs",
    errno.EAGAIN: "no further process or thread may be started; raise the limit (`ulimit -u`)",
}
"""What is wrong with the process, and what to do about it."""

_MEMORY = (
    "memory ran out{detail}; close other programs, use fewer or shorter recordings, "
    "or a computer with more memory"
)

_TEXTS = {
    "No space left on device": errno.ENOSPC,
    " requested and ": errno.ENOSPC,  # numpy, of items of an array: N requested and M written
    "Not enough free space": errno.ENOSPC,  # numpy, of a large array
    "Disk quota exceeded": errno.EDQUOT,
    "File too large": errno.EFBIG,
    "Read-only file system": errno.EROFS,
    "Cannot allocate memory": errno.ENOMEM,
    "OOM when allocating": errno.ENOMEM,
    "std::bad_alloc": errno.ENOMEM,
    "can't start new thread": errno.EAGAIN,
}
"""Texts of libraries that report the system's error without its number."""

_SIGNALS = {
    signal.SIGABRT: "aborted (SIGABRT); perhaps memory ran out",
    signal.SIGSEGV: "crashed (SIGSEGV)",
    signal.SIGTERM: "was stopped (SIGTERM)",
    **(
        {
            signal.SIGBUS: "lost a file it was reading or writing (SIGBUS): perhaps the disk is "
            "full, or the file was shortened; free space and start again",
            signal.SIGXCPU: "reached its limit of processor time; raise it (`ulimit -t`)",
            signal.SIGXFSZ: "wrote a file larger than allowed; raise the limit (`ulimit -f`)",
        }
        if hasattr(signal, "SIGXCPU")
        else {}
    ),
}


def explain(error: BaseException, *, folders: Sequence[Path] = ()) -> str:
    """Return one line for an error of the operating system: what it is about, and the remedy.

    Parameters
    ----------
    error : exception
        Its causes are considered as well: a library may have wrapped the system's error.
    folders : sequence of Path
        Where the program writes. If a full disk is reported without a name, the one of these that
        has no space left is named; the caches, the temporary folder and the current folder are
        always considered.

    Returns
    -------
    str
        Empty if the system has nothing to do with the error.
    """
    for one in _causes(error):
        if text := _explain_one(one, folders):
            return text
    return ""


def explain_access(error: BaseException) -> str:
    """Return why a file could not be read, and the remedy; empty if its content is the reason.

    The message that begins with the name of the file goes on with it.
    """
    number = error.errno if isinstance(error, OSError) else None
    if number in _LIMITS:
        return _LIMITS[number]
    what, remedy = _FAILURES.get(number or 0, ("", ""))
    return f"{what}; {remedy}" if remedy else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the errors that it was raised from or during."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _explain_one(error: BaseException, folders: Sequence[Path]) -> str:
    number = _number(error)
    if number == errno.ENOMEM:
        return _MEMORY.format(detail=_wanted(error))
    if number in _LIMITS:
        return _LIMITS[number]
    if "No usable temporary directory" in str(error):
        return "no folder for temporary files can be written; set TMPDIR to one that can"
    name = _name(error)
    if number in _FAILURES:
        what, remedy = _FAILURES[number]
        place = Path(name) if name else _fullest(folders) if number == errno.ENOSPC else None
        remedies = " or ".join(part for part in (remedy, _elsewhere(place)) if part)
        return f"{place}: {what}; {remedies}" if place else f"{what}; {remedies}"
    if number is not None and name:
        advice = advice_on_path(name) if number == errno.ENOENT else ""
        return f"{name}: {os.strerror(number).lower()}; {advice or 'check the path'}"
    return ""


def _number(error: BaseException) -> int | None:
    """Return the number of the system's error, as in :mod:`errno`."""
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        text = str(error)
        return errno.ENOSPC if "No space left" in text else errno.ENOMEM
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if isinstance(error, OSError | RuntimeError | ValueError):
        return next((number for text, number in _TEXTS.items() if text in str(error)), None)
    return None


def _name(error: BaseException) -> str:
    """Return the file that the error is about; empty if it does not tell."""
    name = getattr(error, "filename", None)
    return os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else ""


def _wanted(error: BaseException) -> str:
    """Return how much memory was asked for, as numpy says it: `` (3.00 GiB were needed)``."""
    found = re.search(r"allocate ([\d.]+ [KMGT]iB)", str(error))
    return f" ({found[1]} more were needed)" if found else ""


def _fullest(folders: Sequence[Path]) -> Path | None:
    """Return a folder whose disk is full, if there is one."""
    for folder in (*folders, cache_folder(), Path(_temporary()), Path.cwd()):
        try:
            if shutil.disk_usage(folder).free < _FULL:
                return folder
        except OSError:
            continue
    return None


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:
        return os.environ.get("TMPDIR", "/tmp")  # noqa: S108  # nothing is written there


def _elsewhere(place: Path | None) -> str:
    """Return how another place is chosen."""
    if place is not None and place.absolute().is_relative_to(cache_folder()):
        return "set STETHOSCOPE_CACHE to another folder"
    if place is not None and _is_temporary(place):
        return "set TMPDIR to another folder"
    return "choose another folder"


def _is_temporary(place: Path) -> bool:
    """Return whether a place is the folder for temporary files, or one that Python makes in it."""
    folder = Path(_temporary())
    if not place.absolute().is_relative_to(folder):
        return False
    inside = place.absolute().relative_to(folder).parts
    return not inside or inside[0].startswith(tempfile.gettempprefix())


def explain_exit(status: int, *, out_of_memory: bool = False) -> str:
    """Return how a process ended, for a message that begins with its name.

    Parameters
    ----------
    status : int
        As of :class:`subprocess.Popen`: negative for a signal.
    out_of_memory : bool
        Whether the system has killed a process for want of memory meanwhile, see
        :func:`killed_for_memory`.
    """
    if status >= 0:
        return f"ended with status {status}"
    if -status == signal.SIGKILL:
        certain = "was killed because memory ran out"
        likely = "was killed (SIGKILL), perhaps because memory ran out"
        remedy = "close other programs, use fewer or shorter recordings, or more memory"
        return f"{certain if out_of_memory else likely}; {remedy}"
    for number, text in _SIGNALS.items():
        if number == -status:
            return text
    return f"was ended by signal {-status}"


def killed_for_memory() -> int:
    """Return how many processes the system has killed for want of memory; 0 where it is unknown."""
    total = 0
    for file in ("/sys/fs/cgroup/memory.events", "/proc/vmstat"):
        try:
            found = re.search(r"^oom_kill (\d+)$", Path(file).read_text(), re.MULTILINE)
        except OSError:
            continue
        total += int(found[1]) if found else 0
    return total
