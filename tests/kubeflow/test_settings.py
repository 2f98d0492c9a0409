"""Settings for a cluster, compared with what KFP's own compiler writes for them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import compiler, dsl, kubernetes
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from stethoscope.cli import main
from stethoscope.datasets.download.credentials import CREDENTIALS
from stethoscope.errors import ParameterError
from stethoscope.kubeflow.settings import (
    READS_RECORDINGS,
    USES_GPU,
    WORKSPACE,
    ClusterOptions,
    Secret,
    check_images,
)
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

    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast"}
    volume = dsl.KubernetesWorkspaceConfig(pvcSpecPatch=claim)
    config = dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="20Gi", kubernetes=volume))

    @dsl.pipeline(name="p", pipeline_config=config)
    def wanted():
        first = fetch_elsewhere(cache=f"{dsl.WORKSPACE_PATH_PLACEHOLDER}/archives")
        second = train_elsewhere().after(first)
        kubernetes.add_pod_label(second, USES_GPU, "true")
        second.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(2)
        for task in (first, second):
            kubernetes.set_image_pull_secrets(task, ["regcred"])
            kubernetes.add_node_selector(task, "pool", "audio")
            kubernetes.add_toleration(task, "dedicated", "Equal", "audio", "NoSchedule")
            kubernetes.add_toleration(task, "nvidia.com/gpu", "Exists")
            kubernetes.add_ephemeral_volume(
                task, "stethoscope-scratch", "/s3", ["ReadWriteOnce"], "50Gi"
            )
            task.set_caching_options(False)

    compiler.Compiler().compile(plain, str(tmp_path / "plain.yaml"))
    compiler.Compiler().compile(wanted, str(tmp_path / "wanted.yaml"))
    options = ClusterOptions(
        image="example.org/python:2",
        gpu="nvidia.com/gpu:2",
        workspace="20Gi",
        workspace_class="fast",
        ephemeral_storage="50Gi:/s3",
        node_selector={"pool": "audio"},
        tolerations=("dedicated=audio:NoSchedule", "nvidia.com/gpu"),
        pull_secret="regcred",
        caching=False,
    )
    ours = options.apply((tmp_path / "plain.yaml").read_text())
    renamed = (
        (tmp_path / "wanted.yaml").read_text().replace("-elsewhere", "").replace("_elsewhere", "")
    )
    assert documents(ours) == documents(renamed)


def test_volumes_and_secrets_are_written_as_kfps_compiler_writes_them(tmp_path: Path) -> None:
    @dsl.pipeline(name="p")
    def plain():
        first = fetch()
        kubernetes.add_pod_label(first, READS_RECORDINGS, "true")
        train().after(first)

    @dsl.pipeline(name="p")
    def wanted():
        first = fetch(cache="/stethoscope-downloads")
        kubernetes.add_pod_label(first, READS_RECORDINGS, "true")
        kubernetes.mount_pvc(first, "recordings", "/data")
        kubernetes.mount_pvc(first, "kept", "/stethoscope-downloads")
        usual = {name: name for name in CREDENTIALS}
        kubernetes.use_secret_as_env(first, "store", usual, optional=True)
        keys = {"accesskey": "AWS_ACCESS_KEY_ID", "secretkey": "AWS_SECRET_ACCESS_KEY"}
        kubernetes.use_secret_as_env(first, "minio", keys)
        train().after(first)

    compiler.Compiler().compile(plain, str(tmp_path / "plain.yaml"))
    compiler.Compiler().compile(wanted, str(tmp_path / "wanted.yaml"))
    text = "minio:accesskey=AWS_ACCESS_KEY_ID,secretkey=AWS_SECRET_ACCESS_KEY"
    options = ClusterOptions(
        volumes={"recordings": "/data"},
        downloads="kept",
        secrets=(Secret.parse("store", CREDENTIALS), Secret.parse(text, CREDENTIALS)),
    )
    ours, theirs = (
        documents(one)
        for one in (
            options.apply((tmp_path / "plain.yaml").read_text()),
            (tmp_path / "wanted.yaml").read_text(),
        )
    )
    messages = [
        json_format.Parse(json.dumps(one[1]), pipeline_spec_pb2.PlatformSpec())
        for one in (ours, theirs)
    ]
    assert ours[0] == theirs[0]
    assert _with_executors(messages[0]) == _with_executors(messages[1])


def _with_executors(platform: pipeline_spec_pb2.PlatformSpec) -> dict[str, Any]:
    """What the server reads for each executor: messages of kfp-kubernetes."""
    spec = json_format.MessageToDict(platform)["platforms"]["kubernetes"]["deploymentSpec"]
    read = {
        name: json_format.ParseDict(one, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
        for name, one in spec["executors"].items()
        if one
    }
    # A key that is not there says false as well.
    return {name: json_format.MessageToDict(one) | _optional(one) for name, one in read.items()}


def _optional(config: Any) -> dict[str, Any]:
    return {
        "secretAsEnv": [
            json_format.MessageToDict(one) | {"optional": one.optional}
            for one in config.secret_as_env
        ]
    }


@pytest.mark.parametrize("name", PIPELINES)
def test_steps_that_read_recordings_see_volumes_and_secrets(name: str) -> None:
    options = ClusterOptions(volumes={"recordings": "/data"}, secrets=(Secret("s", {"a": "A"}),))
    spec, platform = documents(options.apply(compiled_file(name).read_text()))
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    seeing = {executor for executor, pod in pods.items() if "pvcMount" in pod}
    opening = {
        f"exec-{step}"
        for step in ("download", "plan-sweep", "sweep-item")
        if f"exec-{step}" in spec["deploymentSpec"]["executors"]
    }
    checks = {one for one in spec["deploymentSpec"]["executors"] if one.startswith("exec-check-")}
    assert seeing == opening | checks
    assert all("secretAsEnv" in pods[one] for one in seeing)


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
        "r.example.org/s:1",
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
    assert {container["image"] for container in containers} == {"r.example.org/s:1"}
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
        ({"workspace_access": "ReadOften", "workspace": "1Gi"}, "workspace-access is 'ReadOften'"),
        ({"workspace_class": "fast"}, "give its size by --workspace"),
        ({"ephemeral_storage": "50Gi:/tmp"}, "ephemeral-storage is '50Gi:/tmp'"),
        ({"tolerations": ("a=b:Never",)}, "toleration is 'a=b:Never'"),
        ({"volumes": {"data": "data"}}, "volume is data:data; give the name of an existing claim"),
        ({"volumes": {"a": "/data", "b": "/data"}}, "two volumes have the same folder"),
        ({"downloads": "Kept"}, "volume is Kept:"),
        ({"image": "example.org/a b"}, "image is 'example.org/a b'"),
        ({"image": "stethoscope-python:1"}, "names no registry, .*make push IMAGE="),
        ({"image": "library/stethoscope:1"}, "names no registry"),
        ({"parallelism": -1}, "parallelism is -1"),
    ],
)
def test_wrong_settings_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        ClusterOptions(**options)


def test_parallelism_is_set_on_the_loop(tmp_path: Path) -> None:
    output = tmp_path / "x.yaml"
    image = ["--image", "localhost/stethoscope-python:1"]
    arguments = ["--pipeline", "sweep", "--parallelism", "9", "--output", str(output), *image]
    assert main(["compile", *arguments]) == 0
    spec, _ = documents(output.read_text())
    assert spec["root"]["dag"]["tasks"]["for-loop-1"]["iteratorPolicy"] == {"parallelismLimit": 9}


def test_parallelism_needs_a_loop() -> None:
    with pytest.raises(ParameterError, match="no loop"):
        ClusterOptions(parallelism=2).apply(compiled_file("main").read_text())


@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline_whose_image_no_cluster_can_pull_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "x.yaml"
    arguments = ["compile", "--pipeline", name, "--output", str(output)]
    assert main(arguments) == 2
    assert "names no registry" in capsys.readouterr().err
    assert not output.exists()
    monkeypatch.setenv("STETHOSCOPE_IMAGE", "r.example.org:5000/s:1")
    assert main(arguments) == 0
    check_images(output.read_text())


def _images(compiled: str) -> dict[bool, set[str]]:
    """The images of the steps that train, and of the others."""
    spec, platform = documents(compiled)
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for name, executor in spec["deploymentSpec"]["executors"].items():
        trains = USES_GPU in pods[name]["podMetadata"]["labels"]
        found[trains].add(executor["container"]["image"])
    return found


def test_steps_that_train_may_have_an_image_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output, small, large = tmp_path / "x.yaml", "r.example.org/s:steps", "r.example.org/s:train"
    arguments = ["compile", "--output", str(output), "--image", small]
    assert main(arguments) == 0
    assert _images(output.read_text()) == {True: {small}, False: {small}}
    assert main([*arguments, "--train-image", large]) == 0
    assert _images(output.read_text()) == {True: {large}, False: {small}}
    monkeypatch.setenv("STETHOSCOPE_TRAIN_IMAGE", large)
    assert main(arguments) == 0
    assert _images(output.read_text()) == {True: {large}, False: {small}}
    monkeypatch.setenv("STETHOSCOPE_TRAIN_IMAGE", "train:1")
    assert main(arguments) == 2
    assert "'train:1', which names no registry" in capsys.readouterr().err


def test_pipelines_compiled_from_python_have_both_images(tmp_path: Path) -> None:
    small, large = "r.example.org/s:steps", "r.example.org/s:train"
    program = f"""
