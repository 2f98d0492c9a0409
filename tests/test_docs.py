import re
import shlex
import sys
from pathlib import Path

from stethoscope import cli
from stethoscope.commands import same
from stethoscope.runs.pipelines import PIPELINES

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

import parameters  # noqa: E402
from diagrams import PAGE, draw, mermaid  # noqa: E402


def test_every_compiled_pipeline_is_drawn_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == draw(page), "run `make compile` and commit docs/kubeflow.md"
    assert page.count("```mermaid") == len(PIPELINES)


def test_the_reference_of_the_parameters_is_made_from_their_definitions() -> None:
    page = parameters.PAGE.read_text(encoding="utf-8")
    assert page == parameters.reference(), "run `make compile` and commit docs/parameters.md"


def test_a_loop_is_a_frame_and_order_without_data_an_arrow() -> None:
    def task(component: str, **inputs: object) -> dict[str, object]:
        return {
            "componentRef": {"name": component},
            "taskInfo": {"name": component.title()},
            **inputs,
        }

    result = {
        "taskOutputArtifact": {
            "producerTask": "loop",
            "outputArtifactKey": "pipelinechannel--work-out",
        }
    }
    loop = task("inner", dependentTasks=["first"])
    tasks = {
        "first": task("one"),
        "loop": loop,
        "last": task("one", inputs={"artifacts": {"all": result}}),
    }
    spec = {
        "root": {"dag": {"tasks": tasks}},
        "components": {"one": {}, "inner": {"dag": {"tasks": {"work": task("one")}}}},
    }
    assert mermaid(spec).splitlines() == [
        "flowchart TD",
        '    first["One"]',
        "    subgraph loop [for each item]",
        '        work["One"]',
        "    end",
        '    last["One"]',
        "    first --> loop",
        "    loop -- out --> last",
    ]


def test_the_commands_that_the_page_shows_exist() -> None:
    text = PAGE.read_text(encoding="utf-8")
    calls = [
        line
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    ]
    checked = 0
    for line in calls:
        program, *arguments = shlex.split(line)
        if program in ("stethoscope", "same"):
            (cli if program == "stethoscope" else same)._parser().parse_args(arguments)
            checked += 1
    assert checked >= 8
