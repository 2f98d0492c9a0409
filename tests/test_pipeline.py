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

from tests.kubeflow.fake_server import TYPES

ROOT = Path(__file__).resolve().parents[1]
PIPELINES = {
    "pipeline.yaml": "pipeline",
    "pipelines/event_detection.yaml": "pipelines.event_detection",
    "pipelines/sound_classification.yaml": "pipelines.sound_classification",
    "pipelines/sweep.yaml": "pipelines.sweep",
}
NEVER_CACHED = (
    "check-parameters",
    "check-events",
    "check-sounds",
    "download",
    "plan-sweep",
    "sweep-item",
    "leaderboard",
)


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
def test_every_task_has_a_display_name_and_download_is_never_cached(file: str) -> None:
    spec, *_ = yaml.safe_load_all((ROOT / file).read_text())
    for name, task in steps_of(spec).items():
        assert task["taskInfo"]["name"] != name, name
        assert bool(task["cachingOptions"]) == (name not in NEVER_CACHED), name


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
    assert retried == {"download"} & set(steps_of(spec)), "what fails without a network fails again"


@pytest.mark.parametrize("file", PIPELINES)
def test_the_defaults_pass_the_servers_checks(file: str) -> None:
    """The server takes a default only if it is of the parameter's type, and YAML 1.1 reads some
    names as booleans.
    """
    spec, *_ = yaml.safe_load_all((ROOT / file).read_text())
    for name, one in spec["root"]["inputDefinitions"]["parameters"].items():
        if name == "dataset_url" and file == "pipelines/sound_classification.yaml":
            assert "defaultValue" not in one  # labelled recordings are the user's own
        else:
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


def test_components_hold_no_logic() -> None:
    """Heavy imports stay in the body: a component's file imports only kfp."""
    for path in (ROOT / "components").glob("*.py"):
        lines = [
            line for line in path.read_text().splitlines() if line.startswith(("import ", "from "))
        ]
        allowed = (
            "from kfp",
            "from components",
            "from datetime",
            "from typing",
            "import functools",
            "import os",
            "from stethoscope import __version__",
            "from stethoscope.kubeflow.compiled import USES_GPU",
        )
        assert all(line.startswith(allowed) for line in lines), path


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
    run(metrics, scores=dsl.Dataset(uri=str(fan_results / "scores.csv")), figures=figures)
    assert {"auc", "pauc", "fan_00_auc", "fan_02_false_alarm_rate"} <= set(figures.metadata)
    assert json.dumps(figures.metadata, allow_nan=False)


def run(component: BaseComponent, **artifacts: dsl.Artifact) -> None:
    """Call a component's function; artifacts in a folder of the test have their URI as their path."""
    component.python_func(**artifacts)
