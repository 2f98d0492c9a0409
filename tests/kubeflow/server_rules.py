"""What a Kubeflow Pipelines server makes of a compiled pipeline, restated from its sources (2.17).

The files named here belong to https://github.com/kubeflow/pipelines, and one to
https://github.com/argoproj/argo-workflows.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

WORKSPACE_PATH = "{{$.workspace_path}}"


def documents(compiled: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The specification and the platform of a compiled pipeline."""
    spec, platform = (*yaml.safe_load_all(compiled), {})[:2]
    return spec, platform


def tasks_in_order(dag: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tasks of a DAG, each after those that it depends on."""
    waiting = dict(dag["tasks"])
    done: set[str] = set()
    while waiting:
        ready = [one for one in waiting if done >= set(waiting[one].get("dependentTasks", []))]
        assert ready, f"{list(waiting)} depend on each other"
        for name in ready:
            yield name, waiting.pop(name)
        done.update(ready)


class CachingServer:
    """A server that executes nothing, but decides for each task whether it is reused.

    A task with caching is reused if one with the same key was executed before, in the same
    pipeline. The key (backend/src/v2/cacheutils/cache.go, GenerateCacheKey) holds the names of the
    input artifacts, which are their ids in the metadata store (backend/src/v2/metadata,
    toRuntimeArtifact), the values of the input parameters, names and types of the outputs, image,
    command, environment, and the names of the volumes. The volume of a workspace is named after
    the run (backend/src/v2/driver/container.go, GetWorkspacePVCName), and counts where an input
    holds the workspace's path.
    """

    def __init__(self) -> None:
        self._reusable: dict[str, dict[str, int]] = {}
        self._ids = itertools.count(1)
        self._runs = itertools.count(1)

    def run(
        self,
        compiled: str,
        outputs: Mapping[str, str | Mapping[str, str]],
        **arguments: Any,
    ) -> list[str]:
        """Return the tasks that are executed.

        `outputs` has the parameter that a task returns, for each task that returns some;
        where it returns several, they may be given by name.
        """
        spec, _ = documents(compiled)
        inputs = spec["root"]["inputDefinitions"]["parameters"]
        given = {name: arguments.get(name, one.get("defaultValue")) for name, one in inputs.items()}
        volume = f"run-{next(self._runs)}-kfp-workspace"
        artifacts: dict[tuple[str, str], int] = {}
        executed = []
        for name, task in tasks_in_order(spec["root"]["dag"]):
            component = spec["components"][task["componentRef"]["name"]]
            key = json.dumps(
                [
                    spec["pipelineInfo"]["name"],
                    _artifact_ids(task, artifacts),
                    values := _parameters(task, given, outputs),
                    component.get("outputDefinitions", {}),
                    spec["deploymentSpec"]["executors"][component["executorLabel"]],
                    [volume] if WORKSPACE_PATH in json.dumps(values) else [],
                ],
                sort_keys=True,
            )
            caches = task.get("cachingOptions", {}).get("enableCache", False)
            if not (caches and key in self._reusable):
                executed.append(name)
                made = component.get("outputDefinitions", {}).get("artifacts", {})
                self._reusable[key] = {one: next(self._ids) for one in made}
            artifacts |= {(name, one): number for one, number in self._reusable[key].items()}
        return executed


def _artifact_ids(
    task: Mapping[str, Any], artifacts: Mapping[tuple[str, str], int]
) -> dict[str, int]:
    found = {}
    for name, one in task.get("inputs", {}).get("artifacts", {}).items():
        producer = one["taskOutputArtifact"]
        found[name] = artifacts[producer["producerTask"], producer["outputArtifactKey"]]
    return found


def _parameters(
    task: Mapping[str, Any], given: Mapping[str, Any], outputs: Mapping[str, Any]
) -> dict[str, Any]:
    values = {}
    for name, one in task.get("inputs", {}).get("parameters", {}).items():
        if "componentInputParameter" in one:
            values[name] = given[one["componentInputParameter"]]
        elif "taskOutputParameter" in one:
            output = one["taskOutputParameter"]
            returned = outputs[output["producerTask"]]
            several = isinstance(returned, Mapping)
            values[name] = returned[output["outputParameterKey"]] if several else returned
        else:
            values[name] = one["runtimeValue"]["constant"]
    return values
