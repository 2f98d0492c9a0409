"""The states of a run's steps, from what a server answers about its tasks.

The server lists the nodes of Argo's workflow. For a task of the pipeline there is a driver,
``train-detector-driver``, a node with the task's name, and below it one or more nodes called
``executor`` or ``executor(0)``. None has the step's display name.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LOG_LINES = 20
"""Lines of the log of a failed step that are shown."""

_DRIVER = "-driver"


class StepStates:
    """What is known of the steps of a run.

    Parameters
    ----------
    names : mapping of str to str
        How each task of the pipeline is shown, by its name.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._seen: dict[str, str] = {}
        self._tasks: Sequence[Any] = ()

    def changes(self, tasks: Sequence[Any]) -> Iterator[str]:
        """Take a list of nodes, and yield a line for every step whose state has changed."""
        self._tasks = tasks
        for task in tasks:
            state = (task.state or "").removeprefix("RUNTIME_STATE_").lower()
            shown = self._shown(task)
            if shown and state not in ("", "unspecified") and self._seen.get(task.task_id) != state:
                self._seen[task.task_id] = state
                yield f"{shown:<32} {state}"

    def failed(self) -> dict[str, list[str]]:
        """Return the steps that failed, each with the pods that may have its log."""
        found: dict[str, list[str]] = {}
        for task in self._tasks:
            if task.state == "FAILED" and (shown := self._shown(task)):
                found.setdefault(shown, []).extend(_pods(task))
        return found

    def _shown(self, task: Any) -> str:
        """Return how a node is shown; empty if it is no step, or a driver that did its work."""
        node = task.display_name or ""
        if node in self._names:
            return self._names[node]
        started = node.removesuffix(_DRIVER)
        if node != started and started in self._names and task.state == "FAILED":
            return f"{self._names[started]} (before its start)"
        return ""


def _pods(task: Any) -> list[str]:
    """Return the names of pods in a node: its own, then those of the nodes below it."""
    below = [child.pod_name for child in task.child_tasks or []]
    return [name for name in (task.pod_name, *below) if name]
