"""The packages of the images are locked, by version and hash."""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "deploy"))

import audit  # noqa: E402


def pinned(path: str) -> dict[str, set[str]]:
    """Return the versions in a file, by the name of the package."""
    versions: dict[str, set[str]] = {}
    for line in (ROOT / path).read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)==([^ ;\\]+)", line):
            versions.setdefault(canonicalize_name(found[1]), set()).add(found[2])
    return versions


def test_every_pinned_package_accepts_the_first_release_of_python_3_11() -> None:
    """Debian 12 has Python 3.11.2: a package that needs a later one made `make install` fail."""
    refusing = []
    for name in pinned("constraints.txt"):
        try:
            accepted = importlib.metadata.metadata(name)["Requires-Python"]
        except importlib.metadata.PackageNotFoundError:
            continue
        if accepted and "3.11.0" not in SpecifierSet(accepted):
            refusing.append(f"{name} needs Python {accepted}")
    assert refusing == []


def needed(extras: set[str]) -> set[str]:
    """Return every package that the extras need here, as the installed packages declare it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [Requirement(text) for text in project["dependencies"]]
    for extra in sorted(extras):
        waiting += map(Requirement, project["optional-dependencies"][extra])
    found: set[str] = set()
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name == project["name"]:  # an extra that holds others
            for extra in one.extras:
                waiting += map(Requirement, project["optional-dependencies"][extra])
            continue
        if name in found or not applies(one, {""}):
            continue
        found.add(name)
        declared = map(Requirement, importlib.metadata.requires(one.name) or ())
        waiting += [each for each in declared if applies(each, one.extras or {""})]
    return found


def applies(requirement: Requirement, extras: set[str]) -> bool:
    """Return whether a requirement holds on this machine, for one of some extras."""
    here = default_environment()
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**here, "extra": extra}) for extra in extras)


@pytest.mark.parametrize(
    ("path", "extras"),
    [
        ("requirements/serve.txt", {"serve"}),
        ("requirements/steps.txt", {"steps", "pipelines"}),
        ("requirements/pipeline.txt", {"train", "pipelines"}),
    ],
)
def test_locked_packages_are_those_that_the_image_needs_and_that_were_tested(
    path: str, extras: set[str]
) -> None:
    locked, tested = pinned(path), pinned("constraints.txt")
    remedy = "run `make lock` and commit requirements/"
    assert needed(extras) - {"setuptools"} <= locked.keys(), remedy
    differing = {name for name in locked.keys() & tested.keys() if locked[name] != tested[name]}
    assert not differing, remedy


@pytest.mark.parametrize(
    "path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda p: p.stem
)
def test_every_locked_package_has_hashes_and_no_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=[A-Za-z])", text.strip()):
        assert "--hash=sha256:" in entry, entry
    assert "://" not in text


def fake_audit(folder: Path, known: str, others: str) -> str:
    """Return a program that answers as pip-audit does: one way for the known package."""
    program = folder / "pip-audit"
    program.write_text(
        "#!/bin/sh\n"
        f"if grep -q '{audit.KNOWN}' \"$2\"; then echo '{known}'; else echo '{others}'; fi\n"
    )
    program.chmod(0o755)
    return str(program)


VULNERABLE = '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}'
SAFE = '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}'
SKIPPED = '{"dependencies": [{"name": "a", "skip_reason": "not found"}]}'


@pytest.mark.parametrize(
    ("known", "others", "status", "text"),
    [
        (VULNERABLE, SAFE, 0, "1 packages, 0 with known vulnerabilities"),
        (VULNERABLE, VULNERABLE, 1, "a 1 has CVE-1; update it"),
        (VULNERABLE, SKIPPED, 2, "no data on a"),
        (VULNERABLE, "", 2, "no data on any package"),
        (SAFE, SAFE, 2, "the vulnerability data is missing"),
        (SKIPPED, SKIPPED, 2, "the vulnerability data is missing"),
        ("", "", 2, "the vulnerability data is missing"),
    ],
)
def test_audit_does_not_pass_without_data(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    known: str,
    others: str,
    status: int,
    text: str,
) -> None:
    (tmp_path / "requirements.txt").write_text("a==1\n")
    program = fake_audit(tmp_path, known, others)
    assert audit.main(program, str(tmp_path / "requirements.txt")) == status
    assert text in capsys.readouterr().out
