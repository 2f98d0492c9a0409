"""Which tasks a server reuses, by its own rules."""

import pytest

from stethoscope.kubeflow.settings import ClusterOptions
from stethoscope.runs.pipelines import PIPELINES, compiled_file
from tests.kubeflow.server_rules import WORKSPACE_PATH, CachingServer, documents

CHECKED = {
    "main": "check-parameters",
    "detect": "check-parameters",
    "event-detection": "check-events",
    "sound-classification": "check-sounds",
}
"""The pipelines whose steps are reused, with their first step."""


@pytest.mark.parametrize("name", PIPELINES)
def test_no_cached_task_takes_an_artifact_of_one_that_is_not_cached(name: str) -> None:
    """Its key would hold the id of a new artifact in every run."""
    spec, _ = documents(compiled_file(name).read_text())
    dags = [one["dag"] for one in (spec["root"], *spec["components"].values()) if "dag" in one]
    for dag in dags:
        cached = {
            name
            for name, task in dag["tasks"].items()
            if task.get("cachingOptions", {}).get("enableCache")
        }
        for task in cached:
            taken = dag["tasks"][task].get("inputs", {}).get("artifacts", {}).values()
            assert {one["taskOutputArtifact"]["producerTask"] for one in taken} <= cached, task


@pytest.mark.parametrize(("name", "check"), CHECKED.items())
def test_second_run_executes_the_check_only_unless_the_recordings_changed(
    name: str, check: str
) -> None:
    server, compiled = CachingServer(), compiled_file(name).read_text()
    given = {"dataset_url": "https://example.org/week.zip"}
    everything = server.run(compiled, {check: "monday"}, **given)
    assert server.run(compiled, {check: "monday"}, **given) == [check]
    assert server.run(compiled, {check: "tuesday"}, **given) == everything
    assert len(everything) > 5


@pytest.mark.parametrize(
    ("parameter", "value", "reused"),
    [
        (
            "detector_false_alarm_rate",
            0.05,
            {"train-detector", "extract-features", "train-diagnosis", "download"},
        ),
        ("detector", "autoencoder", {"extract-features", "group-faults", "train-diagnosis"}),
        ("class_epochs", 3, {"train-detector", "evaluate-detector", "group-faults", "download"}),
        ("fault_groups", 3, {"extract-features", "train-detector", "evaluate-detector"}),
        ("fault_holdout_id", "02", {"extract-features", "train-detector", "group-faults"}),
        ("fault_plots", "scatter", {"train-diagnosis", "export-model", "evaluate-detector"}),
        ("feature_n_mels", 64, {"download"}),
    ],
)
def test_changed_parameter_executes_only_what_depends_on_it(
    parameter: str, value: object, reused: set[str]
) -> None:
    server, compiled = CachingServer(), compiled_file("main").read_text()
    outputs = {"check-parameters": "same"}
    everything = server.run(compiled, outputs)
    executed = server.run(compiled, outputs, **{parameter: value})
    spec, _ = documents(compiled)
    tasks = spec["root"]["dag"]["tasks"]
    takers = {
        name for name, task in tasks.items() if parameter in task["inputs"].get("parameters", {})
    }
    dependent = set(takers)
    for name in everything:  # in order: producers come first
        sources = tasks[name]["inputs"].get("artifacts", {}).values()
        if dependent & {one["taskOutputArtifact"]["producerTask"] for one in sources}:
            dependent.add(name)
    assert set(executed) == dependent
    assert not reused & dependent


@pytest.mark.parametrize("changed", ["needs_samples", "diagnoses"])
def test_another_answer_of_the_check_reads_the_recordings_anew(changed: str) -> None:
    server, compiled = CachingServer(), compiled_file("main").read_text()
    answers = {"fingerprint": "same", "needs_samples": "false", "diagnoses": "true"}
    everything = server.run(compiled, {"check-parameters": answers})
    other = {**answers, changed: {"true": "false", "false": "true"}[answers[changed]]}
    executed = server.run(compiled, {"check-parameters": other})
    assert set(everything) - set(executed) == {"download"}


def test_another_image_executes_everything() -> None:
    server, compiled = CachingServer(), compiled_file("main").read_text()
    outputs = {"check-parameters": "same"}
    everything = server.run(compiled, outputs)
    other = ClusterOptions(image="registry.example.org/s:2").apply(compiled)
    assert server.run(other, outputs) == everything


def test_with_a_workspace_every_run_downloads() -> None:
    """Its volume has another name in each run."""
    compiled = compiled_file("main").read_text()
    with_workspace = ClusterOptions(workspace="20Gi").apply(compiled)
    server, outputs = CachingServer(), {"check-parameters": "same"}
    assert server.run(with_workspace, outputs) == server.run(with_workspace, outputs)


def test_with_downloads_on_an_existing_volume_nothing_is_fetched_twice() -> None:
    compiled = ClusterOptions(downloads="kept").apply(compiled_file("main").read_text())
    server, outputs = CachingServer(), {"check-parameters": "same"}
    assert len(server.run(compiled, outputs)) > 5
    assert server.run(compiled, outputs) == ["check-parameters"]


@pytest.mark.parametrize("options", [{"workspace": "20Gi"}, {"downloads": "kept"}])
def test_the_step_that_reads_the_archive_sees_the_volume_that_keeps_it(
    options: dict[str, str],
) -> None:
    applied = ClusterOptions(**options).apply(compiled_file("main").read_text())  # type: ignore[arg-type]
    spec, platform = documents(applied)
    tasks = spec["root"]["dag"]["tasks"]
    values = {name: task["inputs"].get("parameters", {}) for name, task in tasks.items()}
    given = {name: own["cache"] for name, own in values.items() if "cache" in own}
    assert sorted(given) == ["download", "extract-features"]
    folders = {one["runtimeValue"]["constant"] for one in given.values()}
    assert len(folders) == 1
    if "downloads" in options:
        pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        mounts = [pods[f"exec-{name}"]["pvcMount"] for name in given]
        assert {one["mountPath"] for mount in mounts for one in mount} == folders
    else:
        assert folders == {f"{WORKSPACE_PATH}/archives"}
