"""Refuse impossible parameters of the event pipeline, before anything is downloaded."""

from typing import Any

from components import component
from stethoscope.events.options import EVENTS


@component(EVENTS)
def check_events(**parameters: Any) -> None:
    """Check all parameters of the pipeline that detects events."""
    from stethoscope.events.options import EVENTS

    EVENTS.check(parameters)
