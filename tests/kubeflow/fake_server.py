"""A Kubeflow Pipelines server for tests: the part of the v2beta1 REST API that starts runs, with
the checks of the real one.

It refuses what a server refuses: pipelines that are no specification, names that are taken,
parameters that are unknown, missing or of another type, references to what is not there.
"""

import itertools
import json
import math
import re
import threading
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

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
RUN_FIELDS = {
    "display_name",
    "experiment_id",
    "pipeline_version_reference",
    "runtime_config",
    "service_account",
}
RECURRING_FIELDS = RUN_FIELDS | {"trigger", "max_concurrency", "mode", "no_catchup"}


class RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Kubeflow:
    """The server; `runs`, `pipelines` and so on are what it holds. A run goes on by one state
    whenever it is asked for.
    """

    def __init__(self, *, token: str = "") -> None:
        self.token = token
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, dict[str, Any]] = {}
        self.experiments: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.failing_task = ""
        self.requests: list[str] = []
        self._ids = (f"{number:08d}-0000-4000-8000-000000000000" for number in itertools.count(1))
        kubeflow = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kubeflow._answer(self, "GET")

            def do_POST(self) -> None:
                kubeflow._answer(self, "POST")

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.host = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self.requests.append(f"{method} {parts.path}")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        try:
            if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
                raise RefusedError(401, "Request not authenticated")
            status, answer = (
                200,
                self._route(method, unquote(parts.path), query, body, handler.headers),
            )
        except RefusedError as refusal:
            status, answer = (
                refusal.status,
                {"error": str(refusal), "code": 3, "message": str(refusal)},
            )
        text = json.dumps(answer).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def _route(
        self, method: str, path: str, query: dict[str, str], body: bytes, headers: Message
    ) -> dict[str, Any]:
        match (method, *path.removeprefix("/apis/v2beta1/").split("/")):
            case ("GET", "healthz"):
                return {"multi_user": False}
            case ("POST", "pipelines", "upload"):
                return self._upload(query, _file(headers, body))
            case ("POST", "pipelines", "upload_version"):
                return self._upload_version(
                    query["pipelineid"], query.get("name", ""), _file(headers, body)
                )
            case ("GET", "pipelines"):
                return {"pipelines": _filtered(self.pipelines, query)}
            case ("GET", "pipelines", pipeline_id, "versions"):
                if pipeline_id not in self.pipelines:
                    raise RefusedError(404, f"Pipeline {pipeline_id} not found")
                found = [one for one in self.versions.values() if one["pipeline_id"] == pipeline_id]
                return {
                    "pipeline_versions": sorted(
                        found,
                        key=lambda one: one["created_at"],
                        reverse="desc" in query.get("sort_by", ""),
                    )
                }
            case ("GET", "experiments"):
                return {"experiments": _filtered(self.experiments, query)}
            case ("POST", "experiments"):
                return self._create_experiment(json.loads(body))
            case ("POST", "runs"):
                return self._create_run(json.loads(body))
            case ("GET", "runs", run_id):
                return self._go_on(run_id)
            case ("POST", "recurringruns"):
                return self._create_schedule(json.loads(body))
        raise RefusedError(404, f"Not Found: {method} {path}")

    def _upload(self, query: dict[str, str], package: bytes) -> dict[str, Any]:
        name = query.get("name", "")
        if not name or len(name) > 100:
            raise RefusedError(400, "pipeline's name must be given and have at most 100 characters")
        if any(one["display_name"] == name for one in self.pipelines.values()):
            raise RefusedError(409, f"Pipeline name {name} already exists")
        spec = _specification(package)
        pipeline = {
            "pipeline_id": next(self._ids),
            "display_name": name,
            "name": name,
            "created_at": "2026-01-01T00:00:00Z",
        }
        self.pipelines[pipeline["pipeline_id"]] = pipeline
        self._add_version(pipeline["pipeline_id"], name, spec)
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
        if any(one["display_name"] == body["display_name"] for one in self.experiments.values()):
            raise RefusedError(409, f"Experiment {body['display_name']} already exists")
        experiment = {**body, "experiment_id": next(self._ids)}
        self.experiments[experiment["experiment_id"]] = experiment
        return experiment

    def _create_run(self, body: dict[str, Any]) -> dict[str, Any]:
        self._check_run(body, RUN_FIELDS)
        run = {
            **body,
            "run_id": next(self._ids),
            "state": "PENDING",
            "created_at": "2026-01-01T00:00:00Z",
        }
        self.runs[run["run_id"]] = run
        return run

    def _create_schedule(self, body: dict[str, Any]) -> dict[str, Any]:
        self._check_run(body, RECURRING_FIELDS)
        cron = body.get("trigger", {}).get("cron_schedule", {}).get("cron", "")
        if not re.fullmatch(r"[\d*/,?LW#A-Z-]+( [\d*/,?LW#A-Z-]+){5}", cron):
            raise RefusedError(400, f"Schedule cron is not supported: {cron}")
        schedule = {**body, "recurring_run_id": next(self._ids), "status": "ENABLED"}
        self.schedules[schedule["recurring_run_id"]] = schedule
        return schedule

    def _check_run(self, body: dict[str, Any], fields: set[str]) -> None:
        if unknown := set(body) - fields:
            raise RefusedError(400, f"unknown field {unknown}")
        if not body.get("display_name"):
            raise RefusedError(400, "The job name is empty")
        if body.get("experiment_id") not in self.experiments:
            raise RefusedError(404, "Experiment not found")
        reference = body["pipeline_version_reference"]
        version = self.versions.get(reference["pipeline_version_id"])
        if version is None or version["pipeline_id"] != reference["pipeline_id"]:
            raise RefusedError(404, "Pipeline version not found")
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
        run = self.runs[run_id]
        end = "FAILED" if self.failing_task else "SUCCEEDED"
        run["state"] = {"PENDING": "RUNNING", "RUNNING": end}.get(run["state"], run["state"])
        tasks = [{"task_id": "1", "display_name": "Download recordings", "state": "SUCCEEDED"}]
        if run["state"] != "RUNNING":
            tasks.append({"task_id": "2", "display_name": "Train detector", "state": end})
            if self.failing_task:
                tasks[-1]["error"] = {"code": 1, "message": self.failing_task}
        run["run_details"] = {"task_details": tasks}
        return run


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
