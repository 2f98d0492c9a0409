"""Refuse impossible parameters of the main pipeline, before anything is downloaded."""

from typing import Any, NamedTuple

from components import component
from stethoscope.monitoring.options import MONITORING


@component(MONITORING)
def check_parameters(
    **parameters: Any,
) -> NamedTuple(  # type: ignore[valid-type]  # KFP reads the names of the outputs here
    "Checked", [("fingerprint", str), ("needs_samples", bool), ("diagnoses", bool)]
):
    """Check all parameters of the pipeline, and identify its recordings.

    Returns:
        fingerprint: Fingerprint of the recordings and of the code, by which a download is reused.
        needs_samples: Whether the detector needs the samples of the recordings.
        diagnoses: Whether faults are diagnosed.
    """
    from stethoscope.datasets.download.fingerprint import fingerprint
    from stethoscope.detection.options import DETECTOR
    from stethoscope.monitoring.options import MONITORING

    MONITORING.check(parameters)
    identity = fingerprint(
        parameters["dataset_url"], md5=parameters["dataset_md5"], seed=parameters["seed"]
    )
    return identity, DETECTOR.of(parameters).needs_samples, parameters["fault_groups"] != 0
