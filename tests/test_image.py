"""The images: what is sent to the builder, and their layers."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
STAGES = {
    found[1]: text
    for text in re.split(r"^(?=FROM )", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    if (found := re.match(r"FROM \S+ AS (\S+)", text))
}


def copied(stage: str) -> list[str]:
    """What a stage takes from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", STAGES[stage], flags=re.MULTILINE)
    return [name for line in lines for name in line.split()]


def test_all_that_is_copied_is_sent_to_the_builder() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    for stage in STAGES:
        for name in copied(stage):
            assert (ROOT / name).exists(), name
            assert any(Path(name).is_relative_to(one) for one in sent), name


@pytest.mark.parametrize("image", ["pipeline", "steps", "serve"])
def test_the_package_is_the_last_layer_and_the_dependencies_do_not_depend_on_it(image: str) -> None:
    layers = re.findall(r"^COPY --from=(\S+)", STAGES[image], flags=re.MULTILINE)
    assert layers[-1] == "wheel"
    waiting, found = layers[:1], set()
    while waiting:
        stage = waiting.pop()
        found |= set(copied(stage))
        waiting += re.findall(r"FROM (\S+) AS|--from=(\S+)", STAGES[stage])[0][:1]
        waiting = [one for one in waiting if one in STAGES]
    assert found
    assert all(one.startswith("requirements/") or one == "constraints.txt" for one in found)


def _builder() -> str | None:
    """The first program that can build an image here."""
    for name in ("docker", "podman", "buildah"):
        if (
            shutil.which(name)
            and not subprocess.run([name, "info"], capture_output=True).returncode
        ):
            return name
    return None


@pytest.mark.slow
def test_image_is_built_and_runs() -> None:
    builder = _builder()
    if builder is None:
        pytest.skip("no docker, podman or buildah works here")
    name = "localhost/stethoscope-serve:test"
    command = [builder, "build", "--target", "serve", "-t", name, "."]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-2000:]
    if builder != "buildah":
        run = [builder, "run", "--rm", "--read-only", name, "--help"]
        assert "usage" in subprocess.run(run, capture_output=True, text=True).stdout
