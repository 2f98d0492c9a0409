"""Look the locked packages up in the database of known vulnerabilities.

``python deploy/audit.py PIP_AUDIT REQUIREMENTS...`` runs pip-audit, and checks first that the
database answers at all: a package index without vulnerability data makes pip-audit find nothing.
The exit status is 0 if no package has a known vulnerability, 1 if one has, and 2 if the data is
missing, so that nothing is known.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

KNOWN = "jinja2==2.4.1"
"""A version with known vulnerabilities: whoever does not find them has no data."""


def audit(program: str, requirements: Path) -> list[dict[str, Any]] | None:
    """Return what pip-audit says of each package of a file; None if it got no answer."""
    ran = subprocess.run(  # noqa: S603  # the program that make installed
        [
            *(program, "--requirement", str(requirements), "--no-deps", "--disable-pip"),
            *("--format", "json", "--progress-spinner", "off"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        found: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return found


def has_data(program: str) -> bool:
    """Return whether the vulnerabilities of a package are found that is known to have some."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(f"{KNOWN}\n", encoding="utf-8")
        return any(one.get("vulns") for one in audit(program, requirements) or ())


def main(program: str, *files: str) -> int:
    """Audit the files, print the result, and return the exit status."""
    if not has_data(program):
        print(
            f"audit: NOT DONE, the vulnerability data is missing: {KNOWN} was not found to be "
            "vulnerable; run it where pypi.org is reachable"
        )
        return 2
    status = 0
    for file in files:
        packages = audit(program, Path(file))
        skipped = [one["name"] for one in packages or () if "skip_reason" in one]
        if packages is None or skipped:
            print(f"audit: NOT DONE for {file}: no data on {', '.join(skipped) or 'any package'}")
            status = 2
            continue
        bad = [one for one in packages if one["vulns"]]
        for one in bad:
            ids = ", ".join(each["id"] for each in one["vulns"])
            print(f"audit: {one['name']} {one['version']} has {ids}; update it and run `make lock`")
        print(f"audit: {file}: {len(packages)} packages, {len(bad)} with known vulnerabilities")
        status = status or int(bool(bad))
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
