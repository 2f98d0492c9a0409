import re
import shlex
import sys
from pathlib import Path

import pytest

from stethoscope import cli
from stethoscope.commands import same
from stethoscope.detection.autoencoder import AUTOENCODER
from stethoscope.runs.pipelines import PIPELINES

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

import parameters  # noqa: E402
from diagrams import PAGE, draw, mermaid  # noqa: E402


def test_every_compiled_pipeline_is_drawn_as_it_is() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == draw(page), "run `make compile` and commit docs/kubeflow.md"
    assert all(f"\n### `{name}`\n" in page for name in PIPELINES)
    assert page.count("```mermaid") == len(PIPELINES) - 1, "detect has the steps of main"


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


def pages() -> list[Path]:
    """Return the Markdown files of the project."""
    folders = ("docs", "data", "stethoscope")
    return [
        *sorted(ROOT.glob("*.md")),
        *(page for folder in folders for page in sorted((ROOT / folder).rglob("*.md"))),
    ]


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def commands(page: Path) -> list[list[str]]:
    """Return the commands `stethoscope` and `same` in the blocks of a page, split into words."""
    blocks = re.findall(
        r"^```(?:sh|bash|console)?\n(.*?)^```",
        page.read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    calls = (re.sub(r"^\$ |^.* \| | &$", "", line) for line in lines)
    return [
        shlex.split(call, comments=True)
        for call in calls
        if call.startswith(("stethoscope ", "same "))
    ]


@pytest.mark.parametrize(
    "page",
    [page for page in pages() if commands(page)],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_the_command_line_accepts_the_commands_of_a_page(page: Path) -> None:
    for program, *arguments in commands(page):
        if arguments == ["--version"]:
            continue  # it ends the program
        (cli if program == "stethoscope" else same)._parser().parse_args(arguments)


def test_most_pages_show_commands() -> None:
    assert sum(len(commands(page)) for page in pages()) >= 30


def test_parameters_of_a_network_are_shown_with_a_detector_that_uses_them() -> None:
    """The program in same.yaml has such a detector."""
    of_networks = AUTOENCODER.parameters - {"fit_validation_split"}
    for page in pages():
        for command in commands(page):
            given = {word.partition("=")[0] for word in command}
            if command[0] == "stethoscope" and given & of_networks:
                assert "detector" in given, (page.name, command)
