"""Commands for a Kubeflow cluster: submit, schedules, collect."""

import argparse
import json
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
    volumes_of,
    write_configured,
)
from stethoscope.errors import ParameterError

if TYPE_CHECKING:
    from stethoscope.kubeflow.cluster import Cluster, RunRequest, Version


def register(add: Add) -> None:
    """Add the commands to the parser."""
    _register_submit(add)
    _register_schedules(add)
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
        "'0 0 3 * * *' is every night at three; a schedule of the same name is replaced",
    )
    add_run_options(one)
    add_ids(one)
    add_wait(one)
    add_cluster_options(one)


def _register_schedules(add: Add) -> None:
    one = add("schedules", _schedules, "list or delete the schedules on a Kubeflow cluster")
    one.add_argument(
        "--delete", action="append", default=[], metavar="ID", help="schedule to delete; repeatable"
    )
    add_server_options(one)


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the server and the user."""
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
        help="your Kubernetes namespace, on a cluster that several users share",
    )
    group.add_argument(
        "--server-namespace",
        default="kubeflow",
        metavar="NAME",
        help="namespace in which Kubeflow Pipelines is installed, without --host "
        "(default: kubeflow)",
    )
    group.add_argument(
        "--token",
        default="",
        help="bearer token (default: the environment variable STETHOSCOPE_TOKEN)",
    )
    group.add_argument(
        "--cookies",
        default="",
        metavar="NAME=VALUE",
        help="cookies of a session in the browser, for a login by Dex or OAuth "
        "(default: the environment variable STETHOSCOPE_COOKIES)",
    )
    group.add_argument(
        "--ca-cert",
        default="",
        metavar="FILE",
        help="certificate of the authority that signed the server's certificate",
    )


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every run on a cluster has."""
    parser.add_argument(
        "--service-account", default="", metavar="NAME", help="account that the pods run as"
    )
    parser.add_argument(
        "--pipeline-root",
        default="",
        metavar="ADDRESS",
        help="where the artifacts are kept, such as s3://bucket/folder (default: the server's)",
    )


def add_ids(parser: argparse.ArgumentParser) -> None:
    """Add the options that name what is on the server already."""
    parser.add_argument("--experiment-id", default="", metavar="ID", help="experiment, by its id")
    parser.add_argument(
        "--pipeline-id",
        default="",
        metavar="ID",
        help="run the newest version of this pipeline and upload nothing",
    )
    parser.add_argument(
        "--version-id", default="", metavar="ID", help="with --pipeline-id: run this version"
    )


def add_wait(parser: argparse.ArgumentParser) -> None:
    """Add the options that wait for the end of a run."""
    parser.add_argument(
        "--wait",
        action="store_true",
        help="show the steps until the run has ended; the exit status is 1 if it failed",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=0.0,
        metavar="MINUTES",
        help="with --wait: how long to wait; the run itself goes on (default: until it has ended)",
    )


