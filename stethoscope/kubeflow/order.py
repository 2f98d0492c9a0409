"""The order of a pipeline's steps: which of them begin early, and which go first."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

Dependencies = Mapping[str, frozenset[str]]
"""Steps, and for each the steps that it needs."""


def depths(dependencies: Dependencies) -> dict[str, int]:
    """Return for each step the number of steps of the longest chain that ends with it."""

    @functools.cache
    def depth(step: str) -> int:
        return 1 + max(map(depth, dependencies[step]), default=0)

    return {step: depth(step) for step in dependencies}


def heights(dependencies: Dependencies) -> dict[str, int]:
    """Return for each step the number of steps of the longest chain that begins with it."""
    return depths(
        {
            step: frozenset(other for other, needed in dependencies.items() if step in needed)
            for step in dependencies
        }
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """When the processes of a run's steps are started, and which of them go first.

    Attributes
    ----------
    containers : dict of str to dict
        Command and environment of each step, as in the compiled pipeline.
    started_with : dict of str to list of str
        For each step those whose processes are started when it begins: it is the last step that
        they wait for.
    hurried : frozenset of str
        Steps of the longest chain. They are computed first where processors are few.
    """

    containers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    started_with: Mapping[str, list[str]] = field(default_factory=dict)
    hurried: frozenset[str] = frozenset()

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Self:
        """Plan the steps of a compiled pipeline, except its loops."""
        tasks = spec["root"]["dag"]["tasks"]
        needed = {name: frozenset(task.get("dependentTasks", ())) for name, task in tasks.items()}
        depth, height = depths(needed), heights(needed)
        containers: dict[str, Mapping[str, Any]] = {}
        started_with: dict[str, list[str]] = {}
        for name, task in tasks.items():
            component = spec["components"][task["componentRef"]["name"]]
            if label := component.get("executorLabel"):
                containers[name] = spec["deploymentSpec"]["executors"][label]["container"]
                if needed[name]:
                    last = max(needed[name], key=lambda one: (depth[one], one))
                    started_with.setdefault(last, []).append(name)
        longest = max(depth.values(), default=0)
        hurried = (name for name in tasks if depth[name] + height[name] > longest)
        return cls(containers, started_with, frozenset(hurried))
