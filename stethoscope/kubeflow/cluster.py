"""Pipelines, runs and schedules on a Kubeflow cluster, through KFP's own client."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stethoscope import __version__
from stethoscope.errors import ParameterError
from stethoscope.kubeflow.compiled import display_names
from stethoscope.kubeflow.connection import ClusterError, Connection, UnreachableError
from stethoscope.kubeflow.watch import LOG_LINES, StepStates

FINISHED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
"""States of a run that has ended."""

POLL_SECONDS = 5.0
"""Seconds between two requests for the state of a run."""

MOST_FAILURES = 24
"""Requests in a row that may stay without an answer, two minutes, before waiting is given up."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a pipeline on the cluster.

    Attributes
    ----------
    pipeline_id, version_id, name : str
    spec : mapping
        The specification that was uploaded.
    new : bool
        Whether it was uploaded just now.
    """

    pipeline_id: str
    version_id: str
    name: str
    spec: Mapping[str, Any]
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """A run that is to be started, now or at regular times.

    Attributes
    ----------
    name : str
    experiment : str
        Name of the experiment, which is created if it is not there.
    experiment_id : str
        Id of an experiment that is there; then its name does not matter.
    parameters : mapping
        Parameters that differ from their defaults, of the right types.
    service_account : str
        Account that the pods run as; empty for the server's default.
    pipeline_root : str
        Where the artifacts are kept, ``s3://bucket/folder``; empty for the server's default.
    """

    name: str
    experiment: str
    experiment_id: str = ""
    parameters: Mapping[str, Any]
    service_account: str = ""
    pipeline_root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Runs that are started at regular times.

    Attributes
    ----------
    id, name, cron, status : str
    version_id : str
        Version of the pipeline that is run.
    parameters : mapping
    """

    id: str
    name: str
    cron: str
    status: str
    version_id: str
    parameters: Mapping[str, Any]