def cluster_of(options: argparse.Namespace) -> "Cluster":
    """Return the cluster that the options name."""
    from stethoscope.kubeflow.cluster import Cluster
    from stethoscope.kubeflow.connection import Connection

    return Cluster(
        Connection(
            host=options.host,
            namespace=options.namespace,
            server_namespace=options.server_namespace,
            token=options.token or os.environ.get("STETHOSCOPE_TOKEN", ""),
            cookies=options.cookies or os.environ.get("STETHOSCOPE_COOKIES", ""),
            ca_cert=options.ca_cert,
        )
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
        version = upload_described(cluster, configured, name)
    return cluster, version


def upload_described(
    cluster: "Cluster", compiled: Path, name: str, description: str = ""
) -> "Version":
    """Upload a compiled pipeline with the help of its parameters, and print its version.

    The description is that of the pipeline unless another one is given.
    """
    from stethoscope.kubeflow.compiled import read_spec
    from stethoscope.kubeflow.parameters import help_text

    spec = read_spec(compiled)
    description = description or spec["pipelineInfo"].get("description", "")
    text = "\n\n".join(filter(None, (description, help_text(spec))))
    version = cluster.upload(compiled, name=name, description=text)
    outcome = "uploaded" if version.new else "is there already"
    print(f"Pipeline {name}: version {version.name} {outcome}")
    return version


def version_by_id(options: argparse.Namespace) -> "tuple[Cluster, Version] | None":
    """Return the version that is named by its id; None if none is."""
    if options.version_id and not options.pipeline_id:
        raise ParameterError("--version-id needs the pipeline's id; give it by --pipeline-id")
    if not options.pipeline_id:
        return None
    cluster = cluster_of(options)
    return cluster, cluster.version(options.pipeline_id, options.version_id)


def prepared(
    spec: Mapping[str, Any], values: Mapping[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    """Return the parameters of a run on a cluster, cast and checked."""
    from stethoscope.kubeflow.parameters import cast_values, parameters_of
    from stethoscope.runs.checks import check_for_cluster

    given = cast_values(parameters_of(spec), values)
    check_for_cluster(spec, given, folders=volumes_of(options).values())
    return given


def _submit(options: argparse.Namespace) -> int:
    from stethoscope.kubeflow.cluster import check_cron
    from stethoscope.kubeflow.compiled import read_spec
    from stethoscope.runs.pipelines import compiled_file

    values = given_parameters(options)
    if options.cron:
        check_cron(options.cron)
    if found := version_by_id(options):
        cluster, version = found
        given = prepared(version.spec, values, options)
    else:
        given = prepared(read_spec(compiled_file(options.pipeline)), values, options)
        cluster, version = upload(options.pipeline, options)
    name = options.run_name or _run_name(options.pipeline, given)
    request = run_request(options, name, options.experiment, given)
    if options.cron:
        schedule_id, outcome = cluster.schedule(version, options.cron, request)
        print(f"Schedule {request.name} {outcome}: {schedule_id}")
        return 0
    start(cluster, version, request, options)
    return 0


def run_request(
    options: argparse.Namespace, name: str, experiment: str, parameters: Mapping[str, Any]
) -> "RunRequest":
    """Return the run that the options describe."""
    from stethoscope.kubeflow.cluster import RunRequest

    return RunRequest(
        name=name,
        experiment=experiment,
        experiment_id=getattr(options, "experiment_id", ""),
        parameters=parameters,
        service_account=options.service_account,
        pipeline_root=options.pipeline_root,
    )


def start(
    cluster: "Cluster", version: "Version", request: "RunRequest", options: argparse.Namespace
) -> None:
    """Start a run, and with --wait show its steps and how its results can be collected."""
    from stethoscope.runs.pipelines import pipeline_of

    run_id = cluster.start(version, request)
    print(f"Run started: {cluster.link(run_id)}")
    if not options.wait:
        return
    for line in cluster.wait(run_id, version, timeout=60 * options.timeout):
        print(line, flush=True)
    print("Run succeeded.")
    if pipeline := pipeline_of(version.spec):
        folder = f"{version.spec['pipelineInfo']['name']}/{run_id}"
        print(
            "To have its results here, "
            f"copy the folder {folder} from the artifact store, then:\n"
            f"stethoscope collect COPY --pipeline {pipeline.name} --output DIR"
        )


def _schedules(options: argparse.Namespace) -> int:
    from stethoscope.terminal import text_table

    cluster = cluster_of(options)
    for schedule_id in options.delete:
        cluster.delete_schedule(schedule_id)
        print(f"Schedule deleted: {schedule_id}")
    if options.delete:
        return 0
    rows = [
        (one.id, one.name, one.cron, one.status, json.dumps(one.parameters))
        for one in cluster.schedules()
    ]
    header = ("id", "name", "times", "status", "parameters")
    print("\n".join(text_table([header, *rows], align="<<<<<")) if rows else "no schedules")
    return 0


def _run_name(pipeline: str, given: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (pipeline, str(given.get("dataset_url", "")))))


def _collect(options: argparse.Namespace) -> int:
    from stethoscope.runs.collect import collect

    return 1 if collect(options.pipeline, options.folder, options.output).get("failed") else 0
