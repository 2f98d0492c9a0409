"""Refuse impossible parameters of the main pipeline, before anything is downloaded."""

from typing import Any

from components import component
from stethoscope.monitoring.options import MONITORING


@component(MONITORING)
def check_parameters(**parameters: Any) -> str:
    """Check all parameters of the pipeline, and identify its recordings.

    Returns:
        Output: Fingerprint of the recordings and of the code, by which a download is reused.
    """
    from stethoscope.datasets.download.fingerprint import fingerprint
    from stethoscope.monitoring.options import MONITORING

    MONITORING.check(parameters)
    return fingerprint(
        parameters["dataset_url"], md5=parameters["dataset_md5"], seed=parameters["seed"]
    )
