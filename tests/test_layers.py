"""Who may import whom."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("tensorflow", "keras", "librosa", "sklearn", "scipy", "matplotlib", "kfp")


def test_a_verdict_needs_none_of_the_heavy_packages(fan_bundle: Path, fan_archive: Path, tmp_path: Path) -> None:
    """Predict in a process in which importing one of them fails."""
    program = f"""
import sys
for name in {HEAVY!r}:
    sys.modules[name] = None
import stethoscope.audio, stethoscope.features.extract, stethoscope.thresholds, stethoscope.bundle, stethoscope.inference
from stethoscope.cli import main
sys.exit(main(["predict", sys.argv[1], sys.argv[2]]))
"""
    import zipfile

    with zipfile.ZipFile(fan_archive) as archive:
        recording = archive.extract("fan/test/normal_id_00_00000000.wav", tmp_path)
    done = subprocess.run([sys.executable, "-c", program, str(fan_bundle), recording], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert '"Anomaly"' in done.stdout


def test_commands_keep_blas_to_the_thread_that_calls_it(fan_bundle: Path) -> None:
    """Clips are worked on in parallel; threads that BLAS opens beside them triple the work of a verdict."""
    program = """
import sys
from stethoscope.cli import main
assert "numpy" not in sys.modules
assert main(["threshold", sys.argv[1]]) == 0
from threadpoolctl import threadpool_info
threads = [library["num_threads"] for library in threadpool_info()]
sys.exit(0 if threads == [1] else f"threads of BLAS: {threads}")
"""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", program, str(fan_bundle)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "stethoscope").rglob("*.py")), ids=lambda path: path.stem)
def test_the_package_imports_nothing_above_it(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imports(path)}
    assert not tops & {"components", "pipelines", "pipeline"}
    if path.name not in ("local.py", "cluster.py"):
        assert "kfp" not in tops
    if path.parent.name not in ("detectors", "classifiers", "export"):
        assert not tops & {"tensorflow", "keras"}
