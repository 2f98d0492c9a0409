"""Put files into a folder: under a safe name, only where there is space, linked where possible."""

import os
import re
import shutil
from pathlib import Path

from stethoscope.errors import DownloadError
from stethoscope.files import atomic_file

DISK_RESERVE = 64 << 20
"""Bytes that must stay free on the disk."""

_LONGEST_NAME = 200  # bytes


def safe_name(name: str) -> str:
    """Return the last component of a path without unsafe characters.

    These are characters that a file system or terminal could misinterpret. A leading dash is kept.
    """
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    kept = re.sub(r'[\x00-\x1f\x7f-\x9f\ud800-\udfff<>:"|?*]', "_", last).lstrip(".")
    return kept.encode()[-_LONGEST_NAME:].decode(errors="ignore") or "archive"


def require_space(folder: Path, needed: int, name: str) -> None:
    """Refuse to begin writing `needed` bytes to a folder whose disk cannot hold them.

    Raises
    ------
    DownloadError
        If less than :data:`DISK_RESERVE` would stay free.
    """
    free = shutil.disk_usage(folder).free
    if needed + DISK_RESERVE > free:
        raise DownloadError(
            f"{name}: needs {needed / 1e9:.2f} GB, {folder} has {free / 1e9:.2f} GB free;"
            " free space or choose another folder"
        )


def link_or_copy(path: Path, target: Path) -> Path:
    """Make `target` a hard link to a file, or a copy where a link is not possible."""
    source = path.resolve()
    if target.exists() and target.samefile(source):
        return target
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        require_space(target.parent, source.stat().st_size, target.name)
        with atomic_file(target) as temporary:
            shutil.copyfile(source, temporary)
    return target
