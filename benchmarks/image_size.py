"""Sizes of what the images hold beside their base, from the packages that are installed here.

    python benchmarks/image_size.py

Names and versions are those of ``requirements/``, the sizes those of the installed files. Packages
for other systems, and those that are not installed here, are left out and named.
"""

import importlib.metadata
import re
from pathlib import Path

from packaging.markers import Marker

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 6


def locked(path: Path) -> list[str]:
    """Return the names of the packages in a file that this system needs."""
    found = re.findall(
        r"^([A-Za-z0-9._-]+)==[^ ;\\]+(?: ; (.+?))? ?\\?$", path.read_text(), flags=re.MULTILINE
    )
    return [name for name, marker in found if not marker or Marker(marker).evaluate()]


def size(name: str) -> int:
    """Return the bytes of the installed files of a package."""
    files = importlib.metadata.files(name) or ()
    return sum(
        Path(str(one.locate())).stat().st_size for one in files if Path(str(one.locate())).is_file()
    )


def main() -> None:
    """Print the sizes."""
    for image in ("pipeline", "steps", "serve"):
        sizes, absent = {}, []
        for name in locked(ROOT / "requirements" / f"{image}.txt"):
            try:
                sizes[name] = size(name) / 1e6
            except importlib.metadata.PackageNotFoundError:
                absent.append(name)
        largest = sorted(sizes.items(), key=lambda one: -one[1])[:LARGEST]
        print(f"{image}: {sum(sizes.values()):,.0f} MB in {len(sizes)} packages")
        print("   ", ", ".join(f"{name} {megabytes:.0f}" for name, megabytes in largest))
        if absent:
            print("    not installed here:", ", ".join(absent))


if __name__ == "__main__":
    main()
