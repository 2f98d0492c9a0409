"""Settings for a cluster, compared with what KFP's own compiler writes for them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import compiler, dsl, kubernetes
from kfp.pipeline_spec import pipeline_spec_pb2

from stethoscope.cli import main
from stethoscope.errors import ParameterError
from stethoscope.kubeflow.compiled import USES_GPU, WORKSPACE, ClusterOptions
from stethoscope.runs.pipelines import PIPELINES, compiled_file


@dsl.component(base_image="python:1", install_kfp_package=False)
def fetch(cache: str = ""):
    pass


@dsl.component(base_image="python:1", install_kfp_package=False)
def train(epochs: int = 1):
    pass


@dsl.component(base_image="example.org/python:2", install_kfp_package=False)
def fetch_elsewhere(cache: str = ""):
    pass


@dsl.component(base_image="example.org/python:2", install_kfp_package=False)
def train_elsewhere(epochs: int = 1):
    pass


def documents(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def test_settings_are_written_as_kfps_compiler_writes_them(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def plain():
        first = fetch()
        kubernetes.add_pod_label(train().after(first), USES_GPU, "true")

    config = dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="20Gi"))

    @dsl.pipeline(name="p", pipeline_config=config)
    def wanted():
        first = fetch_elsewhere(cache=f"{dsl.WORKSPACE_PATH_PLACEHOLDER}/archives")
        second = train_elsewhere().after(first)
        kubernetes.add_pod_label(second, USES_GPU, "true")
        second.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(2)
        for task in (first, second):
            kubernetes.set_image_pull_secrets(task, ["regcred"])

    compiler.Compiler().compile(plain, str(tmp_path / "plain.yaml"))
    compiler.Compiler().compile(wanted, str(tmp_path / "wanted.yaml"))
    options = ClusterOptions(
        image="example.org/python:2",
        gpu="nvidia.com/gpu:2",
        workspace="20Gi",
        pull_secret="regcred",
    )
    ours = options.apply((tmp_path / "plain.yaml").read_text())
    renamed = (
        (tmp_path / "wanted.yaml").read_text().replace("-elsewhere", "").replace("_elsewhere", "")
    )
    assert documents(ours) == documents(renamed)


@pytest.mark.parametrize("name", PIPELINES)
def test_every_pipeline_with_settings_is_a_valid_specification(name: str, tmp_path: Path) -> None:
    output = tmp_path / "x.yaml"
    arguments = [
        "compile",
        "--pipeline",
        name,
        "--output",
        str(output),
        "--image",
        "r/s:1",
        "--gpu",
        "nvidia.com/gpu",
    ]
    assert main([*arguments, "--workspace", "10Gi", "--pull-secret", "key"]) == 0
    spec, platform = documents(output.read_text())
    json_format.Parse(
        json.dumps(spec), pipeline_spec_pb2.PipelineSpec(), ignore_unknown_fields=False
    )
    json_format.Parse(
        json.dumps(platform), pipeline_spec_pb2.PlatformSpec(), ignore_unknown_fields=False
    )
    containers = [one["container"] for one in spec["deploymentSpec"]["executors"].values()]
    assert {container["image"] for container in containers} == {"r/s:1"}
    assert WORKSPACE in output.read_text()
    assert output.read_text().startswith("# PIPELINE DEFINITION")


def test_only_steps_that_train_get_the_gpu() -> None:
    spec, _ = documents(
        ClusterOptions(gpu="nvidia.com/gpu").apply(compiled_file("main").read_text())
    )
    with_gpu = [
        name
        for name, one in spec["deploymentSpec"]["executors"].items()
        if "accelerator" in one["container"].get("resources", {})
    ]
    assert with_gpu == ["exec-train-detector", "exec-train-diagnosis"]


def test_without_settings_the_text_is_unchanged() -> None:
    text = compiled_file("main").read_text()
    assert ClusterOptions().apply(text) == text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gpu": "nvidia.com/gpu:many"}, "gpu is"),
        ({"gpu": "nvidia.com/gpu:0"}, "gpu is"),
        ({"workspace": "big"}, "workspace is 'big'"),
        ({"workspace": "0Gi"}, "workspace is '0Gi'"),
        ({"image": "a b"}, "image is 'a b'"),
        ({"parallelism": -1}, "parallelism is -1"),
    ],
)
def test_wrong_settings_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ClusterOptions(**options)


def test_parallelism_is_set_on_the_loop(tmp_path: Path) -> None:
    output = tmp_path / "x.yaml"
    arguments = ["--pipeline", "sweep", "--parallelism", "9", "--output", str(output)]
    assert main(["compile", *arguments]) == 0
    spec, _ = documents(output.read_text())
    assert spec["root"]["dag"]["tasks"]["for-loop-1"]["iteratorPolicy"] == {"parallelismLimit": 9}


def test_parallelism_needs_a_loop() -> None:
    with pytest.raises(ParameterError, match="no loop"):
        ClusterOptions(parallelism=2).apply(compiled_file("main").read_text())
