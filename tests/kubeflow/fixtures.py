"""A Kubeflow server for the tests of several rooms."""

from collections.abc import Iterator

import pytest

from tests.kubeflow.fake_server import Kubeflow


@pytest.fixture
def kubeflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubeflow]:
    """A server that checks what the real one checks, and an image that it could pull."""
    monkeypatch.setenv("STETHOSCOPE_IMAGE", "registry.example.org/stethoscope-python:0.1.0")
    server = Kubeflow()
    yield server
    server.close()
