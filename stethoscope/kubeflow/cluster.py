"""Runs on a Kubeflow cluster: upload, start, schedule, wait, through KFP's own client."""

import contextlib
import hashlib
import io
import json
import logging
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stethoscope import __version__
from stethoscope.errors import ParameterError, StethoscopeError

FINISHED = ("SUCCEEDED", "FAILED", "CANCELED", "SKIPPED")
"""States that a run stays in."""

POLL_SECONDS = 5.0
"""Time between two looks at a run."""


class ClusterError(StethoscopeError):
    """The cluster cannot be reached, or refuses."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a pipeline on the cluster; `spec` is what was uploaded, `new` whether that was
    just now.
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
        Address of the server; empty inside the cluster, or for the cluster that kubectl talks to.
    namespace : str
        Kubernetes namespace, where several users share a cluster.
    token : str
        Bearer token; empty inside the cluster, and where none is asked for.

    Raises
    ------
    ClusterError
        If it does not answer.
    """

    def __init__(self, host: str = "", *, namespace: str = "", token: str = "") -> None:
        import kfp

        self._host = host.rstrip("/")
        if self._host:
            _probe(self._host, token)
        with self._asking(), warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of the version of the server, and of addresses without https://
            self._client = kfp.Client(
                host=self._host or None,
                namespace=namespace or "kubeflow",
                existing_token=token or None,
            )

    def upload(self, compiled: Path, *, name: str, description: str = "") -> Version:
        """Upload a compiled pipeline: as a new pipeline, or as a version of the one that is there.

        The version's name holds a digest of the content, so that nothing is uploaded twice.
        """
        content = compiled.read_bytes()
        version_name = f"{__version__}-{hashlib.sha256(content).hexdigest()[:12]}"
        with self._asking():
            pipeline_id = self._client.get_pipeline_id(name)
            if pipeline_id is None:
                pipeline_id = self._client.upload_pipeline(
                    str(compiled), pipeline_name=name, description=description or None
                ).pipeline_id
                [first] = self._client.list_pipeline_versions(
                    pipeline_id, page_size=1
                ).pipeline_versions
                return _version(first, new=True)
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
        with self._asking():
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
        with self._asking():
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
        """Start runs again and again, and return the schedule's id.

        Parameters
        ----------
        cron : str
            Six fields: second, minute, hour, day of month, month, day of week; ``0 0 3 * * *`` is
            every night at three.
        """
        if len(cron.split()) != 6 and not cron.startswith("@"):
            raise ParameterError(
                f"cron is {cron!r}; give six fields from second to day of week, such as '0 0 3 * * *'"
            )
        with self._asking():
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
            with self._asking():
                run = self._client.get_run(run_id)
            tasks = {
                task.task_id: task
                for task in (run.run_details.task_details or [] if run.run_details else [])
            }
            for key, task in tasks.items():
                if task.state and seen.get(key) != task.state:
                    seen[key] = task.state
                    yield f"{task.display_name:<24} {task.state.lower()}"
            if run.state in FINISHED:
                break
            time.sleep(POLL_SECONDS)
        if run.state != "SUCCEEDED":
            failed = [f"{task.display_name} ({task.error.message})" if task.error else task.display_name
                      for task in tasks.values() if task.state == "FAILED"]  # fmt: skip
            reason = (
                f"; failed: {', '.join(failed)}"
                if failed
                else f"; {run.error.message}"
                if run.error
                else ""
            )
            raise ClusterError(
                f"run {run_id} ended as {run.state.lower()}{reason}; look at {self.link(run_id)}"
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
    def _asking(self) -> Iterator[None]:
        """Turn what can go wrong into one line, and keep back what KFP's client prints and logs on
        its way.
        """
        import kfp_server_api
        import urllib3

        where = self._host or "the cluster of this environment"
        level = logging.getLogger("urllib3").level
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except kfp_server_api.ApiException as error:
            raise ClusterError(f"{where} refuses: {_told(error)}") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise ClusterError(
                f"no Kubeflow answers at {where}; check --host and the connection, or run it here with --local"
            ) from error
        except (RuntimeError, TimeoutError, ValueError) as error:
            raise ClusterError(f"{where}: {' '.join(str(error).split())}") from error
        finally:
            logging.getLogger("urllib3").setLevel(level)


def _probe(host: str, token: str) -> None:
    """Ask whether a server is there: KFP's client would try for half a minute and not say why it
    failed.
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
        raise ClusterError(
            f"no Kubeflow answers at {host}; check --host and the connection, or run it here with --local"
        ) from error
    if answer.status_code in (401, 403):
        raise ClusterError(
            f"{host} refuses: {answer.status_code} {answer.reason}; give a token by --token"
        )
    if not answer.ok or "json" not in answer.headers.get("Content-Type", ""):
        raise ClusterError(
            f"{host} is no Kubeflow Pipelines server, or wants a login ({answer.status_code}); check --host and --token"
        )


def _version(answer: Any, *, new: bool) -> Version:
    spec = answer.pipeline_spec or {}
    # With a second document, of the platform, the server gives both under a name each.
    return Version(
        pipeline_id=answer.pipeline_id,
        version_id=answer.pipeline_version_id,
        name=answer.display_name,
        spec=spec.get("pipeline_spec", spec),
        new=new,
    )


def _told(error: Any) -> str:
    """Return what the server said, on one line."""
    try:
        body = json.loads(error.body)
        text = body.get("message") or body.get("error_message") or body.get("error") or error.body
    except (ValueError, TypeError, AttributeError):
        text = error.reason or error.body or ""
    return f"{error.status} {' '.join(str(text).split())[:500]}"
