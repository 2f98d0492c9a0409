"""A Kubeflow server for the tests of several rooms."""

from collections.abc import Iterator

import pytest

from tests.kubeflow.fake_server import Kubeflow


@pytest.fixture
def kubeflow() -> Iterator[Kubeflow]:
    """A server that checks what the real one checks."""
    server = Kubeflow()
    yield server
    server.close()
