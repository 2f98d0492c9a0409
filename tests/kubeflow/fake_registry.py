"""A Model Registry for tests: the part of its REST API that registers models.

Bodies are checked by the models of `mr_openapi`, which are generated from the published OpenAPI
(api/openapi/model-registry.yaml of kubeflow/model-registry); unknown fields are refused.
"""

import itertools
import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import mr_openapi.models
import pydantic

from tests.kubeflow.answering import Answering, RefusedError

ROOT = "/api/model_registry/v1/"


class Registry(Answering):
    """The registry; `models`, `versions` and `artifacts` are what it holds."""

    def __init__(self) -> None:
        self.models: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, dict[str, Any]] = {}
        self.artifacts: dict[str, dict[str, Any]] = {}
        self.refusal: int = 0
        self._ids = map(str, itertools.count(1))
        super().__init__()

    def _answer(
        self, request: BaseHTTPRequestHandler, path: str, query: dict[str, str], body: bytes
    ) -> tuple[int, str, bytes]:
        method = request.command
        try:
            if self.refusal:
                raise RefusedError(self.refusal, "not allowed")
            status, answer = 201 if method == "POST" else 200, {}
            answer = self._route(method, path.removeprefix(ROOT), query, body)
        except RefusedError as refusal:
            status, answer = refusal.status, {"code": "", "message": str(refusal)}
        return status, "application/json", json.dumps(answer).encode()

    def _route(self, method: str, path: str, query: dict[str, str], body: bytes) -> dict[str, Any]:
        match (method, *path.split("/")):
            case ("GET", "registered_models"):
                items = list(self.models.values())
                return {"items": items, "size": len(items), "pageSize": 1, "nextPageToken": ""}
            case ("GET", "registered_model"):
                return _named(self.models, query)
            case ("GET", "model_version"):
                return _named(self.versions, query)
            case ("POST", "registered_models"):
                return self._add(self.models, _checked("RegisteredModelCreate", body))
            case ("POST", "model_versions"):
                parsed = _checked("ModelVersionCreate", body)
                if parsed["registeredModelId"] not in self.models:
                    raise RefusedError(404, "no such model")
                return self._add(self.versions, parsed)
            case ("POST", "registered_models", model_id, "versions") if model_id in self.models:
                return self._add(self.versions, _checked("ModelVersionCreate", body))
            case ("POST", "model_versions", version_id, "artifacts") if version_id in self.versions:
                parsed = _checked("ModelArtifactCreate", body)
                return self._add(self.artifacts, parsed)
        raise RefusedError(404, f"Not Found: {method} {path}")

    def _add(self, table: dict[str, dict[str, Any]], body: dict[str, Any]) -> dict[str, Any]:
        added = {**body, "id": next(self._ids), "createTimeSinceEpoch": "0"}
        table[added["id"]] = added
        return added


def _named(table: dict[str, dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    for one in table.values():
        parent = query.get("parentResourceId", one.get("registeredModelId"))
        if one["name"] == query["name"] and one.get("registeredModelId") == parent:
            return one
    raise RefusedError(404, f"{query} not found")


def _checked(model: str, body: bytes) -> dict[str, Any]:
    """Parse the body of a request, and check it by the model of the published API."""
    parsed: dict[str, Any] = json.loads(body)
    kind = getattr(mr_openapi.models, model)
    known = {field.alias or name for name, field in kind.model_fields.items()}
    if unknown := set(parsed) - known:
        raise RefusedError(400, f"unknown fields {unknown}")
    try:
        kind.model_validate(parsed)
    except pydantic.ValidationError as error:
        raise RefusedError(400, str(error)) from error
    return parsed
