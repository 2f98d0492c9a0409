"""Refuse impossible parameters of the classification pipeline, before anything is downloaded."""

from typing import Any

from components import component
from stethoscope.classification.options import CLASSIFICATION


@component(CLASSIFICATION)
def check_sounds(**parameters: Any) -> str:
    """Check all parameters of the pipeline that classifies sounds, and identify its recordings.

    Returns:
        Output: Fingerprint of the recordings and of the code, by which a download is reused.
    """
    from stethoscope.classification.options import CLASSIFICATION
    from stethoscope.datasets.download.fingerprint import fingerprint

    CLASSIFICATION.check(parameters)
    return fingerprint(
        parameters["dataset_url"], md5=parameters["dataset_md5"], seed=parameters["seed"]
    )
