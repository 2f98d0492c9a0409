"""The command `same`, in this process, against a server that checks what the real one checks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stethoscope.commands.same import main
from stethoscope.detection.autoencoder import AUTOENCODER
from tests.kubeflow.fake_server import Kubeflow

ROOT = Path(__file__).resolve().parents[2]
FILE = str(ROOT / "same.yaml")
IMAGE = "registry.example.org/stethoscope-python:0.1.0"


def write(folder: Path, **changes: object) -> str:
    document = yaml.safe_load((ROOT / "same.yaml").read_text())
    (folder / "pipeline.yaml").write_bytes((ROOT / "pipeline.yaml").read_bytes())
    document["pipeline"] |= {"package": "pipeline.yaml", "image": IMAGE}
    (folder / "same.yaml").write_text(yaml.safe_dump({**document, **changes}))
    return str(folder / "same.yaml")


@pytest.mark.slow
def test_create_uploads_and_run_starts_a_run(
    kubeflow: Kubeflow,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)  # the package is found from the file, wherever the command is given
    assert main(["program", "create", "-f", FILE, "--host", kubeflow.host]) == 0
    assert not kubeflow.runs
    arguments = [
        "program",
        "run",
        "-f",
        FILE,
        "--host",
        kubeflow.host,
        "--experiment-name",
        "pumps",
        "--run-name",
        "default",
    ]
    assert main([*arguments, "-p", "fit_epochs=3"]) == 0
    [pipeline] = kubeflow.pipelines.values()
    assert pipeline["display_name"] == "stethoscope"
    [run] = kubeflow.runs.values()
    assert run["display_name"] == "default"
    assert kubeflow.experiments[run["experiment_id"]]["display_name"] == "pumps"
    parameters = run["runtime_config"]["parameters"]
    assert parameters["fit_epochs"] == 3
    assert parameters["dataset_url"] == "dcase2020/pump"
    assert f"/#/runs/details/{run['run_id']}" in capsys.readouterr().out


@pytest.mark.slow
def test_the_token_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STETHOSCOPE_IMAGE", IMAGE)
    guarded = Kubeflow(token="secret")
    try:
        assert main(["program", "create", "-f", FILE, "--host", guarded.host]) == 1
        monkeypatch.setenv("STETHOSCOPE_TOKEN", "secret")
        assert main(["program", "create", "-f", FILE, "--host", guarded.host]) == 0
    finally:
        guarded.close()


def test_names_come_from_the_file_unless_given(kubeflow: Kubeflow, tmp_path: Path) -> None:
    file = write(tmp_path)
    assert main(["program", "run", "-f", file, "--host", kubeflow.host]) == 0
    [run] = kubeflow.runs.values()
    assert run["display_name"] == "pump"
    assert kubeflow.experiments[run["experiment_id"]]["display_name"] == "stethoscope"
    names = ["-n", "mine", "-e", "trials", "-r", "first"]
    assert main(["program", "run", "-f", file, "--host", kubeflow.host, *names]) == 0
    assert {one["display_name"] for one in kubeflow.pipelines.values()} == {"stethoscope", "mine"}


def test_run_only_uses_the_newest_version_and_casts_to_its_types(
    kubeflow: Kubeflow, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path)
    arguments = ["program", "run", "-f", file, "--host", kubeflow.host, "--run-only"]
    assert main(arguments) == 1
    assert "the cluster has no pipeline 'stethoscope'; upload it first" in capsys.readouterr().err
    assert main(["program", "create", "-f", file, "--host", kubeflow.host]) == 0
    changed = (
        (ROOT / "pipeline.yaml").read_text().replace("defaultValue: 100.0", "defaultValue: 9.0")
    )
    (tmp_path / "pipeline.yaml").write_text(changed)
    assert main([*arguments, "-p", "fit_epochs=2.0"]) == 0
    assert len(kubeflow.versions) == 1
    assert next(iter(kubeflow.runs.values()))["runtime_config"]["parameters"]["fit_epochs"] == 2
    assert main([*arguments, "-p", "fit_epochs=two"]) == 2
    assert main(["program", "create", "-f", file, "--host", kubeflow.host]) == 0
    assert len(kubeflow.versions) == 2
    assert len(kubeflow.pipelines) == 1


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("fit_epochs=two", "fit_epochs is 'two'; it must be a whole number, such as 100"),
        ("fit_epoch=2", "fit_epoch is no parameter, did you mean fit_epochs?"),
        ("fit_epochs", "parameter 'fit_epochs' is not of the form name=value"),
    ],
)
@pytest.mark.parametrize("where", ["--local", "--host"])
def test_wrong_parameters_are_refused_before_anything_is_sent(
    kubeflow: Kubeflow,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    where: str,
    argument: str,
    message: str,
) -> None:
    place = [where] if where == "--local" else [where, kubeflow.host]
    assert main(["program", "run", "-f", write(tmp_path), *place, "-p", argument]) == 2
    error = capsys.readouterr().err
    assert error.startswith("same: ")
    assert message in error
    assert kubeflow.requests == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pipeline": {}}, "pipeline.name is missing"),
        ({"pipeline": {"name": "p"}}, "pipeline.package is missing"),
        (
            {"pipeline": {"name": "p", "package": "absent.py"}},
            "pipeline.package is 'absent.py', but there is no",
        ),
        (
            {"pipeline": {"name": "p", "package": "broken.py"}},
            "does not compile (division by zero)",
        ),
        ({"pipeline": {"name": "p", "package": "empty.py"}}, "does not compile"),
        ({"pipeline": "p"}, "pipeline must hold further keys"),
        ({"run": {"name": ["a", ["b"]]}}, "run.name is not a single value; give a text"),
        (
            {"run": {"parameters": {"fit_epochs": [1, 2]}}},
            "run.parameters.fit_epochs is not a single value",
        ),
        ({"run": {"parameters": {"fit_epochs": "two"}}}, "fit_epochs is 'two'"),
    ],
)
def test_wrong_file_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], message: str
) -> None:
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "empty.py").write_text("x = 1")
    assert main(["program", "run", "-f", write(tmp_path, **changes), "--local"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), ("a: [", "is not YAML"), ("- a", "holds no settings")],
)
def test_file_that_cannot_be_read_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "same.yaml").write_text(content)
    assert main(["program", "create", "-f", str(tmp_path / "same.yaml")]) == 2
    assert message in capsys.readouterr().err


def test_host_without_a_server_is_named_with_the_option_local(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["program", "run", "-f", write(tmp_path), "--host", "http://127.0.0.1:9"]) == 1
    error = capsys.readouterr().err
    assert "no Kubeflow answers at http://127.0.0.1:9; check --host" in error
    assert "`same program run --local` need no cluster" in error


@pytest.mark.slow
def test_local_run_uses_the_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = "simulated/fan?ids=1&train_clips=6&test_normal=3&test_anomaly=3&seconds=1"
    arguments = ["-p", "detector=autoencoder", "-p", f"dataset_url={tiny}", "-p", "fit_epochs=2"]
    output = tmp_path / "run"
    assert main(["program", "run", "-f", FILE, "--local", *arguments, "--output", str(output)]) == 0
    summary = json.loads((output / "summary.json").read_text())
    assert summary["settings"]["fit_epochs"] == 2
    assert summary["settings"]["dataset_url"] == tiny
    [curves] = json.loads(
        (output / "bundle" / "models" / "detector" / "curves.json").read_text()
    ).values()
    assert len(curves["loss"]) == 2
    assert (output / "report.html").is_file()
    assert "fan/00" in capsys.readouterr().out


def test_local_run_of_another_pipeline_copies_its_outputs(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(
        """
