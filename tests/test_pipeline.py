import ast
import importlib
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import compiler, dsl
from kfp.dsl.base_component import BaseComponent
from kfp.dsl.graph_component import GraphComponent
from kfp.pipeline_spec import pipeline_spec_pb2

from stethoscope.runs import pipelines as registry
from tests.kubeflow.fake_server import TYPES
from tests.test_layers import HEAVY

ROOT = Path(__file__).resolve().parents[1]
PIPELINES = {
    one.file: one.file.removesuffix(".yaml").replace("/", ".")
    for one in registry.PIPELINES.values()
}
"""The module of each compiled pipeline."""

NEVER_CACHED = re.compile(r"check-.*|plan-sweep|sweep-item|leaderboard")


@pytest.mark.parametrize(("file", "module"), PIPELINES.items())
def test_the_committed_yaml_equals_a_fresh_compile(file: str, module: str, tmp_path: Path) -> None:
    [pipeline] = pipelines_of(module)
    compiler.Compiler().compile(pipeline, str(tmp_path / "fresh.yaml"))
    assert (ROOT / file).read_text() == (tmp_path / "fresh.yaml").read_text(), (
        f"run `make compile` and commit {file}"
    )


def pipelines_of(module: str) -> list[GraphComponent]:
    return [
        value
        for value in vars(importlib.import_module(module)).values()
        if isinstance(value, GraphComponent)
    ]


@pytest.mark.parametrize("module", PIPELINES.values())
def test_there_is_exactly_one_pipeline_at_module_level(module: str) -> None:
    assert len(pipelines_of(module)) == 1


@pytest.mark.parametrize("file", PIPELINES)
def test_the_yaml_is_a_pipeline_spec_to_the_letter(file: str) -> None:
    spec, *platforms = yaml.safe_load_all((ROOT / file).read_text())
    json_format.Parse(
        json.dumps(spec), pipeline_spec_pb2.PipelineSpec(), ignore_unknown_fields=False
    )
    for platform in platforms:
        json_format.Parse(
            json.dumps(platform), pipeline_spec_pb2.PlatformSpec(), ignore_unknown_fields=False
        )


@pytest.mark.parametrize("file", PIPELINES)
def test_every_task_has_a_display_name_and_the_check_is_never_cached(file: str) -> None:
    spec, *_ = yaml.safe_load_all((ROOT / file).read_text())
    for name, task in steps_of(spec).items():
        assert task["taskInfo"]["name"] != name, name
        assert bool(task["cachingOptions"]) == (not NEVER_CACHED.fullmatch(name)), name


