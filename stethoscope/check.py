"""Refuse impossible parameters of the main pipeline before anything is downloaded."""

from collections.abc import Callable
from typing import Any

from stethoscope.datasets.download import check_address, split_addresses
from stethoscope.datasets.layouts import LAYOUTS
from stethoscope.detectors.options import DetectorOptions, FitOptions, check_context
from stethoscope.errors import DatasetError, DownloadError, ParameterError, refuse
from stethoscope.export import check_formats
from stethoscope.features.logmel import LogMel
from stethoscope.metrics import check_max_fpr
from stethoscope.thresholds import fit_thresholds


def check_detection(
    *,
    dataset_url: str,
    dataset_layout: str,
    dataset_md5: str,
    max_fpr: float,
    false_alarm_rate: float,
    threshold: str,
    context: int,
    export_formats: str,
    feature: dict[str, Any],
    detector: dict[str, Any],
    fit: dict[str, Any],
) -> None:
    """Check all parameters of the main pipeline; every range stays where the parameter is used, and is tried there.

    Parameters
    ----------
    dataset_url, dataset_layout, dataset_md5, max_fpr, export_formats
        As the pipeline's.
    false_alarm_rate, threshold, context
        The pipeline's ``detector_false_alarm_rate``, ``detector_threshold`` and ``feature_frames``.
    feature, detector, fit : dict
        Fields of :class:`~stethoscope.features.logmel.LogMel`, :class:`~stethoscope.detectors.options.DetectorOptions` and
        :class:`~stethoscope.detectors.options.FitOptions`.

    Raises
    ------
    ParameterError
        With all problems in one message.
    """
    problems: list[str] = []

    def attempt(check: Callable[..., object], *arguments: object, **named: object) -> None:
        try:
            check(*arguments, **named)
        except (ParameterError, DownloadError, DatasetError) as error:
            problems.append(str(error))

    attempt(_check_dataset, dataset_url, dataset_md5)
    if dataset_layout not in ("auto", *LAYOUTS):
        problems.append(f"dataset_layout is {dataset_layout!r}; choose auto, {', '.join(LAYOUTS)}")
    attempt(LogMel, **feature)
    attempt(_check_detector, detector, context)
    attempt(FitOptions, **fit)
    attempt(fit_thresholds, {"": (0.0, 1.0)}, {}, false_alarm_rate=false_alarm_rate, method=threshold)  # the smallest case
    attempt(check_max_fpr, max_fpr)
    attempt(check_formats, export_formats)
    refuse(problems)


def _check_detector(detector: dict[str, Any], context: int) -> None:
    check_context(context, predicts_middle="interpolation" in DetectorOptions(**detector).kinds)


def _check_dataset(dataset_url: str, md5: str) -> None:
    for address, _ in split_addresses(dataset_url, md5):
        check_address(address)
