"""Warnings of a step, kept with its artifact until the report of the run is written.

A local run reads warnings from what the steps print. The report is written by a step, on a cluster
in a pod of its own, which sees only artifacts.
"""

from typing import Any, Protocol

from stethoscope.progress import given_warnings

_KEY = "warnings"


class Artifact(Protocol):
    """An artifact of KFP: its metadata goes with it to the steps that take it."""

    metadata: dict[str, Any]


def keep_warnings(artifact: Artifact) -> None:
    """Write the warnings of this process into the metadata of an artifact."""
    artifact.metadata[_KEY] = given_warnings()


def kept_warnings(*artifacts: Artifact) -> list[str]:
    """Return the warnings in the metadata of artifacts, each once."""
    texts = [text for artifact in artifacts for text in artifact.metadata.get(_KEY, [])]
    return list(dict.fromkeys(texts))
