"""Last step: offer the bundle to those who deploy it, if the parameters ask for it."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.monitoring.publish import PUBLISH


@component(PUBLISH)
def register_model(
    bundle: dsl.Input[dsl.Model],
    serving: dsl.Output[dsl.Artifact],
    fingerprint: str,
    **parameters: Any,
) -> None:
    """Register the bundle in Kubeflow's Model Registry, and write a manifest of KServe.

    Args:
        bundle: The exported model.
        fingerprint: Identifies the recordings and the code.

    Returns:
        serving: What was registered, and the manifest; neither if no parameter asks for it.
    """
    from pathlib import Path

    from stethoscope.monitoring.publish import publish

    publish(Path(bundle.path), bundle.uri, parameters, Path(serving.path), fingerprint=fingerprint)
