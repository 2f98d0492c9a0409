"""Archives and folders of recordings that are on this machine already."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from stethoscope.datasets.archives import Member, file_name, is_recording, open_archive
from stethoscope.datasets.download.placing import link_or_copy, require_space
from stethoscope.errors import DatasetError
from stethoscope.files import atomic_file
from stethoscope.progress import track

_FIRST_TIME = datetime(1980, 1, 1, tzinfo=UTC)  # that a zip can state
_BLOCK = 1 << 20
_SIDE_FILES = (".csv", ".txt")


def copy_local(path: Path, folder: Path) -> Path:
    """Put a local archive into a folder, as a link if possible; pack a folder of recordings.

    Raises
    ------
    DatasetError
        If it is no archive, or a folder without recordings.
    """
    open_archive(path).close()
    name = file_name(path)
    if path.is_dir():
        return _pack(path, folder / f"{name}.zip")
    return link_or_copy(path, folder / name)


def _pack(source: Path, target: Path) -> Path:
    """Pack the recordings of a folder and their tables into one uncompressed zip.

    The same files with the same times give the same bytes.
    """
    with open_archive(source) as archive:
        if not archive.recordings():
            raise DatasetError(
                f"{source}: holds no recordings; links and hidden folders are not followed"
            )
        members = {
            member.name: member
            for member in archive.members()
            if is_recording(member.name) or member.name.lower().endswith(_SIDE_FILES)
        }
        require_space(target.parent, sum(one.size for one in members.values()), target.name)
        contents = track(
            archive.stream_files(members),
            label=f"pack {target.name}",
            total=len(members),
            unit="file",
        )
        with atomic_file(target) as temporary, ZipFile(temporary, "w") as packed:
            for name, content in contents:
                _add(packed, members[name], content)
    return target


def _add(packed: ZipFile, member: Member, content: bytes | Path | DatasetError) -> None:
    """Add a file to a zip, a large one block by block."""
    if isinstance(content, DatasetError):
        raise content
    with packed.open(_zip_info(member), "w") as entry:
        if isinstance(content, bytes):
            entry.write(content)
            return
        with content.open("rb") as file:
            shutil.copyfileobj(file, entry, _BLOCK)
            if file.tell() != member.size:
                raise DatasetError(
                    f"{member.name}: changed while it was read; wait until it is complete"
                )


def _zip_info(member: Member) -> ZipInfo:
    """Return the entry of a file; its time tells which recordings belong to one session."""
    when = max(datetime.fromtimestamp(member.modified, UTC), _FIRST_TIME)
    entry = ZipInfo(member.name, when.timetuple()[:6])
    entry.file_size = member.size
    return entry
