"""The commands of the documentation, run in order as a person types them into a new terminal.

``python -m tests.docs.commands`` runs all of them in a fresh virtual environment (`make try-docs`).
"""

import argparse
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[2]

PAGES = (
    "docs/install.md",
    "README.md",
    "docs/data.md",
    "docs/decisions.md",
    "docs/bundle.md",
    "docs/watch.md",
    "docs/simulator.md",
    "docs/detect.md",
    "docs/diagnose.md",
    "docs/commands.md",
    "docs/serve.md",
    "docs/runs.md",
    "docs/classify.md",
    "docs/events.md",
    "docs/parameters.md",
    "docs/kubeflow.md",
    "docs/detectors.md",
    "docs/microcontroller.md",
    "CONTRIBUTING.md",
)
"""Pages that are run one after another in one folder. The first hour has a folder of its own."""
FIRST_HOUR = "docs/first-hour.md"

NOT_RUN = {
    r"^make (test|quick|fuzz|faults|compile)\b": "needs many minutes; CI does it",
    r"^make (image|push)\b|^docker |^IMAGE=": "needs Docker",
    r"^sudo |^apt |^brew ": "changes the system",
    r"^kubectl |^az |^mc |submit|collect|schedules|same program run": "needs a cluster or a cloud",
    r"example\.org|REGION|ABSOLUTE": "has a place that the reader fills in",
    r"arecord|hw:1,0": "needs a sound card",
    r"^python benchmarks/|^python -m tests\.": "needs hours",
    r"dcase2020|UrbanSound8K": "downloads gigabytes",
    r"--pipeline (sound|event)-|sweep --machines": "trains for minutes",
    r"[.]{3}|\bDIR\b|^stethoscope run( -p|$)": "has a name that the reader fills in",
    r"5010": "needs the container",
    r"theirs|serve sounds": "needs a model of the reader",
}
"""Commands that a test cannot run, and why."""

_BEFORE = {
    "stethoscope compare": "cp -r runs/first runs/second",
    "stethoscope serve runs/first/bundle --history": (
        "mkdir -p new && cp new.wav new/ && "
        "stethoscope watch runs/first/bundle new/ --once --settle 0"
    ),
}
"""What the reader has done before a command, at other times."""

_NETWORK = re.compile(r"PIP_|SSL_CERT|https?_proxy$|no_proxy$", re.IGNORECASE)
_SLOW = r"^make |^python3? -m (venv|pip)|^\S*pip3? install"


@dataclass(frozen=True)
class Shown:
    """A command that a page shows."""

    page: str
    text: str

    @property
    def reason(self) -> str:
        """Why it is not run; empty if it is."""
        found = (why for pattern, why in NOT_RUN.items() if re.search(pattern, self.text))
        return next(found, "")


def shown(page: str) -> list[Shown]:
    """Return the commands in the blocks of a page, without comments that follow them."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```(sh|bash|console)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [Shown(page, command) for kind, block in blocks for command in _commands(kind, block)]


def _commands(kind: str, block: str) -> Iterator[str]:
    """Yield the commands of a block: in one of `console` they follow a `$`, the rest is output."""
    for line in block.replace("\\\n", " ").splitlines():
        text = line.strip()
        if kind == "console":
            if not text.startswith("$ "):
                continue
            text = text.removeprefix("$ ")
        text = re.sub(r"\s+#\s.*$", "", text)
        if text and not text.startswith("#"):
            yield text


def free_port() -> int:
    """Return a port of this computer that is free now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def script(commands: Sequence[Shown], port: int, *, slow: bool) -> str:
    """Return the program of the shell that runs commands and stops at the first that fails.

    Parameters
    ----------
    commands : sequence of Shown
    port : int
        Where services listen, instead of 5000.
    slow : bool
        Whether commands that install something or run for minutes are run as well.
    """
    stop = "kill $(jobs -p) 2> /dev/null; wait"
    lines, page = [f"trap {shlex.quote(stop)} EXIT"], ""
    for one in commands:
        if one.page != page:  # no page needs the service of the one before
            lines.append(stop)
            page = one.page
        if one.reason or (not slow and re.search(_SLOW, one.text)):
            continue
        text = one.text.replace(":5000", f":{port}")
        if text.startswith("stethoscope serve"):
            ready = f"http://127.0.0.1:{port}/v2/health/ready"
            text = (
                f"{{ {stop}; {text.removesuffix('&')} --port {port} & }} ; "
                f"curl -s --retry 60 --retry-connrefused --retry-delay 1 {ready}"
            )
        lines += [before for start, before in _BEFORE.items() if one.text.startswith(start)]
        lines += [f"echo {shlex.quote('+ ' + one.text)}", text]
        lines.append(f"|| {{ echo {shlex.quote(f'FAILED in {one.page}: {one.text}')}; exit 1; }}")
    return "\n".join(lines).replace("\n||", " ||") + "\n"


