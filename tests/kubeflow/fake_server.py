"""A Kubeflow Pipelines server for tests: the part of the v2beta1 REST API that starts runs, with
the checks of the real one.

It refuses what a server refuses: pipelines that are no specification, names that are taken,
parameters that are unknown, missing or of another type, references to what is not there, a claim
for a workspace without access mode, and with several users a request without a namespace.

Bodies and answers are checked by the models of kfp_server_api, which are generated from the
server's own description (backend/api/v2beta1/swagger of kubeflow/pipelines). What a run says of its
tasks follows backend/src/common/util/workflow.go (NodeStatuses) there: the nodes of Argo's workflow
with Argo's names, without pods and reasons.
"""

import itertools
import json
import math
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

import kfp_server_api.models
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.answering import Answering, RefusedError

TYPES = {
    "STRING": lambda value: isinstance(value, str),
    "NUMBER_INTEGER": lambda value: (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and float(value).is_integer()
    ),
    "NUMBER_DOUBLE": lambda value: (
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    ),
    "BOOLEAN": lambda value: isinstance(value, bool),
    "LIST": lambda value: isinstance(value, list),
    "STRUCT": lambda value: isinstance(value, dict),
}
PRIMITIVES = {"str": str, "int": int, "bool": bool, "datetime": str, "object": object}
"""Types of the models' fields, as JSON has them."""

INT64 = {"max_concurrency"}
"""Fields that are texts in the models, and numbers for a server as well (protobuf's JSON)."""


