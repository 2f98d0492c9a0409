"""The exported folder as a package: ESP-IDF, Arduino, PlatformIO, Zephyr and plain CMake.

An Arduino IDE compiles everything in ``src``, so that the self-test and the examples lie outside of
it.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from stethoscope import __version__

_COMPUTER, _ESP32, _ARDUINO, _ZEPHYR = (
    f"examples/{folder}" for folder in ("computer", "esp32/main", "microphone", "zephyr/src")
)
_SHARED = {
    "examples": (_COMPUTER, _ESP32, _ARDUINO, _ZEPHYR),
    "examples/boards": (_ESP32, _ARDUINO, _ZEPHYR),
    "examples/i2s": (_ESP32, _ARDUINO),
}
"""The examples that each get a copy of the headers in a folder: a sketch or a project is moved and
copied alone.
"""


def placed(name: str) -> Iterator[str]:
    """Yield where a source file is put in the exported folder; `name` is its own place."""
    path = PurePosixPath(name)
    folders = _SHARED.get(str(path.parent))
    if folders is None:
        yield name
    else:
        yield from (f"{folder}/{path.name}" for folder in folders)


def package_values(name: str, sources: str) -> dict[str, str]:
    """Return the values for the templates of manifests and build files.

    Parameters
    ----------
    name : str
        Of the model.
    sources : str
        Names of the files in ``src`` to compile, separated by spaces.
    """
    version = re.match(r"\d+\.\d+\.\d+", __version__)
    plain = " ".join(re.findall(r"[\w.-]+", name))
    return {
        "sources": sources,
        "sentence": f"Sound detector {plain} exported by stethoscope",
        "semantic_version": version[0] if version else "0.0.0",
    }
