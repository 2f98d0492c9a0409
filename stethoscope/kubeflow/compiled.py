"""Reading compiled pipelines.

They are part of the package, so this needs neither a checkout nor the compiler.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml


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


def tasks_of(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a pipeline and of the loops in it."""
    for component in (spec["root"], *spec["components"].values()):
        yield from component.get("dag", {}).get("tasks", {}).values()


def display_names(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return for each task of a pipeline, and of the loops in it, how it is shown to users."""
    return {
        name: task["taskInfo"]["name"]
        for component in (spec["root"], *spec["components"].values())
        for name, task in component.get("dag", {}).get("tasks", {}).items()
    }
