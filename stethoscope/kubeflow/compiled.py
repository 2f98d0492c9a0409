"""Reading compiled pipelines.

They are part of the package, so this needs neither a checkout nor the compiler.
"""

import copy
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

# Of libyaml, where PyYAML has it: ten times faster.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def read_spec(compiled: Path) -> dict[str, Any]:
    """Read the pipeline specification, the first document of a compiled pipeline."""
    # A run reads its pipeline seven times. To copy it takes a tenth of the time.
    return copy.deepcopy(_parsed(compiled.read_text(encoding="utf-8")))


def parse(compiled: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return specification and platform of a compiled pipeline; a platform may be missing."""
    spec, platform = (*yaml.load_all(compiled, _LOADER), {})[:2]  # a safe loader
    return spec, platform


@lru_cache(maxsize=1)
def _parsed(compiled: str) -> dict[str, Any]:
    return parse(compiled)[0]


def dump(*documents: Mapping[str, Any]) -> str:
    """Return the text of a compiled pipeline: its specification and, if any, its platform."""
    text: str = yaml.dump_all(documents, Dumper=_DUMPER, sort_keys=True)
    return text


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
