"""Every pipeline runs here as on a cluster with two images: TensorFlow is in that of training."""

import os
from pathlib import Path

import pytest

from stethoscope.kubeflow.compiled import parse
from stethoscope.kubeflow.settings import USES_GPU
from stethoscope.runs.pipelines import PIPELINES, compiled_file

SITE = '''"""Python imports this module at the start of every process."""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        package = name.partition(".")[0]
        step = sys.argv[2:3] and sys.argv[1] == "--component_module_path" and sys.argv[2]
        if package in ("tensorflow", "keras") and step and step.split("/")[-2] not in {training!r}:
            raise ModuleNotFoundError(f"{{name}} is not in the image of this step", name=name)

sys.meta_path.insert(0, Absent())
'''


def training_steps() -> set[str]:
    """The steps whose pods have the image with TensorFlow."""
    found = set()
    for name in PIPELINES:
        spec, platform = parse(compiled_file(name).read_text())
        pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        found |= {
            key.removeprefix("comp-")
            for key, component in spec["components"].items()
            if USES_GPU
            in pods.get(component.get("executorLabel"), {}).get("podMetadata", {}).get("labels", {})
        }
    return found


@pytest.fixture(autouse=True)
def _tensorflow_in_training_steps_alone(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder: Path = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(SITE.format(training=training_steps()))
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), before])))
