from types import SimpleNamespace
from typing import Any

import pytest

from stethoscope import progress
from stethoscope.kubeflow.warnings import keep_warnings, kept_warnings
from stethoscope.progress import warn


@pytest.fixture(autouse=True)
def a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_given_warnings", [])


def artifact(**metadata: Any) -> SimpleNamespace:
    return SimpleNamespace(metadata=metadata)


def test_artifact_keeps_each_warning_of_its_step_once() -> None:
    kept = artifact(fingerprint="x")
    for text in ("one\nthing", "another", "one thing"):
        warn(text)
    keep_warnings(kept)
    assert kept.metadata == {"fingerprint": "x", "warnings": ["one thing", "another"]}


def test_warnings_of_several_artifacts_are_joined_without_repeats() -> None:
    artifacts = [artifact(warnings=["a", "b"]), artifact(), artifact(warnings=["b", "c"])]
    assert kept_warnings(*artifacts) == ["a", "b", "c"]