from importlib import import_module
from kfp import compiler
for name in {[(one.file.removesuffix(".yaml"), one.file) for one in PIPELINES.values()]!r}:
    module = import_module(name[0].replace("/", "."))
    [pipeline] = [v for v in vars(module).values() if type(v).__name__ == "GraphComponent"]
    compiler.Compiler().compile(pipeline, {str(tmp_path)!r} + "/" + name[1].rpartition("/")[2])
"""
    names = {"STETHOSCOPE_IMAGE": small, "STETHOSCOPE_TRAIN_IMAGE": large}
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, **names})
    compiled = list(tmp_path.glob("*.yaml"))
    assert len(compiled) == len(PIPELINES)
    for path in compiled:
        assert _images(path.read_text()) == {True: {large}, False: {small}}, path.name


def test_image_of_another_pipeline_is_not_examined() -> None:
    check_images(
        compiled_file("main").read_text().replace("image: stethoscope-python:", "image: python:")
    )


@pytest.mark.parametrize("name", PIPELINES)
def test_claim_of_the_workspace_is_one_that_the_server_takes(name: str) -> None:
    """backend/src/v2/compiler/argocompiler/argo.go of kubeflow/pipelines: GetWorkspacePVC refuses a
    claim without accessModes, convertStructToPVCSpec one with other keys than these.
    """
    compiled = ClusterOptions(workspace="20Gi", workspace_class="fast").apply(
        compiled_file(name).read_text()
    )
    _, platform = documents(compiled)
    workspace = platform["platforms"]["kubernetes"]["pipelineConfig"]["workspace"]
    claim = workspace["kubernetes"]["pvcSpecPatch"]
    assert claim.keys() <= {"accessModes", "storageClassName"}
    shared = "parameterIterator" in compiled  # pods of a loop run at the same time
    assert claim["accessModes"] == ["ReadWriteMany" if shared else "ReadWriteOnce"]


@pytest.mark.parametrize("name", PIPELINES)
def test_every_attempt_can_use_its_whole_deadline(name: str) -> None:
    """workflow/controller/operator.go of argo-workflows, processNodeRetries: no further attempt is
    made after the limit, which counts from the start of the first one, and a further pod gets what
    is left of it as its deadline. argocompiler/container.go of kubeflow/pipelines passes KFP's
    backoffMaxDuration as that limit.
    """
    spec, platform = documents(compiled_file(name).read_text())
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for task in spec["root"]["dag"]["tasks"].values():
        if policy := task.get("retryPolicy"):
            executor = spec["components"][task["componentRef"]["name"]]["executorLabel"]
            deadline = int(pods[executor]["activeDeadlineSeconds"])
            limit = int(policy["backoffMaxDuration"].removesuffix("s"))
            began, pause = 0, int(policy["backoffDuration"].removesuffix("s"))
            for _ in range(policy["maxRetryCount"]):
                began += deadline + pause
                pause *= int(policy["backoffFactor"])
                assert limit - began >= deadline


def test_without_caching_no_step_is_reused() -> None:
    spec, _ = documents(ClusterOptions(caching=False).apply(compiled_file("main").read_text()))
    assert not any(task["cachingOptions"] for task in spec["root"]["dag"]["tasks"].values())
