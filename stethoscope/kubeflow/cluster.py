"""Pipelines and runs on a Kubeflow cluster, through KFP's own client."""

import contextlib
import hashlib
import io
import json
import logging
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stethoscope import __version__
from stethoscope.errors import ParameterError, StethoscopeError

FINISHED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
"""States of a run that has ended."""

POLL_SECONDS = 5.0
"""Seconds between two requests for the state of a run."""


class ClusterError(StethoscopeError):
    """The cluster cannot be reached, or refuses a request."""


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


class Cluster:
    """A Kubeflow Pipelines server.

    Parameters
    ----------
    host : str
        Address of the server; empty inside the cluster, or for the cluster that kubectl is set to.
    namespace : str
        Kubernetes namespace, on a cluster that several users share.
    token : str
        Bearer token; empty inside the cluster, and for a server without login.

    Raises
    ------
    ClusterError
        If the server does not answer.
    """

    def __init__(self, host: str = "", *, namespace: str = "", token: str = "") -> None:
        import kfp

        self._host = host.rstrip("/")
        if self._host:
            _check_server(self._host, token)
        with self._requesting(), warnings.catch_warnings():
            # Of the version of the server, and of addresses without https://.
            warnings.simplefilter("ignore")
            self._client = kfp.Client(
                host=self._host or None,
                namespace=namespace or "kubeflow",
                existing_token=token or None,
            )

    def upload(self, compiled: Path, *, name: str, description: str = "") -> Version:
        """Upload a compiled pipeline: a new pipeline, or a new version of one that is there.

        The version's name holds a digest of the content, so that nothing is uploaded twice.
        """
        digest = hashlib.sha256(compiled.read_bytes()).hexdigest()
        version_name = f"{__version__}-{digest[:12]}"
        with self._requesting():
            pipeline_id = self._client.get_pipeline_id(name)
            if pipeline_id is None:
                return self._upload_first(compiled, name, description)
            for known in self._versions(pipeline_id):
                if known.display_name == version_name:
                    return _version(known, new=False)
            uploaded = self._client.upload_pipeline_version(
                str(compiled), version_name, pipeline_id=pipeline_id
            )
        return _version(uploaded, new=True)

    def _upload_first(self, compiled: Path, name: str, description: str) -> Version:
        created = self._client.upload_pipeline(
            str(compiled), pipeline_name=name, description=description or None
        )
        answer = self._client.list_pipeline_versions(created.pipeline_id, page_size=1)
        [first] = answer.pipeline_versions
        return _version(first, new=True)

    def newest(self, name: str) -> Version:
        """Return the version of a pipeline that was uploaded last.

        Raises
        ------
        ClusterError
            If there is no such pipeline.
        """
        with self._requesting():
            pipeline_id = self._client.get_pipeline_id(name)
            found = next(self._versions(pipeline_id), None) if pipeline_id else None
        if found is None:
            raise ClusterError(f"the cluster has no pipeline {name!r}; upload it first")
        return _version(found, new=False)

    def start(
        self,
        version: Version,
        *,
        experiment: str,
        run_name: str,
        parameters: Mapping[str, Any],
        service_account: str = "",
    ) -> str:
        """Start a run and return its id; the experiment is created if it is not there."""
        with self._requesting():
            run = self._client.run_pipeline(
                self._client.create_experiment(experiment).experiment_id,
                run_name,
                params=dict(parameters),
                pipeline_id=version.pipeline_id,
                version_id=version.version_id,
                service_account=service_account or None,
            )
        return str(run.run_id)

    def schedule(
        self,
        version: Version,
        *,
        cron: str,
        experiment: str,
        run_name: str,
        parameters: Mapping[str, Any],
        service_account: str = "",
    ) -> str:
        """Start runs at regular times, and return the id of the schedule.

        Parameters
        ----------
        version : Version
        cron : str
            Six fields: second, minute, hour, day of month, month, day of week; ``0 0 3 * * *`` is
            every night at three.
        experiment, run_name : str
            The experiment is created if it is not there.
        parameters : mapping
            Parameters that differ from their defaults, of the right types.
        service_account : str, optional
            Account that the pods run as.

        Raises
        ------
        ParameterError
            If `cron` does not have six fields.
        """
        if len(cron.split()) != 6 and not cron.startswith("@"):
            raise ParameterError(
                f"cron is {cron!r}; "
                "give six fields from second to day of week, such as '0 0 3 * * *'"
            )
        with self._requesting():
            recurring = self._client.create_recurring_run(
                self._client.create_experiment(experiment).experiment_id,
                run_name,
                cron_expression=cron,
                params=dict(parameters),
                pipeline_id=version.pipeline_id,
                version_id=version.version_id,
                service_account=service_account or None,
            )
        return str(recurring.recurring_run_id)

    def wait(self, run_id: str) -> Iterator[str]:
        """Yield a line for every step that starts or ends, until the run has ended.

        Raises
        ------
        ClusterError
            If the run did not succeed; the message names the steps that failed.
        """
        seen: dict[str, str] = {}
        while True:
            with self._requesting():
                run = self._client.get_run(run_id)
            tasks = (run.run_details.task_details if run.run_details else None) or []
            for task in tasks:
                if task.state and seen.get(task.task_id) != task.state:
                    seen[task.task_id] = task.state
                    yield f"{task.display_name:<24} {task.state.lower()}"
            if run.state in FINISHED:
                break
            time.sleep(POLL_SECONDS)
        if run.state != "SUCCEEDED":
            raise ClusterError(
                f"run {run_id} ended as {run.state.lower()}{_reason(run, tasks)}; "
                f"look at {self.link(run_id)}"
            )

    def link(self, run_id: str) -> str:
        """Return where the user interface shows a run."""
        return f"{self._host}/#/runs/details/{run_id}"

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

    @contextlib.contextmanager
    def _requesting(self) -> Iterator[None]:
        """Raise what can go wrong as `ClusterError`, and keep KFP's client from printing."""
        import kfp_server_api
        import urllib3

        where = self._host or "the cluster of this environment"
        level = logging.getLogger("urllib3").level
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except kfp_server_api.ApiException as error:
            raise ClusterError(f"{where} refuses: {_message_of(error)}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _unreachable(where) from error
        except (RuntimeError, TimeoutError, ValueError) as error:
            raise ClusterError(f"{where}: {' '.join(str(error).split())}") from error
        finally:
            logging.getLogger("urllib3").setLevel(level)


def _check_server(host: str, token: str) -> None:
    """Check that a server answers.

    Without a server, KFP's client would try for half a minute and give no reason.
    """
    import requests

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = requests.get(f"{host}/apis/v2beta1/healthz", headers=headers, timeout=15)
    except requests.exceptions.InvalidSchema as error:
        raise ParameterError(
            f"host is {host!r}; give an address such as http://localhost:8080"
        ) from error
    except requests.RequestException as error:
        raise _unreachable(host) from error
    if answer.status_code in (401, 403):
        raise ClusterError(
            f"{host} refuses: {answer.status_code} {answer.reason}; give a token by --token"
        )
    if not answer.ok or "json" not in answer.headers.get("Content-Type", ""):
        raise ClusterError(
            f"{host} is not a Kubeflow Pipelines server, or requires a login "
            f"({answer.status_code}); check --host and --token"
        )


def _unreachable(where: str) -> ClusterError:
    return ClusterError(
        f"no Kubeflow answers at {where}; "
        "check --host and the connection, or run it here with --local"
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


def _reason(run: Any, tasks: Sequence[Any]) -> str:
    """Return why a run failed: the steps that failed, or the error of the run."""
    failed = [
        f"{task.display_name} ({task.error.message})" if task.error else task.display_name
        for task in tasks
        if task.state == "FAILED"
    ]
    if failed:
        return f"; failed: {', '.join(failed)}"
    return f"; {run.error.message}" if run.error else ""


def _message_of(error: Any) -> str:
    """Return the message in the server's answer, on one line."""
    try:
        body = json.loads(error.body)
        text = body.get("message") or body.get("error_message") or body.get("error") or error.body
    except (ValueError, TypeError, AttributeError):
        text = error.reason or error.body or ""
    return f"{error.status} {' '.join(str(text).split())[:500]}"
