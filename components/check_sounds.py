"""Refuse impossible parameters of the classification pipeline, before anything is downloaded."""

from typing import Any

from components import component
from stethoscope.classification.options import CLASSIFICATION


@component(CLASSIFICATION)
def check_sounds(**parameters: Any) -> None:
    """Check all parameters of the pipeline that classifies sounds."""
    from stethoscope.classification.options import CLASSIFICATION

    CLASSIFICATION.check(parameters)