def make_checkout(folder: Path, *, with_environment: bool) -> None:
    """Make a folder that has what a fresh checkout has.

    Parameters
    ----------
    folder : Path
    with_environment : bool
        Whether `make install` has been done: then `.venv` is that of this checkout.
    """
    folder.mkdir(parents=True)
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    if with_environment:
        for name in {line.split("/")[0] for line in done.stdout.splitlines()} - {"runs"}:
            (folder / name).symlink_to(ROOT / name)
        (folder / ".venv").mkdir()
        (folder / ".venv" / "bin").mkdir()
        _activate(folder / ".venv" / "bin")
    else:
        archive = subprocess.run(
            ["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)


def _activate(commands: Path) -> None:
    """Make a folder of commands like that of a virtual environment, which leads to this one."""
    for name in ("stethoscope", "same", "python", "python3"):
        (commands / name).symlink_to(Path(sys.executable).parent / name)
    (commands / "activate").write_text(f"export PATH={commands}:$PATH\n", encoding="utf-8")


def run_commands(
    commands: Sequence[Shown], folder: Path, home: Path, *, slow: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run commands in a folder, in one shell that has nothing but the commands of the system.

    Parameters
    ----------
    commands : sequence of Shown
    folder, home : Path
        Where the shell starts, and the folder of its user, which is empty.
    slow : bool
        As in :func:`script`. The output is then shown at once, and not returned.
    """
    (home / ".curlrc").write_text("fail-with-body\n")  # a refusal is a failure
    environment = {
        "HOME": str(home),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        **_package_index(),
        # Where these tests run in a tree beside the one that is installed.
        **({} if slow else {"PYTHONPATH": str(ROOT)}),
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script(commands, free_port(), slow=slow)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=None if slow else subprocess.PIPE,
        stderr=None if slow else subprocess.STDOUT,
        text=True,
        check=False,
    )


def _package_index() -> dict[str, str]:
    """Return how this computer reaches a package index: its environment, and pip's settings."""
    found = {name: value for name, value in os.environ.items() if _NETWORK.match(name)}
    for name in (".config/pip/pip.conf", ".pip/pip.conf"):
        if (Path.home() / name).exists():
            found.setdefault("PIP_CONFIG_FILE", str(Path.home() / name))
    return found


def write_recordings(folder: Path) -> None:
    """Write small recordings under the names that the pages use for those of the reader."""
    from stethoscope.datasets.simulator.archive import simulate_archive

    archive = folder / "recordings.zip"
    simulate_archive(
        archive, machine="fan", ids=2, train_clips=16, test_normal=12, test_anomaly=10, seconds=3.0
    )
    with zipfile.ZipFile(archive) as recordings:
        recordings.extractall(folder / "recordings")
    for path in sorted((folder / "recordings").rglob("anomaly*.wav")):
        path.unlink()  # without faults nothing trains a network
    healthy = sorted((folder / "recordings").rglob("test/normal_id_02*.wav"))
    for name in ("place", "day1"):
        (folder / name).mkdir()
    for path in healthy:
        shutil.copy(path, folder / "place")
        shutil.copy(path, folder / "day1")
    for name in ("new", "new_id_02", "clip", "one", "two", "recording"):
        shutil.copy(healthy[0], folder / f"{name}.wav")
    clips = [soundfile.read(path) for path in healthy]
    soundfile.write(folder / "long.wav", np.concatenate([one for one, _ in clips]), clips[0][1])


def main() -> int:
    """Run the commands of all pages in a fresh environment; return the exit status."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("pages", nargs="*", default=[FIRST_HOUR, *PAGES])
    pages = parser.parse_args().pages
    install = [one for one in shown("docs/install.md") if re.match("make install|source", one.text)]
    status = 0
    with tempfile.TemporaryDirectory() as scratch:
        home, folder = Path(scratch) / "home", Path(scratch) / "stethoscope"
        home.mkdir()
        make_checkout(folder, with_environment=False)
        fresh = {path.name for path in folder.iterdir()} | {".venv"}
        for together in ([FIRST_HOUR], [page for page in pages if page != FIRST_HOUR]):
            if status or not set(together) & set(pages):
                continue
            if FIRST_HOUR not in together:
                _remove(path for path in folder.iterdir() if path.name not in fresh)
                write_recordings(folder)
            commands = [*install, *(one for page in together for one in shown(page))]
            status = run_commands(commands, folder, home, slow=True).returncode
    return status


def _remove(paths: Iterable[Path]) -> None:
    """Remove what the commands of the pages before have made."""
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    sys.exit(main())
