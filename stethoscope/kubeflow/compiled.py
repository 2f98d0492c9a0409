"""Compiled pipelines: reading them, and setting them up for a cluster.

The compiled pipelines are part of the package, so this needs neither a checkout nor the compiler.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stethoscope.errors import ParameterError

USES_GPU = "stethoscope/uses-gpu"
"""Label of the pods whose step is faster on a GPU."""

WORKSPACE = "{{$.workspace_path}}"
"""Placeholder for the path of the workspace volume.

The backend mounts the volume into the pods that have this placeholder among their inputs.
"""

_SIZE = re.compile(r"[1-9]\d*(\.\d+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """Settings of a compiled pipeline; a setting with its default changes nothing.

    Attributes
    ----------
    image : str
        Image of every step, with its registry and tag.
    gpu : str
        Resource and count for the steps that are faster on a GPU, ``nvidia.com/gpu:1``; without a
        count, one.
    workspace : str
        Size of a volume that all steps of a run share, in Kubernetes's units, such as ``20Gi``.
        Downloads are kept on it.
    parallelism : int
        How many items of a loop run at the same time.
    pull_secret : str
        Name of the Kubernetes secret with the password of a private registry.
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
                f"image is {self.image!r}; "
                "give a name such as registry.example.org/stethoscope-python:0.1.0"
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
        kubernetes = platform.setdefault("platforms", {}).setdefault("kubernetes", {})
        pods = kubernetes.setdefault("deploymentSpec", {}).setdefault("executors", {})
        for name, executor in spec["deploymentSpec"]["executors"].items():
            self._set_up_step(executor["container"], pods.setdefault(name, {}))
        if self.workspace:
            _add_workspace(spec, kubernetes, self.workspace)
        if self.parallelism:
            _set_parallelism(spec, self.parallelism)
        lines = compiled.splitlines(keepends=True)
        comments = "".join(line for line in lines if line.startswith("#"))
        return comments + yaml.safe_dump_all([spec, platform], sort_keys=True)

    def _set_up_step(self, container: dict[str, Any], pod: dict[str, Any]) -> None:
        """Set image, GPU and secret of a step, in its container and in its pod."""
        if self.image:
            container["image"] = self.image
        if self.gpu and USES_GPU in pod.get("podMetadata", {}).get("labels", {}):
            _add_gpu(container, self.gpu)
        if self.pull_secret:
            parameter = {"runtimeValue": {"constant": self.pull_secret}}
            secret = {"secretName": self.pull_secret, "secretNameParameter": parameter}
            pod["imagePullSecret"] = [secret]


def read_spec(compiled: Path) -> dict[str, Any]:
    """Read the pipeline specification, the first document of a compiled pipeline."""
    with compiled.open(encoding="utf-8") as file:
        spec: dict[str, Any] = next(yaml.safe_load_all(file))
    return spec


def artifact_outputs(spec: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the outputs of a pipeline that are artifacts.

    Returns
    -------
    dict
        For each output the task and the name of the task's output that it comes from.
    """
    outputs = spec["root"]["dag"].get("outputs", {}).get("artifacts", {})
    found = {}
    for name, output in outputs.items():
        [selector] = output["artifactSelectors"]
        found[name] = (selector["producerSubtask"], selector["outputArtifactKey"])
    return found


def tasks_of(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a pipeline and of the loops in it."""
    for component in (spec["root"], *spec["components"].values()):
        yield from component.get("dag", {}).get("tasks", {}).values()


def _add_workspace(spec: dict[str, Any], kubernetes: dict[str, Any], size: str) -> None:
    """Add a volume that all steps share, and let the steps that download keep files on it."""
    volume = {"size": size, "kubernetes": {"pvcSpecPatch": {}}}
    kubernetes.setdefault("pipelineConfig", {})["workspace"] = volume
    for task in tasks_of(spec):
        if "cache" in _inputs(spec, task):
            constant = {"runtimeValue": {"constant": f"{WORKSPACE}/archives"}}
            task.setdefault("inputs", {}).setdefault("parameters", {})["cache"] = constant


def _set_parallelism(spec: dict[str, Any], limit: int) -> None:
    loops = [task for task in tasks_of(spec) if "parameterIterator" in task]
    if not loops:
        raise ParameterError("this pipeline has no loop; parallelism belongs to a sweep")
    for task in loops:
        task["iteratorPolicy"] = {"parallelismLimit": limit}


def _add_gpu(container: dict[str, Any], gpu: str) -> None:
    resource, _, count = gpu.partition(":")
    # Under two pairs of names, as KFP's compiler writes them: older backends read the first.
    container.setdefault("resources", {})["accelerator"] = {
        "type": resource,
        "count": count or "1",
        "resourceType": resource,
        "resourceCount": count or "1",
    }


def _inputs(spec: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    """Return the input parameters of a task."""
    component = spec["components"][task["componentRef"]["name"]]
    inputs: dict[str, Any] = component.get("inputDefinitions", {}).get("parameters", {})
    return inputs
