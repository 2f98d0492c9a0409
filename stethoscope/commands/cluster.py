"""Commands for a Kubeflow cluster: submit, collect."""

import argparse
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stethoscope.commands import Add
from stethoscope.commands.run import (
    add_cluster_options,
    add_parameters,
    add_pipeline,
    given_parameters,
    write_configured,
)

if TYPE_CHECKING:
    from stethoscope.kubeflow.cluster import Cluster, Version


def register(add: Add) -> None:
    """Add the commands to the parser."""
    _register_submit(add)
    one = add(
        "collect",
        _collect,
        "write the results of a run on a cluster into a folder, as a local run does",
    )
    one.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="copy of the run's folder in the artifact store, with a folder for each step",
    )
    add_pipeline(one)
    one.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder for the results"
    )


def _register_submit(add: Add) -> None:
    one = add("submit", _submit, "run a pipeline on a Kubeflow cluster")
    add_parameters(one)
    add_server_options(one)
    add_service_account(one)
    one.add_argument(
        "--experiment",
        default="stethoscope",
        help="experiment that the run belongs to (default: stethoscope)",
    )
    one.add_argument(
        "--run-name", help="name of the run (default: name of the pipeline and data set)"
    )
    one.add_argument(
        "--cron",
        metavar="FIELDS",
        help="run repeatedly, at the times of six fields from second to day of week: "
        "'0 0 3 * * *' is every night at three",
    )
    one.add_argument(
        "--wait",
        action="store_true",
        help="show the steps until the run has ended; the exit status is 1 if it failed",
    )
    add_cluster_options(one)


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the server."""
    group = parser.add_argument_group("server")
    group.add_argument(
        "--host",
        default="",
        help="address of Kubeflow Pipelines (default: the cluster that this computer belongs to, "
        "or that kubectl is set to)",
    )
    group.add_argument(
        "--namespace",
        default="",
        help="Kubernetes namespace, on a cluster that several users share",
    )
    group.add_argument(
        "--token",
        default="",
        help="bearer token (default: the environment variable STETHOSCOPE_TOKEN)",
    )


def add_service_account(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the account of the pods."""
    parser.add_argument(
        "--service-account", default="", metavar="NAME", help="account that the pods run as"
    )


def cluster_of(options: argparse.Namespace) -> "Cluster":
    """Return the cluster that the options name."""
    from stethoscope.kubeflow.cluster import Cluster

    return Cluster(
        options.host,
        namespace=options.namespace,
        token=options.token or os.environ.get("STETHOSCOPE_TOKEN", ""),
    )


def upload(pipeline: str, options: argparse.Namespace) -> "tuple[Cluster, Version]":
    """Upload a pipeline, set up as the options describe, and print its version.

    Wrong settings are refused before the server is contacted.
    """
    from stethoscope.runs.pipelines import pipeline_named

    name = pipeline_named(pipeline).cluster_name
    with tempfile.TemporaryDirectory() as folder:
        configured = Path(folder) / "pipeline.yaml"
        write_configured(configured, pipeline, options, for_cluster=True)
        cluster = cluster_of(options)
        version = cluster.upload(configured, name=name)
    print_version(name, version)
    return cluster, version


def print_version(name: str, version: "Version") -> None:
    """Print which version of a pipeline is used, and whether it was uploaded just now."""
    outcome = "uploaded" if version.new else "is there already"
    print(f"Pipeline {name}: version {version.name} {outcome}")


def _submit(options: argparse.Namespace) -> int:
    from stethoscope.kubeflow.parameters import cast_values, read_parameters
    from stethoscope.runs.pipelines import compiled_file

    parameters = read_parameters(compiled_file(options.pipeline))
    given = cast_values(parameters, given_parameters(options))
    cluster, version = upload(options.pipeline, options)
    run = {
        "experiment": options.experiment,
        "run_name": options.run_name or _run_name(options.pipeline, given),
        "parameters": given,
        "service_account": options.service_account,
    }
    if options.cron:
        print(f"Scheduled: {cluster.schedule(version, cron=options.cron, **run)}")
        return 0
    run_id = cluster.start(version, **run)
    print(f"Run started: {cluster.link(run_id)}")
    if options.wait:
        _wait(cluster, run_id, f"{version.spec['pipelineInfo']['name']}/{run_id}", options.pipeline)
    return 0


def _run_name(pipeline: str, given: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (pipeline, str(given.get("dataset_url", "")))))


def _wait(cluster: "Cluster", run_id: str, folder: str, pipeline: str) -> None:
    """Print the steps until the run has ended, and how its results can be collected."""
    for line in cluster.wait(run_id):
        print(line, flush=True)
    print(
        "Run succeeded. To have its results here, "
        f"copy the folder {folder} from the artifact store, then:"
    )
    print(f"stethoscope collect COPY --pipeline {pipeline} --output DIR")


def _collect(options: argparse.Namespace) -> int:
    from stethoscope.runs.collect import collect

    return 1 if collect(options.pipeline, options.folder, options.output).get("failed") else 0
