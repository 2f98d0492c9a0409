"""Which room may import which, and what a deployed model may load."""

import ast
import functools
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("tensorflow", "keras", "librosa", "sklearn", "scipy", "matplotlib", "kfp")

FLOORS = (
    {
        "checks",
        "counts",
        "errors",
        "files",
        "machines",
        "imports",
        "native_lines",
        "processes",
        "progress",
        "options",
        "parallel",
        "resources",
        "system",
        "terminal",
    },
    {"sound", "stats"},
    {"datasets", "model", "kubeflow"},
    {"features", "report"},
    {"detection", "classification", "events"},
    {"diagnosis", "sweep"},
    {"bundle"},
    {"watch"},
    {"edge", "serve", "monitoring"},
    {"runs"},
    {"api"},
    {"commands"},
    {"cli"},
)
"""The rooms of the package, from bottom to top. A room imports from the floors below its own."""

NEIGHBOURS = {
    ("checks", "errors"),
    ("checks", "options"),
    ("progress", "errors"),
    ("terminal", "errors"),
    ("files", "errors"),
    ("options", "errors"),
    ("parallel", "resources"),
    ("system", "files"),
}
"""Imports within a floor that are allowed."""


STILL_WRONG: set[str] = set()
"""Rules that the code does not keep yet; an entry goes with the fault that it stands for."""


@pytest.fixture(autouse=True)
def expect_what_is_still_wrong(request: pytest.FixtureRequest) -> None:
    key = "circles" if "circle" in request.node.name else request.node.name.partition("[")[2][:-1]
    if key in STILL_WRONG:
        request.node.add_marker(pytest.mark.xfail(strict=True))


def modules() -> list[Path]:
    return sorted((ROOT / "stethoscope").rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").as_posix()


@functools.cache
def imported(path: Path) -> tuple[str, ...]:
    """Return the dotted name of everything that a file imports, at its top or inside functions.

    The interface of the package names modules that are loaded only when a program uses them.
    """
    return () if path == ROOT / "stethoscope" / "__init__.py" else tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_room_imports_only_from_the_floors_below(path: Path) -> None:
    parts = path.relative_to(ROOT / "stethoscope").with_suffix("").parts
    room = parts[0]
    if room in ("__init__", "__main__"):
        return
    for name in imported(path):
        package, _, rest = name.partition(".")
        assert package not in ("components", "pipelines", "pipeline"), name
        other = rest.partition(".")[0]
        if package != "stethoscope" or not other or other in (room, "__version__"):
            continue
        assert floor(other) < floor(room) or (room, other) in NEIGHBOURS, (
            f"{name_of(path)} imports {name}, which does not lie below"
        )


def test_the_documentation_shows_the_same_floors() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = page.partition("## What may import what")[2].split("```")[1]
    assert [set(line.split(", ")) for line in block.strip().splitlines()] == list(FLOORS)
    places = page.partition("## Folders")[2].partition("## What may")[0]
    assert all(f"`{room}" in places or f"/{room}" in places for rooms in FLOORS for room in rooms)


DEPLOYED = (
    "bundle/bundle",
    "bundle/inference",
    "classification/model",
    *sorted(
        path.relative_to(ROOT / "stethoscope").with_suffix("").as_posix()
        for path in (ROOT / "stethoscope" / "detection").glob("*/score.py")
    ),
    "detection/load",
    "detection/thresholds",
    "diagnosis/model",
    "events/decoder",
    "events/model",
    "model/network",
    "serve/app",
    "serve/client",
    "serve/forkserver",
    "serve/server",
    "sound/feature",
)
"""What a verdict needs; everything that these import, at once or later, is deployed with them."""

WITHOUT_TENSORFLOW = (
    "classification/evaluate",
    "classification/report/page",
    "detection/evaluate",
    "diagnosis/evaluate",
    "diagnosis/report/sections",
    "events/evaluate",
    "events/report/page",
    "features/extract",
    "monitoring/report",
    "monitoring/summary",
    "sweep/leaderboard",
)
"""Evaluation, reports and features do not train, and TensorFlow takes seconds to load."""


@functools.cache
def file_of(name: str) -> Path | None:
    """Return the file of a module of the package, None if `name` is not one."""
    path = ROOT.joinpath(*name.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def closure(start: Path) -> dict[str, list[str]]:
    """Return every other package that a module can come to import, with the way to it."""
    found: dict[str, list[str]] = {}
    ways = {start: [name_of(start)]}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        for name in imported(path):
            package = name.partition(".")[0]
            if package != "stethoscope":
                found.setdefault(package, ways[path])
                continue
            # A name is a module, or something in the module before it.
            file = file_of(name) or file_of(name.rpartition(".")[0])
            if file is not None and file not in ways:
                ways[file] = [*ways[path], name_of(file)]
                waiting.append(file)
    return found


@pytest.mark.parametrize("module", DEPLOYED)
def test_what_is_deployed_can_come_to_load_none_of_the_heavy_packages(module: str) -> None:
    """Imports inside functions count: they fail on the machine that has only what is deployed."""
    found = closure(ROOT / "stethoscope" / f"{module}.py")
    assert not {name: " > ".join(way) for name, way in found.items() if name in HEAVY}


@pytest.mark.parametrize("module", WITHOUT_TENSORFLOW)
def test_what_does_not_train_never_loads_tensorflow(module: str) -> None:
    found = closure(ROOT / "stethoscope" / f"{module}.py")
    assert not {n: " > ".join(way) for n, way in found.items() if n in ("tensorflow", "keras")}


def test_only_kubeflow_and_the_commands_know_kfp() -> None:
    knowing = {name_of(path) for path in modules() if "kfp" in closure_of_one(path)}
    assert all(
        name.startswith(("stethoscope/kubeflow/", "stethoscope/commands/")) for name in knowing
    )


def closure_of_one(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def test_no_modules_import_each_other_in_a_circle() -> None:
    edges = {
        path: {
            file
            for name in imported(path)
            if (file := file_of(name) or file_of(name.rpartition(".")[0]))
        }
        for path in modules()
    }
    done: set[Path] = set()

    def visit(path: Path, way: tuple[Path, ...]) -> None:
        assert path not in way, " > ".join(map(name_of, (*way[way.index(path) :], path)))
        if path in done:
            return
        for other in sorted(edges[path] - {path}):
            visit(other, (*way, path))
        done.add(path)

    for path in edges:
        visit(path, ())


def test_a_verdict_needs_none_of_the_heavy_packages(
    fan_bundle: Path, fan_archive: Path, tmp_path: Path
) -> None:
    """Predict in a process in which importing one of them fails."""
    program = f"""
import sys
for name in {HEAVY!r}:
    sys.modules[name] = None
from stethoscope.cli import main
sys.exit(main(["predict", sys.argv[1], sys.argv[2]]))
"""
    with zipfile.ZipFile(fan_archive) as archive:
        recording = archive.extract("fan/test/normal_id_00_00000000.wav", tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", program, str(fan_bundle), recording], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert '"Anomaly"' in done.stdout


def test_commands_keep_blas_to_the_thread_that_calls_it(fan_bundle: Path) -> None:
    """Clips are processed in parallel; threads that BLAS opens beside them triple the work."""
    program = """
import sys
from stethoscope.cli import main
assert "numpy" not in sys.modules
assert main(["threshold", sys.argv[1]]) == 0
from threadpoolctl import threadpool_info
threads = [library["num_threads"] for library in threadpool_info()]
sys.exit(0 if threads == [1] else f"threads of BLAS: {threads}")
"""
    environment = {n: v for n, v in os.environ.items() if not n.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", program, str(fan_bundle)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