class Cluster:
    """A Kubeflow Pipelines server.

    Parameters
    ----------
    connection : Connection

    Raises
    ------
    ClusterError
        If the server does not answer.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client = connection.client()
        self._namespace = connection.namespace or None

    def upload(self, compiled: Path, *, name: str, description: str = "") -> Version:
        """Upload a compiled pipeline: a new pipeline, or a new version of one that is there.

        The version's name holds a digest of the content, so that nothing is uploaded twice.
        """
        digest = hashlib.sha256(compiled.read_bytes()).hexdigest()
        version_name = f"{__version__}-{digest[:12]}"
        with self._connection.requesting():
            # Not by upload_pipeline, which names the first version after the pipeline.
            pipeline_id = self._pipeline_id(name) or self._create_pipeline(name, description)
            for known in self._versions(pipeline_id):
                if known.display_name == version_name:
                    return _version(known, new=False)
            uploaded = self._client.upload_pipeline_version(
                str(compiled), version_name, pipeline_id=pipeline_id
            )
        return _version(uploaded, new=True)

    def newest(self, name: str) -> Version:
        """Return the version of a pipeline that was uploaded last.

        Raises
        ------
        ClusterError
            If there is no such pipeline.
        """
        with self._connection.requesting():
            pipeline_id = self._pipeline_id(name)
        if pipeline_id is None:
            raise ClusterError(f"the cluster has no pipeline {name!r}; upload it first")
        return self.version(pipeline_id)

    def version(self, pipeline_id: str, version_id: str = "") -> Version:
        """Return a version of a pipeline by its id, or the newest one.

        Raises
        ------
        ClusterError
            If there is none.
        """
        with self._connection.requesting():
            if version_id:
                return _version(
                    self._client.get_pipeline_version(pipeline_id, version_id), new=False
                )
            found = next(self._versions(pipeline_id), None)
        if found is None:
            raise ClusterError(f"the pipeline {pipeline_id} has no version; upload it first")
        return _version(found, new=False)

    def start(self, version: Version, request: RunRequest) -> str:
        """Start a run and return its id."""
        with self._connection.requesting():
            run = self._client.run_pipeline(
                self._experiment_id(request),
                request.name,
                params=dict(request.parameters),
                pipeline_id=version.pipeline_id,
                version_id=version.version_id,
                pipeline_root=request.pipeline_root or None,
                service_account=request.service_account or None,
            )
        return str(run.run_id)

    def schedule(self, version: Version, cron: str, request: RunRequest) -> tuple[str, str]:
        """Start runs at regular times.

        A schedule of the same name in the same experiment is replaced, or kept if it is the same.

        Parameters
        ----------
        version : Version
        cron : str
            Six fields: second, minute, hour, day of month, month, day of week; ``0 0 3 * * *`` is
            every night at three.
        request : RunRequest

        Returns
        -------
        tuple of str
            Id of the schedule, and what was done: created, replaced or kept.

        Raises
        ------
        ParameterError
            If `cron` does not have six fields.
        """
        check_cron(cron)
        with self._connection.requesting():
            experiment_id = self._experiment_id(request)
            before = [
                one
                for one in self._list_schedules(experiment_id=experiment_id)
                if one.name == request.name
            ]
            for one in before:
                if (one.cron, one.version_id, one.parameters) == (
                    cron,
                    version.version_id,
                    request.parameters,
                ):
                    return one.id, "kept"
            recurring = self._client.create_recurring_run(
                experiment_id,
                request.name,
                cron_expression=cron,
                params=dict(request.parameters),
                pipeline_id=version.pipeline_id,
                version_id=version.version_id,
                pipeline_root=request.pipeline_root or None,
                service_account=request.service_account or None,
            )
            for one in before:
                self._client.delete_recurring_run(one.id)
        return str(recurring.recurring_run_id), "replaced" if before else "created"

    def schedules(self) -> list[Schedule]:
        """Return all schedules of the user."""
        with self._connection.requesting():
            return list(self._list_schedules(namespace=self._namespace))

    def delete_schedule(self, schedule_id: str) -> None:
        """Delete a schedule; runs that were started stay."""
        with self._connection.requesting():
            self._client.delete_recurring_run(schedule_id)

    def wait(self, run_id: str, version: Version, *, timeout: float = 0.0) -> Iterator[str]:
        """Yield a line for every step that starts or ends, until the run has ended.

        Parameters
        ----------
        run_id : str
        version : Version
            The version that is run; it has the names of the steps.
        timeout : float
            Seconds after which waiting ends; 0 for never.

        Raises
        ------
        ClusterError
            If the run did not succeed, after the end of the log of each step that failed; the
            message names these steps. Also if the time is over or the server does not answer for
            `MOST_FAILURES` requests.
        """
        states = StepStates(display_names(version.spec))
        end = time.monotonic() + timeout if timeout else float("inf")
        while True:
            run = self._run(run_id)
            yield from states.changes((run.run_details and run.run_details.task_details) or [])
            if run.state in FINISHED:
                break
            if time.monotonic() > end:
                raise ClusterError(
                    f"run {run_id} has not ended after {timeout:g} s and goes on; "
                    f"look at {self.link(run_id)}"
                )
            time.sleep(POLL_SECONDS)
        if run.state != "SUCCEEDED":
            failed = states.failed()
            for step, pods in failed.items():
                yield from self._end_of_log(run_id, step, pods)
            names = f"; failed: {', '.join(failed)}" if failed else ""
            reason = f"; {run.error.message}" if run.error and not failed else ""
            raise ClusterError(
                f"run {run_id} ended as {run.state.lower()}{names}{reason}; "
                f"look at {self.link(run_id)}"
            )

    def link(self, run_id: str) -> str:
        """Return where the user interface shows a run."""
        return f"{self._connection.host.rstrip('/')}/#/runs/details/{run_id}"

    def _run(self, run_id: str) -> Any:
        """Return a run; failures that may pass are waited for."""
        failures = 0
        while True:
            try:
                with self._connection.requesting():
                    return self._client.get_run(run_id)
            except UnreachableError:
                failures += 1
                if failures > MOST_FAILURES:
                    raise
                time.sleep(POLL_SECONDS)

    def _end_of_log(self, run_id: str, step: str, pods: list[str]) -> Iterator[str]:
        for pod in pods:
            if lines := self._connection.log(run_id, pod).splitlines():
                yield f"End of the log of {step}:"
                yield from (f"    {line}" for line in lines[-LOG_LINES:])
                return

    def _experiment_id(self, request: RunRequest) -> str:
        if request.experiment_id:
            return request.experiment_id
        found = self._client.create_experiment(request.experiment, namespace=self._namespace)
        return str(found.experiment_id)

    def _pipeline_id(self, name: str) -> str | None:
        """Return the id of the user's pipeline of a name."""
        predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
        answer = self._client.list_pipelines(
            filter=json.dumps({"predicates": [predicate]}), namespace=self._namespace
        )
        found = [one.pipeline_id for one in answer.pipelines or []]
        if len(found) > 1:
            raise ClusterError(
                f"the cluster has {len(found)} pipelines {name!r}; choose one by --pipeline-id"
            )
        return found[0] if found else None

    def _create_pipeline(self, name: str, description: str) -> str:
        pipeline = self._client.api_models.V2beta1Pipeline(
            display_name=name, description=description or None, namespace=self._namespace
        )
        return str(self._client.pipelines.pipeline_service_create_pipeline(pipeline).pipeline_id)

    def _versions(self, pipeline_id: str) -> Iterator[Any]:
        """Yield the versions of a pipeline, the newest first."""
        page = ""
        while True:
            answer = self._client.list_pipeline_versions(
                pipeline_id, page_token=page, page_size=50, sort_by="created_at desc"
            )
            yield from answer.pipeline_versions or []
            page = answer.next_page_token
            if not page:
                return

    def _list_schedules(self, **where: str | None) -> Iterator[Schedule]:
        page = ""
        while True:
            answer = self._client.list_recurring_runs(page_token=page, page_size=50, **where)
            yield from map(_schedule, answer.recurring_runs or [])
            page = answer.next_page_token
            if not page:
                return


def check_cron(cron: str) -> None:
    """Refuse a text that gives no times.

    Raises
    ------
    ParameterError
        If it does not have six fields.
    """
    if len(cron.split()) != 6 and not cron.startswith("@"):
        raise ParameterError(
            f"cron is {cron!r}; give six fields from second to day of week, such as '0 0 3 * * *'"
        )


def _version(answer: Any, *, new: bool) -> Version:
    spec = answer.pipeline_spec or {}
    # A file with a second document, of the platform, comes back as one mapping of both.
    return Version(
        pipeline_id=answer.pipeline_id,
        version_id=answer.pipeline_version_id,
        name=answer.display_name,
        spec=spec.get("pipeline_spec", spec),
        new=new,
    )


def _schedule(answer: Any) -> Schedule:
    cron = answer.trigger and answer.trigger.cron_schedule
    reference, config = answer.pipeline_version_reference, answer.runtime_config
    return Schedule(
        id=answer.recurring_run_id,
        name=answer.display_name,
        cron=(cron and cron.cron) or "",
        status=str(answer.status or answer.mode or "").lower(),
        version_id=(reference and reference.pipeline_version_id) or "",
        parameters=(config and config.parameters) or {},
    )