def steps_of(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All tasks that are carried out, those in loops as well."""
    dags = [
        one["dag"]["tasks"] for one in (spec["root"], *spec["components"].values()) if "dag" in one
    ]
    return {
        name: task
        for tasks in dags
        for name, task in tasks.items()
        if not name.startswith("for-loop")
    }


@pytest.mark.parametrize("file", PIPELINES)
def test_every_task_says_what_it_takes(file: str) -> None:
    spec, platform = yaml.safe_load_all((ROOT / file).read_text())
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for name, executor in spec["deploymentSpec"]["executors"].items():
        resources = executor["container"]["resources"]
        assert resources["cpuRequest"] <= resources["cpuLimit"], name
        assert resources["memoryRequest"] <= resources["memoryLimit"], name
        assert int(pods[name]["activeDeadlineSeconds"]) >= 900, name
        assert pods[name]["podMetadata"]["labels"]["app.kubernetes.io/part-of"] == "stethoscope", (
            name
        )
    retried = {name for name, task in steps_of(spec).items() if "retryPolicy" in task}
    over_a_network = {"download", "register-model"}
    assert retried == over_a_network & set(steps_of(spec)), "any other step fails again"


@pytest.mark.parametrize("file", PIPELINES)
def test_the_defaults_pass_the_servers_checks(file: str) -> None:
    """The server takes a default only if it is of the parameter's type, and YAML 1.1 reads some
    names as booleans.
    """
    spec, *_ = yaml.safe_load_all((ROOT / file).read_text())
    for name, one in spec["root"]["inputDefinitions"]["parameters"].items():
        if "defaultValue" in one:
            assert TYPES[one["parameterType"]](one["defaultValue"]), name
        assert yaml.safe_load(name) == name
    declared = re.compile(r"[a-z][a-z0-9_]*")
    assert all(declared.fullmatch(name) for name in spec["root"]["inputDefinitions"]["parameters"])


@pytest.mark.parametrize("file", PIPELINES)
def test_parameters_and_outputs_are_described(file: str) -> None:
    spec, *_ = yaml.safe_load_all((ROOT / file).read_text())
    for name, component in spec["components"].items():
        if "dag" in component:
            continue  # a loop's inputs are made by the compiler
        for inputs in component.get("inputDefinitions", {}).values():
            assert all(one.get("description") for one in inputs.values()), name
        for outputs in component.get("outputDefinitions", {}).values():
            assert all(one.get("description") for one in outputs.values()), name


@pytest.mark.parametrize("path", sorted((ROOT / "components").glob("*.py")), ids=lambda p: p.stem)
def test_a_component_reads_calls_and_logs(path: Path) -> None:
    """Its body decides nothing: a branch or a loop may only log."""
    [*_, last] = ast.parse(path.read_text(encoding="utf-8")).body
    if not isinstance(last, ast.FunctionDef) or not last.decorator_list:
        return  # the package's face, and what places a task
    logic = (ast.While, ast.Try, ast.With, ast.Lambda, ast.FunctionDef)
    assert not [node for step in last.body for node in ast.walk(step) if isinstance(node, logic)]
    for node in ast.walk(last):
        if isinstance(node, (ast.If, ast.For)):
            calls = [step.value for step in node.body if isinstance(step, ast.Expr)]
            assert len(calls) == len(node.body)
            assert all("log_" in ast.unparse(call) for call in calls)


def test_components_load_nothing_heavy_when_a_pipeline_is_compiled() -> None:
    heavy = set(HEAVY) - {"kfp"}
    program = f"""
import sys
for name in {sorted(heavy)!r}:
    sys.modules[name] = None
import {", ".join(PIPELINES.values())}
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


SETS = {
    one.file: one.parameters for one in registry.PIPELINES.values() if one.parameters.parameters
}
"""The parameters of each pipeline but the sweep, which has lists and objects."""


def test_every_pipeline_but_the_sweep_has_a_set_of_parameters() -> None:
    assert SETS.keys() == PIPELINES.keys() - {"pipelines/sweep.yaml"}


@pytest.mark.parametrize("file", SETS)
def test_a_pipeline_offers_each_parameter_as_it_is_defined(file: str) -> None:
    spec, *_ = yaml.safe_load_all((ROOT / file).read_text())
    names = {str: "STRING", int: "NUMBER_INTEGER", float: "NUMBER_DOUBLE", bool: "BOOLEAN"}
    assert spec["root"]["inputDefinitions"]["parameters"] == {
        one.name: {
            "parameterType": names[one.type],
            "description": one.description,
            **({} if one.default is None else {"defaultValue": one.default, "isOptional": True}),
        }
        for one in SETS[file].parameters
    }


@pytest.mark.parametrize("file", SETS)
def test_components_have_no_defaults_of_their_own(file: str) -> None:
    """And they describe a parameter as the pipeline does."""
    spec, *_ = yaml.safe_load_all((ROOT / file).read_text())
    defined = SETS[file].by_name
    for component in spec["components"].values():
        for name, one in component.get("inputDefinitions", {}).get("parameters", {}).items():
            if name in defined:
                assert "defaultValue" not in one, name
                assert one["description"] == defined[name].description


def test_a_parameter_that_two_pipelines_share_is_the_same_in_both() -> None:
    """Defaults may differ; the type may not, nor what is possible."""
    for first, second in itertools.combinations(SETS.values(), 2):
        for name in set(first.by_name) & set(second.by_name):
            one, other = first.by_name[name], second.by_name[name]
            assert (one.type, one.range) == (other.type, other.range), name


@pytest.mark.slow
@pytest.mark.parametrize("command", [["dsl-compile", "--py"], ["kfp", "dsl", "compile", "--py"]])
def test_kfps_own_compilers_take_pipeline_py(command: list[str], tmp_path: Path) -> None:
    program = Path(sys.executable).with_name(command[0])
    output = tmp_path / "x.yaml"
    subprocess.run(
        [program, *command[1:], "pipeline.py", "--output", output],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    assert yaml.safe_load_all(output.read_text())


def test_the_roc_component_draws_what_scikit_learn_draws(fan_results: Path, tmp_path: Path) -> None:
    from sklearn.metrics import roc_auc_score

    from components.roc_curve import roc_curve
    from stethoscope.detection.scores import read_scores

    scores = dsl.Dataset(uri=str(fan_results / "scores.csv"))
    roc = dsl.ClassificationMetrics(uri=str(tmp_path / "roc"))
    run(roc_curve, scores=scores, roc=roc)
    points = roc.metadata["confidenceMetrics"]
    clips = read_scores(fan_results / "scores.csv")
    area = sum(
        (b["falsePositiveRate"] - a["falsePositiveRate"]) * (a["recall"] + b["recall"]) / 2
        for a, b in itertools.pairwise(points)
    )
    expected = roc_auc_score(
        [clip.condition == "anomaly" for clip in clips],
        [clip.score - clip.threshold for clip in clips],
    )
    assert area == pytest.approx(expected, abs=1e-9)


def test_the_metrics_component_logs_every_machine(fan_results: Path, tmp_path: Path) -> None:
    from components.metrics import metrics

    figures = dsl.Metrics(uri=str(tmp_path / "figures"))
    scores = dsl.Dataset(uri=str(fan_results / "scores.csv"))
    run(metrics, scores=scores, figures=figures, max_fpr=0.1, seed=0)
    assert {"auc", "pauc", "fan_00_auc", "fan_02_false_alarm_rate"} <= set(figures.metadata)
    assert json.dumps(figures.metadata, allow_nan=False)


def run(component: BaseComponent, **inputs: Any) -> None:
    """Call a component's function; artifacts in a folder of the test have their URI as path."""
    component.python_func(**inputs)
