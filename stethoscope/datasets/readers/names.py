"""Machine type and signal-to-noise ratio in the names of archives and folders."""

import re
from pathlib import PurePosixPath

_SNR = re.compile(r"(?<![\d.])(?P<snr>[-+]?\d+(?:\.\d+)?)[_ ]?dB(?![a-z])", re.IGNORECASE)
_SUFFIX = re.compile(r"\.(zip|tar|tgz|tar\.\w+)$", re.IGNORECASE)
_PARTS_OF_CHALLENGES = re.compile(r"^((dev|eval)_(data_)?)?((train|test)_)?|_(train|test)(_r\d)?$")


def machine_of_name(name: str) -> str:
    """Return the machine type in the file name of an archive.

    It is ``fan`` in ``dev_data_fan.zip`` and in ``-6_dB_fan.zip``.
    """
    return _PARTS_OF_CHALLENGES.sub("", _without_snr(_SUFFIX.sub("", name)))


def machine_of_path(folder: PurePosixPath, archive_name: str) -> str:
    """Return the machine type of the recordings in a folder.

    It is the name of the nearest folder that is more than a signal-to-noise ratio, else the machine
    type in the archive's name.
    """
    names = filter(None, map(_without_snr, reversed(folder.parts)))
    return next(names, machine_of_name(archive_name))


def snr_of_name(name: str) -> float | None:
    """Return the signal-to-noise ratio in a name, -6.0 dB in ``-6_dB_fan``; None without one."""
    match = _SNR.search(name)
    return float(match["snr"]) if match else None


def snr_of_path(path: PurePosixPath, archive_name: str) -> float | None:
    """Return the signal-to-noise ratio in the name of the nearest folder, else of the archive."""
    found = (snr_of_name(part) for part in (*reversed(path.parent.parts), archive_name))
    return next((snr for snr in found if snr is not None), None)


def _without_snr(name: str) -> str:
    return _SNR.sub("", name).strip("_- ")
