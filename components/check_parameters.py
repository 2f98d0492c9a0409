"""Refuse impossible parameters of the main pipeline, before anything is downloaded."""

from typing import Any

from components import component
from stethoscope.monitoring.options import MONITORING


@component(MONITORING)
def check_parameters(**parameters: Any) -> None:
    """Check all parameters of the pipeline."""
    from stethoscope.monitoring.options import MONITORING

    MONITORING.check(parameters)
