"""Draw the pipelines in docs/kubeflow.md, from their compiled form: ``python docs/diagrams.py``."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "kubeflow.md"


def mermaid(spec: dict[str, Any]) -> str:
    """Return a pipeline as a Mermaid flowchart: a box per task, an arrow per artifact or order, a
    frame per loop.
    """
    boxes = list(_boxes(spec, spec["root"], "    "))
    arrows = [f"    {one}" for one in dict.fromkeys(_arrows(spec, spec["root"], {}))]
    return "\n".join(["flowchart TD", *boxes, *arrows])


def draw(page: str) -> str:
    """Return the page with every diagram drawn anew."""

    def fill(match: re.Match[str]) -> str:
        with (ROOT / match["file"]).open(encoding="utf-8") as file:
            spec = next(yaml.safe_load_all(file))
        return f"{match['head']}\n```mermaid\n{mermaid(spec)}\n```\n{match['tail']}"

    return re.sub(
        r"(?P<head><!-- drawn from (?P<file>\S+) -->)\n.*?(?P<tail><!-- end of drawing -->)",
        fill,
        page,
        flags=re.DOTALL,
    )


def _boxes(spec: dict[str, Any], component: dict[str, Any], indent: str) -> Iterator[str]:
    for name, task in component["dag"]["tasks"].items():
        inner = spec["components"][task["componentRef"]["name"]]
        if "dag" in inner:
            yield f"{indent}subgraph {_id(name)} [for each item]"
            yield from _boxes(spec, inner, indent + "    ")
            yield f"{indent}end"
        else:
            yield f'{indent}{_id(name)}["{task["taskInfo"]["name"]}"]'


def _arrows(
    spec: dict[str, Any], component: dict[str, Any], outside: dict[str, str]
) -> Iterator[str]:
    """Yield the arrows of a DAG; `outside` tells which task gives an input of the DAG."""
    for name, task in component["dag"]["tasks"].items():
        inner = spec["components"][task["componentRef"]["name"]]
        given: dict[str, str] = {}
        told: set[str] = set()
        for key, one in task.get("inputs", {}).get("artifacts", {}).items():
            producer = one.get("taskOutputArtifact", {})
            source = producer.get("producerTask") or outside.get(
                one.get("componentInputArtifact", ""), ""
            )
            if source:
                given[key] = source
                told.add(source)
                if "dag" not in inner:
                    artifact = producer.get("outputArtifactKey", key).rpartition("-")[
                        2
                    ]  # a loop puts its task's name before it
                    yield f"{_id(source)} -- {artifact} --> {_id(name)}"
        for key, one in task.get("inputs", {}).get("parameters", {}).items():
            source = one.get("taskOutputParameter", {}).get("producerTask", "")
            if source:
                given[key] = source
                # The fingerprint goes everywhere; drawn, it would hide the rest.
                if "dag" in inner:
                    yield f"{_id(source)} --> {_id(name)}"
        for source in task.get("dependentTasks", []):
            if source not in told and source not in given.values():
                yield f"{_id(source)} --> {_id(name)}"
        if "dag" in inner:
            yield from _arrows(spec, inner, given)


def _id(name: str) -> str:
    return name.replace("-", "_")


if __name__ == "__main__":
    PAGE.write_text(draw(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
