"""Components and pipelines whose parameters are made from their definitions, by KFP's compiler."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler, dsl

from stethoscope.kubeflow.authoring import Given, component, takes
from stethoscope.options import Parameter, ParameterSet, Range

COUNT = Parameter("count", int, 3, "How many.", Range(least=1))
NAME = Parameter("name", str, None, "What it is called.")
SHARE = Parameter("share", float, 0.5, "How much.")


@component(COUNT, NAME, image="python:3.11")
def repeat(
    text: dsl.Output[dsl.Artifact], fingerprint: str, cache: str = "", **parameters: Any
) -> None:
    """Write a name several times.

    Args:
        fingerprint: A text.
        cache: A folder.

    Returns:
        text: The text.
    """
    from pathlib import Path

    words = [parameters["name"]] * parameters["count"]
    Path(text.path).write_text(" ".join([*words, fingerprint, cache]), encoding="utf-8")


@dsl.pipeline(name="repeating")
@takes(ParameterSet(COUNT, NAME, SHARE))
def repeating(given: Given) -> None:
    """Repeat a name."""
    repeat(fingerprint="abc", **given.of(repeat))


def test_a_component_takes_the_parameters_by_name_and_without_defaults() -> None:
    inputs = repeat.component_spec.inputs
    assert {name: (one.type, one.optional) for name, one in inputs.items()} == {
        "fingerprint": ("String", False),
        "cache": ("String", True),
        "count": ("Integer", False),
        "name": ("String", False),
    }
    assert inputs["count"].description == "How many."
    assert inputs["cache"].description == "A folder."


def test_the_body_gets_the_values_by_name(tmp_path: Path) -> None:
    text = dsl.Artifact(uri=str(tmp_path / "text"))
    repeat.python_func(text=text, fingerprint="abc", cache="x", count=2, name="fan")
    assert (tmp_path / "text").read_text() == "fan fan abc x"
    with pytest.raises(TypeError, match="name"):
        repeat.python_func(text=text, fingerprint="abc", count=2)


def test_the_source_in_the_compiled_pipeline_needs_no_definitions(tmp_path: Path) -> None:
    """A cluster runs it as it stands: executed alone, it is the same function."""
    compiler.Compiler().compile(repeating, str(tmp_path / "p.yaml"))
    spec = yaml.safe_load((tmp_path / "p.yaml").read_text())
    [executor] = spec["deploymentSpec"]["executors"].values()
    source = executor["container"]["command"][-1]
    assert "component(" not in source
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    text = dsl.Artifact(uri=str(tmp_path / "text"))
    namespace["repeat"](text=text, fingerprint="abc", count=1, name="pump")
    assert (tmp_path / "text").read_text() == "pump abc "


def test_a_pipeline_offers_its_parameters_and_hands_each_step_its_own(tmp_path: Path) -> None:
    compiler.Compiler().compile(repeating, str(tmp_path / "p.yaml"))
    spec = yaml.safe_load((tmp_path / "p.yaml").read_text())
    assert spec["root"]["inputDefinitions"]["parameters"] == {
        "count": {
            "defaultValue": 3.0,
            "description": "How many.",
            "isOptional": True,
            "parameterType": "NUMBER_INTEGER",
        },
        "name": {"description": "What it is called.", "parameterType": "STRING"},
        "share": {
            "defaultValue": 0.5,
            "description": "How much.",
            "isOptional": True,
            "parameterType": "NUMBER_DOUBLE",
        },
    }
    given = spec["root"]["dag"]["tasks"]["repeat"]["inputs"]["parameters"]
    assert given.keys() == {"count", "name", "fingerprint"}
    assert given["count"] == {"componentInputParameter": "count"}


def test_parameters_that_a_pipeline_does_not_offer_have_their_defaults(tmp_path: Path) -> None:
    @dsl.pipeline(name="short")
    @takes(ParameterSet(NAME), ParameterSet(COUNT, NAME, SHARE))
    def short(given: Given) -> None:
        """Repeat a name."""
        repeat(fingerprint="abc", **given.of(repeat))

    spec = short.pipeline_spec
    assert set(spec.root.input_definitions.parameters) == {"name"}
    inputs = spec.root.dag.tasks["repeat"].inputs.parameters
    assert inputs["name"].component_input_parameter == "name"
    assert inputs["count"].runtime_value.constant.number_value == 3
