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
    """Which steps of a run go first: those of the longest chain, which its end waits for.

    Attributes
    ----------
    chain : tuple of str
        Steps of the longest chain, and of others as long as it, in order.
    started_with : dict of str to list of str
        For each step those of the chain whose processes are started when it begins: it is the last
        step that they wait for.
    containers : dict of str to dict
        Command and environment of the steps, as in the compiled pipeline.
    """

    chain: tuple[str, ...] = ()
    started_with: Mapping[str, list[str]] = field(default_factory=dict)
    containers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Self:
        """Plan the steps of a compiled pipeline, except its loops."""
        tasks = spec["root"]["dag"]["tasks"]
        containers = {}
        for name, task in tasks.items():
            component = spec["components"][task["componentRef"]["name"]]
            if label := component.get("executorLabel"):
                containers[name] = spec["deploymentSpec"]["executors"][label]["container"]
        needed = {name: frozenset(task.get("dependentTasks", ())) for name, task in tasks.items()}
        depth, height = depths(needed), heights(needed)
        longest = max(depth.values())
        chain = [name for name in tasks if depth[name] + height[name] > longest]
        chain.sort(key=lambda name: depth[name])
        started_with: dict[str, list[str]] = {}
        for name in chain:
            if needed[name] and name in containers:
                last = max(needed[name], key=lambda one: (depth[one], one))
                started_with.setdefault(last, []).append(name)
        return cls(tuple(chain), started_with, containers)