from kfp import dsl

@dsl.component(base_image="python:3.12", install_kfp_package=False)
def shout(text: str, note: dsl.Output[dsl.Markdown]):
    \"\"\"Shout.

    Returns:
        note: What was shouted.
    \"\"\"
    open(note.path, "w").write(text.upper())

@dsl.pipeline(name="theirs")
def theirs(text: str = "hello") -> dsl.Markdown:
    return shout(text=text).outputs["note"]
"""
    )
    (tmp_path / "same.yaml").write_text(
        "pipeline: {name: theirs, package: theirs.py}\nrun: {parameters: {text: listen}}\n"
    )
    command = [
        sys.executable,
        "-m",
        "stethoscope.commands.same",
        "program",
        "run",
        "--local",
        "--output",
        "out",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert [
        path.read_text()
        for path in (tmp_path / "out").iterdir()
        if path.name not in ("summary.json", "run.json", "run.log", "run.yaml")
    ] == ["LISTEN"]


def test_image_comes_from_the_file_or_the_option_and_must_be_one_to_pull(
    kubeflow: Kubeflow, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path)
    command = ["program", "create", "-f", file, "--host", kubeflow.host]
    for arguments, image in (
        ([], IMAGE),
        (["--image", "r.example.org/other:2"], "r.example.org/other:2"),
    ):
        assert main([*command, *arguments]) == 0
        spec = list(kubeflow.versions.values())[-1]["pipeline_spec"]["pipeline_spec"]
        executors = spec["deploymentSpec"]["executors"].values()
        assert {one["container"]["image"] for one in executors} == {image}
    sent = len(kubeflow.requests)
    (tmp_path / "same.yaml").write_text((tmp_path / "same.yaml").read_text().replace(IMAGE, ""))
    assert main(command) == 2
    assert "names no registry" in capsys.readouterr().err
    assert len(kubeflow.requests) == sent


def test_program_of_this_project_is_the_baseline_of_dcase_with_all_its_parameters() -> None:
    run = yaml.safe_load((ROOT / "same.yaml").read_text())["run"]["parameters"]
    used = AUTOENCODER.parameters | {"feature_frames"}
    assert run.pop("detector") == "autoencoder"
    assert len(run) == 14
    spec = yaml.safe_load((ROOT / "pipeline.yaml").read_text().split("---")[0])
    defaults = spec["root"]["inputDefinitions"]["parameters"]
    assert {name for name in run if name.startswith("fit_")} == {
        name for name in defaults if name.startswith("fit_")
    }
    assert {name for name in run if name.startswith("fit_")} - {"fit_verbose"} < used
    assert run.pop("dataset_url") == "dcase2020/pump"
    assert run == {name: defaults[name]["defaultValue"] for name in run}