class Kubeflow(Answering):
    """The server; `runs`, `pipelines` and so on are what it holds. A run goes on by one state
    whenever it is asked for.
    """

    def __init__(self, *, token: str = "", cookies: str = "", multi_user: bool = False) -> None:
        self.token = token
        self.cookies = cookies
        self.multi_user = multi_user
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, dict[str, Any]] = {}
        self.experiments: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.failing: dict[str, str] = {}
        """Tasks that fail, with their logs; the driver of a task is a task as well."""
        self.faults: list[int] = []
        """Statuses with which the next requests for a run are answered."""
        self.requests: list[str] = []
        self._ids = (f"{number:08d}-0000-4000-8000-000000000000" for number in itertools.count(1))
        super().__init__()
        self.host = self.address

    def _answer(
        self, request: BaseHTTPRequestHandler, path: str, query: dict[str, str], body: bytes
    ) -> tuple[int, str, bytes]:
        method, headers = request.command, request.headers
        self.requests.append(f"{method} {path}")
        try:
            if self.token and headers.get("Authorization") != f"Bearer {self.token}":
                raise RefusedError(401, "Request not authenticated")
            if self.cookies and headers.get("Cookie") != self.cookies:
                raise RefusedError(401, "Request not authenticated")
            status, answer = (
                200,
                self._route(method, unquote(path), query, body, headers),
            )
        except RefusedError as refusal:
            status, answer = (
                refusal.status,
                {"error": str(refusal), "code": 3, "message": str(refusal)},
            )
        if path.endswith("/log") and status == 200:
            return status, "text/plain", answer["text"].encode()
        return status, "application/json", json.dumps(answer).encode()

    def _route(
        self, method: str, path: str, query: dict[str, str], body: bytes, headers: Message
    ) -> dict[str, Any]:
        match (method, *path.removeprefix("/apis/").split("/")):
            case ("GET", "v2beta1", "healthz"):
                return {"multi_user": self.multi_user}
            case ("GET", "v1alpha1", "runs", run_id, "nodes", node, "log"):
                return self._log(run_id, node)
            case (_, "v2beta1", "pipelines", *rest):
                return self._pipelines(method, rest, query, body, headers)
            case ("GET", "v2beta1", "experiments"):
                self._check_namespace(query.get("namespace", ""))
                return {"experiments": _filtered(self.experiments, query)}
            case ("POST", "v2beta1", "experiments"):
                return self._create_experiment(_checked("V2beta1Experiment", body))
            case ("POST", "v2beta1", "runs"):
                return self._create_run(_checked("V2beta1Run", body))
            case ("GET", "v2beta1", "runs", run_id):
                return self._go_on(run_id)
            case (_, "v2beta1", "recurringruns", *rest):
                return self._schedules(method, rest, query, body)
        raise RefusedError(404, f"Not Found: {method} {path}")

    def _pipelines(
        self, method: str, path: list[str], query: dict[str, str], body: bytes, headers: Message
    ) -> dict[str, Any]:
        match (method, *path):
            case ("POST",):
                return self._create_pipeline(_checked("V2beta1Pipeline", body))
            case ("POST", "upload_version"):
                return self._upload_version(
                    query["pipelineid"], query.get("name", ""), _file(headers, body)
                )
            case ("GET",):
                self._check_namespace(query.get("namespace", ""))
                return {"pipelines": _filtered(self.pipelines, query)}
            case ("GET", pipeline_id, "versions", *version_id):
                if pipeline_id not in self.pipelines:
                    raise RefusedError(404, f"Pipeline {pipeline_id} not found")
                found = [one for one in self.versions.values() if one["pipeline_id"] == pipeline_id]
                newest_last = sorted(found, key=lambda one: one["created_at"])
                if version_id:
                    named = [one for one in found if one["pipeline_version_id"] == version_id[0]]
                    if not named:
                        raise RefusedError(404, "Pipeline version not found")
                    return named[0]
                backwards = "desc" in query.get("sort_by", "")
                return {"pipeline_versions": newest_last[:: -1 if backwards else 1]}
        raise RefusedError(404, f"Not Found: {method} {path}")

    def _schedules(
        self, method: str, path: list[str], query: dict[str, str], body: bytes
    ) -> dict[str, Any]:
        match (method, *path):
            case ("POST",):
                return self._create_schedule(_checked("V2beta1RecurringRun", body))
            case ("GET",):
                if "experiment_id" not in query:
                    self._check_namespace(query.get("namespace", ""))
                found = [
                    one
                    for one in self.schedules.values()
                    if query.get("experiment_id", one["experiment_id"]) == one["experiment_id"]
                ]
                return {"recurringRuns": found}
            case ("DELETE", schedule_id) if schedule_id in self.schedules:
                del self.schedules[schedule_id]
                return {}
        raise RefusedError(404, f"Not Found: {method} {path}")

    def _check_namespace(self, namespace: str) -> None:
        if self.multi_user and not namespace:
            raise RefusedError(400, "namespace cannot be empty in the multi-user mode")
        if namespace and not self.multi_user:
            raise RefusedError(400, "In single-user mode, namespace must be empty")

    def _create_pipeline(self, body: dict[str, Any]) -> dict[str, Any]:
        """Create a pipeline without a version."""
        name = body.get("display_name", "")
        self._check_namespace(body.get("namespace", ""))
        if not name or len(name) > 100:
            raise RefusedError(400, "pipeline's name must be given and have at most 100 characters")
        if any(one["display_name"] == name for one in self.pipelines.values()):
            raise RefusedError(409, f"Pipeline name {name} already exists")
        pipeline = {
            **body,
            "pipeline_id": next(self._ids),
            "name": name,
            "created_at": "2026-01-01T00:00:00Z",
        }
        self.pipelines[pipeline["pipeline_id"]] = pipeline
        return pipeline

    def _upload_version(self, pipeline_id: str, name: str, package: bytes) -> dict[str, Any]:
        if pipeline_id not in self.pipelines:
            raise RefusedError(404, f"Pipeline {pipeline_id} not found")
        if not name:
            raise RefusedError(400, "version name must be given")
        if any(
            one["display_name"] == name and one["pipeline_id"] == pipeline_id
            for one in self.versions.values()
        ):
            raise RefusedError(409, f"Pipeline version {name} already exists")
        return self._add_version(pipeline_id, name, _specification(package))

    def _add_version(self, pipeline_id: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        version = {
            "pipeline_id": pipeline_id,
            "pipeline_version_id": next(self._ids),
            "display_name": name,
            "name": name,
            "created_at": f"2026-01-01T00:00:{len(self.versions):02d}Z",
            "pipeline_spec": spec,
        }
        self.versions[version["pipeline_version_id"]] = version
        return version

    def _create_experiment(self, body: dict[str, Any]) -> dict[str, Any]:
        if not body.get("display_name"):
            raise RefusedError(400, "experiment's name must be given")
        self._check_namespace(body.get("namespace", ""))
        if any(one["display_name"] == body["display_name"] for one in self.experiments.values()):
            raise RefusedError(409, f"Experiment {body['display_name']} already exists")
        experiment = {**body, "experiment_id": next(self._ids)}
        self.experiments[experiment["experiment_id"]] = experiment
        return experiment

    def _create_run(self, body: dict[str, Any]) -> dict[str, Any]:
        self._check_run(body)
        run = {
            **body,
            "run_id": next(self._ids),
            "state": "PENDING",
            "created_at": "2026-01-01T00:00:00Z",
        }
        self.runs[run["run_id"]] = run
        return run

    def _create_schedule(self, body: dict[str, Any]) -> dict[str, Any]:
        self._check_run(body)
        cron = body.get("trigger", {}).get("cron_schedule", {}).get("cron", "")
        if not re.fullmatch(r"[\d*/,?LW#A-Z-]+( [\d*/,?LW#A-Z-]+){5}", cron):
            raise RefusedError(400, f"Schedule cron is not supported: {cron}")
        schedule = {**body, "recurring_run_id": next(self._ids), "status": "ENABLED"}
        self.schedules[schedule["recurring_run_id"]] = schedule
        return schedule

    def _check_run(self, body: dict[str, Any]) -> None:
        if not body.get("display_name"):
            raise RefusedError(400, "The job name is empty")
        if body.get("experiment_id") not in self.experiments:
            raise RefusedError(404, "Experiment not found")
        reference = body["pipeline_version_reference"]
        version = self.versions.get(reference["pipeline_version_id"])
        if version is None or version["pipeline_id"] != reference["pipeline_id"]:
            raise RefusedError(404, "Pipeline version not found")
        _check_workspace(version["pipeline_spec"].get("platform_spec", {}))
        spec = version["pipeline_spec"].get("pipeline_spec", version["pipeline_spec"])
        inputs = spec["root"].get("inputDefinitions", {}).get("parameters", {})
        given = body.get("runtime_config", {}).get("parameters", {})
        for name, value in given.items():
            if name not in inputs:
                raise RefusedError(400, f"parameter {name} is not declared in the pipeline")
            kind = inputs[name]["parameterType"]
            if not TYPES[kind](value):
                raise RefusedError(
                    400, f"input parameter {name} requires type {kind}, got {value!r}"
                )
        for name, one in inputs.items():
            if name not in given and "defaultValue" not in one and not one.get("isOptional"):
                raise RefusedError(400, f"input parameter {name} is missing")

    def _go_on(self, run_id: str) -> dict[str, Any]:
        if run_id not in self.runs:
            raise RefusedError(404, f"Run {run_id} not found")
        if self.faults:
            raise RefusedError(self.faults.pop(0), "the server is being restarted")
        run = self.runs[run_id]
        end = "FAILED" if self.failing else "SUCCEEDED"
        run["state"] = {"PENDING": "RUNNING", "RUNNING": end}.get(run["state"], run["state"])
        version = self.versions[run["pipeline_version_reference"]["pipeline_version_id"]]
        spec = version["pipeline_spec"].get("pipeline_spec", version["pipeline_spec"])
        nodes = list(self._nodes(spec["root"]["dag"]["tasks"], ended=run["state"] == end))
        run["run_details"] = {
            "task_details": [
                {"run_id": run_id, "task_id": str(number), "state": "SUCCEEDED", **node}
                for number, node in enumerate(nodes)
            ]
        }
        _check("V2beta1Run", run)
        return run

    def _nodes(self, tasks: dict[str, Any], *, ended: bool) -> Iterator[dict[str, Any]]:
        """Yield the nodes of a workflow; only the first task has been started before its end."""
        yield {"display_name": "stethoscope-x7k2p", "state": "RUNNING"}
        yield {"display_name": "root-driver"}
        yield {"display_name": "root", "state": "RUNNING"}
        for number, (name, task) in enumerate(tasks.items()):
            if number and not ended:
                return
            if f"{name}-driver" in self.failing:
                yield {"display_name": f"{name}-driver", "state": "FAILED"}
                yield {"display_name": name, "state": "SKIPPED"}
                continue
            yield {"display_name": f"{name}-driver"}
            state = "FAILED" if name in self.failing else "SUCCEEDED"
            if not ended:
                state = "RUNNING"
            below = [{"pod_name": f"pod-of-{name}"}]
            yield {"display_name": name, "state": state, "child_tasks": below}
            yield {"display_name": "executor", "state": state}
            if "retryPolicy" in task:
                yield {"display_name": "executor(0)", "state": state}

    def _log(self, run_id: str, node: str) -> dict[str, Any]:
        task = node.removeprefix("pod-of-")
        if run_id not in self.runs or task not in self.failing:
            raise RefusedError(404, "the pod is gone")
        return {"text": self.failing[task]}


def _checked(model: str, body: bytes) -> dict[str, Any]:
    """Parse the body of a request, and check it by the model of kfp_server_api."""
    parsed: dict[str, Any] = json.loads(body)
    _check(model, parsed)
    return parsed


def _check(kind: str, value: Any) -> None:
    """Refuse a value that is not of a type of kfp_server_api's models."""
    if kind.startswith("list["):
        for one in value:
            _check(kind[5:-1], one)
    elif kind.startswith("dict("):
        for one in value.values():
            _check(kind[5:-1].partition(", ")[2], one)
    elif kind in PRIMITIVES:
        if not isinstance(value, PRIMITIVES[kind]):
            raise RefusedError(400, f"{value!r} is not of the type {kind}")
    else:
        model = getattr(kfp_server_api.models, kind)
        if hasattr(model, "allowable_values"):
            if value not in model.allowable_values:
                raise RefusedError(400, f"{value!r} is not one of {model.allowable_values}")
            return
        types = {model.attribute_map[name]: of for name, of in model.openapi_types.items()}
        for name, one in value.items():
            if name not in types:
                raise RefusedError(400, f"unknown field {name!r} in {kind}")
            if not (name in INT64 and isinstance(one, int)):
                _check(types[name], one)


def _check_workspace(platform: dict[str, Any]) -> None:
    """Refuse what GetWorkspacePVC refuses (backend/src/v2/compiler/argocompiler/argo.go)."""
    config = platform.get("platforms", {}).get("kubernetes", {}).get("pipelineConfig", {})
    if workspace := config.get("workspace"):
        claim = workspace.get("kubernetes", {}).get("pvcSpecPatch", {})
        if unknown := claim.keys() - {"accessModes", "storageClassName"}:
            raise RefusedError(400, f"unknown fields in PVC spec patch: {unknown}")
        if not claim.get("accessModes"):
            raise RefusedError(400, "workspace PVC spec must specify accessModes")


def _filtered(table: dict[str, dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    predicates = json.loads(query["filter"])["predicates"] if query.get("filter") else []
    wanted = {one["key"]: one.get("stringValue") or one.get("string_value") for one in predicates}
    return [
        one for one in table.values() if all(one.get(key) == value for key, value in wanted.items())
    ]


def _file(headers: Message, body: bytes) -> bytes:
    message = BytesParser().parsebytes(
        b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body
    )
    [part] = [
        one
        for one in message.get_payload()
        if one.get_param("name", header="Content-Disposition") == "uploadfile"
    ]
    content: bytes = part.get_payload(decode=True)
    return content


def _specification(package: bytes) -> dict[str, Any]:
    """Check both documents to the letter, and give them as the server does."""
    try:
        spec, *rest = yaml.safe_load_all(package)
        json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec(), ignore_unknown_fields=False)
        for platform in rest:
            json_format.ParseDict(
                platform, pipeline_spec_pb2.PlatformSpec(), ignore_unknown_fields=False
            )
    except (yaml.YAMLError, json_format.ParseError, ValueError) as error:
        raise RefusedError(400, f"Invalid input error: {error}") from error
    return {"pipeline_spec": spec, "platform_spec": rest[0]} if rest else spec
