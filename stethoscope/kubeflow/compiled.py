"""What can be set on a compiled pipeline for a cluster: the image, a GPU, a workspace volume,
parallelism.

The compiled pipeline travels with the package, so that this needs neither a checkout nor the
compiler.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stethoscope.errors import ParameterError

USES_GPU = "stethoscope/uses-gpu"
"""Label of the pods that a GPU makes faster."""

WORKSPACE = "{{$.workspace_path}}"
"""Where the backend puts the path of the workspace volume; it mounts the volume into the pods that
are given this.
"""

_SIZE = re.compile(r"[1-9]\d*(\.\d+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Settings of a compiled pipeline; what is left at its default stays as it was compiled.

    Attributes
    ----------
    image : str
        Image of every step, with its registry and tag.
    gpu : str
        Resource and count for the steps that a GPU makes faster, ``nvidia.com/gpu:1``; without a
        count, one.
    workspace : str
        Size of a volume that all steps of a run share, in Kubernetes's units, such as ``20Gi``.
        Downloads stay on it.
    parallelism : int
        How many items of a loop run at the same time.
    pull_secret : str
        Name of the Kubernetes secret that opens a private registry.
    """

    image: str = ""
    gpu: str = ""
    workspace: str = ""
    parallelism: int = 0
    pull_secret: str = ""

    def __post_init__(self) -> None:
        resource, _, count = self.gpu.partition(":")
        if self.gpu and not (
            re.fullmatch(r"[\w./-]+", resource) and re.fullmatch(r"([1-9]\d*)?", count)
        ):
            raise ParameterError(
                f"gpu is {self.gpu!r}; give a resource and a count, such as nvidia.com/gpu:1"
            )
        if self.workspace and not _SIZE.fullmatch(self.workspace):
            raise ParameterError(f"workspace is {self.workspace!r}; give a size such as 20Gi")
        if self.image and re.search(r"\s", self.image):
            raise ParameterError(
                f"image is {self.image!r}; give a name such as registry.example.org/stethoscope-python:0.1.0"
            )
        if self.parallelism < 0:
            raise ParameterError(f"parallelism is {self.parallelism}; it must be at least 1")

    def apply(self, compiled: str) -> str:
        """Return the text of a compiled pipeline with these settings.

        Raises
        ------
        ParameterError
            If the pipeline has nothing that a setting could apply to.
        """
        if self == ClusterOptions():
            return compiled
        spec, platform = (*yaml.safe_load_all(compiled), {})[:2]
        executors: dict[str, dict[str, Any]] = spec["deploymentSpec"]["executors"]
        kubernetes = platform.setdefault("platforms", {}).setdefault("kubernetes", {})
        pods = kubernetes.setdefault("deploymentSpec", {}).setdefault("executors", {})
        for name, executor in executors.items():
            pod = pods.setdefault(name, {})
            if self.image:
                executor["container"]["image"] = self.image
            if self.gpu and USES_GPU in pod.get("podMetadata", {}).get("labels", {}):
                _add_gpu(executor["container"], self.gpu)
            if self.pull_secret:
                parameter = {"runtimeValue": {"constant": self.pull_secret}}
                pod["imagePullSecret"] = [
                    {"secretName": self.pull_secret, "secretNameParameter": parameter}
                ]
        if self.workspace:
            kubernetes.setdefault("pipelineConfig", {})["workspace"] = {
                "size": self.workspace,
                "kubernetes": {"pvcSpecPatch": {}},
            }
            for task in tasks_of(spec):
                if "cache" in _inputs(spec, task):
                    task.setdefault("inputs", {}).setdefault("parameters", {})["cache"] = {
                        "runtimeValue": {"constant": f"{WORKSPACE}/archives"}
                    }
        if self.parallelism:
            loops = [task for task in tasks_of(spec) if "parameterIterator" in task]
            if not loops:
                raise ParameterError("this pipeline has no loop; parallelism belongs to a sweep")
            for task in loops:
                task["iteratorPolicy"] = {"parallelismLimit": self.parallelism}
        comments = "".join(
            line for line in compiled.splitlines(keepends=True) if line.startswith("#")
        )
        return comments + yaml.safe_dump_all([spec, platform], sort_keys=True)


def read_spec(compiled: Path) -> dict[str, Any]:
    """Read the pipeline specification, the first document of a compiled pipeline."""
    with compiled.open(encoding="utf-8") as file:
        spec: dict[str, Any] = next(yaml.safe_load_all(file))
    return spec


def tasks_of(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a pipeline and of the loops in it."""
    for component in (spec["root"], *spec["components"].values()):
        yield from component.get("dag", {}).get("tasks", {}).values()


def _add_gpu(container: dict[str, Any], gpu: str) -> None:
    resource, _, count = gpu.partition(":")
    # Twice, as KFP's compiler does: older backends read the former pair of names.
    container.setdefault("resources", {})["accelerator"] = {
        "type": resource,
        "count": count or "1",
        "resourceType": resource,
        "resourceCount": count or "1",
    }


def _inputs(spec: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    inputs: dict[str, Any] = (
        spec["components"][task["componentRef"]["name"]]
        .get("inputDefinitions", {})
        .get("parameters", {})
    )
    return inputs
