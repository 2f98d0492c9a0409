"""Refuse impossible parameters of the event pipeline, before anything is downloaded."""

from typing import Any

from components import component
from stethoscope.events.options import EVENTS


@component(EVENTS)
def check_events(**parameters: Any) -> str:
    """Check all parameters of the pipeline that detects events, and identify its recordings.

    Returns:
        Output: Fingerprint of the recordings and of the code, by which a download is reused.
    """
    from stethoscope.datasets.download.fingerprint import fingerprint
    from stethoscope.events.options import EVENTS, warn_of_ignored

    EVENTS.check(parameters)
    warn_of_ignored(parameters)
    return fingerprint(
        parameters["dataset_url"],
        md5=parameters["dataset_md5"],
        seed=parameters["seed"],
        background=parameters["event_background"],
    )
