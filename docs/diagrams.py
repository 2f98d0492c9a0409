"""Draw the compiled pipelines in docs/kubeflow.md: ``python docs/diagrams.py``."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stethoscope.kubeflow.compiled import read_spec
from stethoscope.runs.pipelines import PIPELINES, Pipeline

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "kubeflow.md"
BEGIN = "<!-- drawn from the compiled pipelines by docs/diagrams.py -->"
END = "<!-- end of the drawings -->"


def mermaid(spec: dict[str, Any]) -> str:
    """Return a pipeline as a Mermaid flowchart.

    It has a box for each task, an arrow for each artifact or order, and a frame for each loop.
    """
    boxes = list(_boxes(spec, spec["root"], "    "))
    arrows = [f"    {one}" for one in dict.fromkeys(_arrows(spec, spec["root"], {}))]
    return "\n".join(["flowchart TD", *boxes, *arrows])


def draw(page: str) -> str:
    """Return the page with a section for every pipeline between the two marks, drawn anew."""
    drawn: dict[str, str] = {}
    sections = "\n\n".join(_section(pipeline, drawn) for pipeline in PIPELINES.values())
    return re.sub(
        f"{re.escape(BEGIN)}.*{re.escape(END)}",
        lambda _: f"{BEGIN}\n\n{sections}\n\n{END}",
        page,
        flags=re.DOTALL,
    )


def _section(pipeline: Pipeline, drawn: dict[str, str]) -> str:
    """Return the section of a pipeline; one that was drawn before, by its drawing, is named."""
    compiled = ROOT / pipeline.file
    spec = read_spec(compiled)
    program = compiled.relative_to(ROOT).with_suffix(".py")
    drawing = f"```mermaid\n{mermaid(spec)}\n```"
    first = drawn.setdefault(drawing, pipeline.name)
    shown = drawing if first == pipeline.name else f"Its steps are those of `{first}`."
    return f"""### `{pipeline.name}`

{spec["pipelineInfo"]["description"]} ([{program}](../{program}))

{shown}"""


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
    """Yield the arrows of a DAG; `outside` has the task that each input of the DAG comes from."""
    for name, task in component["dag"]["tasks"].items():
        inner = spec["components"][task["componentRef"]["name"]]
        artifacts = dict(_artifact_sources(task, outside))
        parameters = dict(_parameter_sources(task))
        given = {key: source for key, (source, _) in artifacts.items()} | parameters
        if "dag" in inner:
            for source in parameters.values():
                yield f"{_id(source)} --> {_id(name)}"
        else:
            for source, artifact in artifacts.values():
                yield f"{_id(source)} -- {artifact} --> {_id(name)}"
        for source in task.get("dependentTasks", []):
            if source not in given.values():
                yield f"{_id(source)} --> {_id(name)}"
        if "dag" in inner:
            yield from _arrows(spec, inner, given)


def _artifact_sources(
    task: dict[str, Any], outside: dict[str, str]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield for each input artifact of a task the task that it comes from, and its name there."""
    for key, one in task.get("inputs", {}).get("artifacts", {}).items():
        producer = one.get("taskOutputArtifact", {})
        source = producer.get("producerTask") or outside.get(one.get("componentInputArtifact", ""))
        if source:
            # In the name of an artifact of a loop, the name of the loop's task comes first.
            yield key, (source, producer.get("outputArtifactKey", key).rpartition("-")[2])


def _parameter_sources(task: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield for each input parameter of a task the task that it comes from, if there is one."""
    for key, one in task.get("inputs", {}).get("parameters", {}).items():
        if source := one.get("taskOutputParameter", {}).get("producerTask"):
            yield key, source


def _id(name: str) -> str:
    return name.replace("-", "_")


if __name__ == "__main__":
    PAGE.write_text(draw(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
