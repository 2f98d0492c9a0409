"""Refuse impossible parameters of a pipeline before anything is downloaded."""

from collections.abc import Callable
from functools import partial
from typing import Any

from stethoscope.bundle.formats import check_formats
from stethoscope.classification.evaluate import feature_of
from stethoscope.classification.folds import check_folds
from stethoscope.classification.options import ClassFit, check_test_split, whole_numbers
from stethoscope.datasets.alterations import alterations_of, altered
from stethoscope.datasets.download.addresses import check_address, split_addresses
from stethoscope.datasets.layouts import LAYOUTS
from stethoscope.detection.metrics import check_max_fpr
from stethoscope.detection.options import DetectorOptions, FitOptions, check_context
from stethoscope.detection.thresholds import fit_thresholds
from stethoscope.diagnosis.groups import FaultOptions, names_of, plots_of
from stethoscope.errors import DatasetError, DownloadError, ParameterError, refuse
from stethoscope.events.options import event_fit
from stethoscope.model.int8 import check_max_drop
from stethoscope.sound.bands import BandSpectrum
from stethoscope.sound.logmel import LogMel
from stethoscope.sound.mfcc import Mfcc


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
    fault: dict[str, Any],
    cepstra: dict[str, Any],
    classes: dict[str, Any],
) -> None:
    """Check all parameters of the main pipeline; every range stays where the parameter is used, and
    is tried there.

    Parameters
    ----------
    dataset_url, dataset_layout, dataset_md5, max_fpr, export_formats
        As the pipeline's.
    false_alarm_rate, threshold, context
        The pipeline's ``detector_false_alarm_rate``, ``detector_threshold`` and ``feature_frames``.
    feature, detector, fit : dict
        Fields of :class:`~stethoscope.sound.logmel.LogMel`,
        :class:`~stethoscope.detection.options.DetectorOptions` and
        :class:`~stethoscope.detection.options.FitOptions`.
    fault, cepstra, classes : dict
        Of the diagnosis: fields of :class:`~stethoscope.diagnosis.groups.FaultOptions`, with
        ``names``, ``plots`` and ``holdout_id`` as texts; of :class:`~stethoscope.sound.mfcc.Mfcc`;
        of :class:`~stethoscope.classification.options.ClassFit`, with ``filters`` and
        ``augmentations`` as texts, and ``test_split``.

    Raises
    ------
    ParameterError
        With all problems in one message.
    """
    problems: list[str] = []
    attempt = partial(_attempt, problems)
    attempt(_check_dataset, dataset_url, dataset_layout, dataset_md5)
    attempt(LogMel, **feature)
    attempt(_check_detector, detector, context)
    attempt(FitOptions, **fit)
    attempt(
        fit_thresholds, {"": (0.0, 1.0)}, {}, false_alarm_rate=false_alarm_rate, method=threshold
    )  # the smallest case
    attempt(check_max_fpr, max_fpr)
    attempt(check_formats, export_formats)
    attempt(_check_faults, **fault)
    attempt(Mfcc, **cepstra)
    attempt(_check_classes, **classes)
    refuse(problems)


def _check_faults(
    *, names: str = "", plots: str = "", holdout_id: str = "", **options: Any
) -> None:
    FaultOptions(names=names_of(names), **options)
    plots_of(plots)
    if "," in holdout_id:
        raise ParameterError(
            f"fault_holdout_id is {holdout_id!r}; name one machine id, such as 06 or fan/06"
        )


def _check_classes(
    *, filters: str = "16", augmentations: str = "", test_split: float = 0.2, **options: Any
) -> None:
    _fit_of(network="mfcc-cnn", filters=filters, **options)
    altered([], alterations_of(augmentations))
    check_test_split(test_split)


def _check_detector(detector: dict[str, Any], context: int) -> None:
    check_context(context, predicts_middle="interpolation" in DetectorOptions(**detector).kinds)


def check_sounds(
    *,
    dataset_url: str,
    dataset_layout: str,
    dataset_md5: str,
    feature: dict[str, Any],
    fit: dict[str, Any],
    augmentations: str,
    folds: int,
) -> None:
    """Check all parameters of the sound-classification pipeline, as :func:`check_detection` does
    those of the main one.

    Parameters
    ----------
    dataset_url, dataset_layout, dataset_md5
        As the pipeline's.
    feature : dict
        Parameters of :func:`stethoscope.classification.evaluate.feature_of`.
    fit : dict
        Fields of :class:`~stethoscope.classification.options.ClassFit`, with ``filters`` as text.
    augmentations, folds
        The pipeline's ``class_augmentations`` and ``class_folds``.

    Raises
    ------
    ParameterError
        With all problems in one message.
    """
    problems: list[str] = []
    attempt = partial(_attempt, problems)
    attempt(_check_dataset, dataset_url, dataset_layout, dataset_md5)
    attempt(feature_of, **feature)
    attempt(_fit_of, **fit)
    attempt(altered, [], alterations_of(augmentations))
    attempt(check_folds, folds)
    refuse(problems)


def check_events(
    *,
    dataset_url: str,
    dataset_layout: str,
    dataset_md5: str,
    feature: dict[str, Any],
    fit: dict[str, Any],
    max_drop: float,
) -> None:
    """Check all parameters of the event-detection pipeline, as :func:`check_detection` does those
    of the main one.

    Parameters
    ----------
    dataset_url, dataset_layout, dataset_md5
        As the pipeline's.
    feature : dict
        Fields of :class:`~stethoscope.sound.bands.BandSpectrum`.
    fit : dict
        Fields of :class:`~stethoscope.events.options.EventFit`, with ``filters`` and ``strides`` as
        texts.
    max_drop : float
        The pipeline's ``export_max_drop``.

    Raises
    ------
    ParameterError
        With all problems in one message.
    """
    problems: list[str] = []
    attempt = partial(_attempt, problems)
    attempt(_check_dataset, dataset_url, dataset_layout, dataset_md5)
    attempt(BandSpectrum, **feature)
    attempt(_check_event_fit, **fit)
    attempt(check_max_drop, max_drop)
    refuse(problems)


def _check_event_fit(*, filters: str = "8,8", strides: str = "1", **options: Any) -> None:
    problems: list[str] = []
    for text, name in ((filters, "event_filters"), (strides, "event_strides")):
        _attempt(problems, whole_numbers, text, name)
    lists = {} if problems else {"filters": filters, "strides": strides}
    _attempt(problems, event_fit, **lists, **options)
    refuse(problems)


def _attempt(
    problems: list[str], check: Callable[..., object], *arguments: object, **named: object
) -> None:
    try:
        check(*arguments, **named)
    except (ParameterError, DownloadError, DatasetError) as error:
        problems.append(str(error))


def _fit_of(*, filters: str, **options: Any) -> ClassFit:
    return ClassFit(filters=whole_numbers(filters, "class_filters"), **options)


def _check_dataset(dataset_url: str, layout: str, md5: str) -> None:
    problems: list[str] = []
    _attempt(problems, _check_addresses, dataset_url, md5)
    if layout not in ("auto", *LAYOUTS):
        problems.append(f"dataset_layout is {layout!r}; choose auto, {', '.join(LAYOUTS)}")
    refuse(problems)


def _check_addresses(dataset_url: str, md5: str) -> None:
    for address, _ in split_addresses(dataset_url, md5):
        check_address(address)
