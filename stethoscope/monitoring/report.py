"""The report of the main pipeline: detection and diagnosis, in one HTML file."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from stethoscope.detection.report.bands import band_section
from stethoscope.detection.report.clip_map import map_section
from stethoscope.detection.report.clips import clip_section
from stethoscope.detection.report.contributions import profiles
from stethoscope.detection.report.curves import curve_section
from stethoscope.detection.report.distributions import distribution_section
from stethoscope.detection.report.inputs import DetectionInputs
from stethoscope.detection.report.machines import breakdown_section, machine_section
from stethoscope.detection.report.notes import (
    detector_settings_section,
    loss_section,
    warning_texts,
)
from stethoscope.detection.report.overview import header
from stethoscope.detection.report.sessions import session_section
from stethoscope.detection.report.unlike import unlike_section
from stethoscope.diagnosis.report.inputs import FaultInputs
from stethoscope.diagnosis.report.sections import fault_sections
from stethoscope.report.common import skipped_section, warning_section
from stethoscope.report.page import write_page


def write_report(
    path: str | os.PathLike[str],
    *,
    archives: Sequence[Path],
    features: str | os.PathLike[str],
    model: str | os.PathLike[str],
    results: str | os.PathLike[str],
    faults: FaultInputs | None = None,
    warnings: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
    plots: str | os.PathLike[str] | None = None,
) -> None:
    """Write the report of an evaluation.

    Parameters
    ----------
    path : path
        Written all or nothing.
    archives : sequence of Path
        Archives of the recordings that can be played, of which the first channel is.
    features, model, results : path
        Folders of the feature store, the model and the evaluation.
    faults : FaultInputs, optional
        Of the diagnosis.
    warnings : sequence of str
        Warnings of the steps before the evaluation.
    facts : sequence of (str, str)
        Of the run, by :func:`~stethoscope.report.common.run_facts`.
    plots : path, optional
        New folder for the figures as SVG files.

    Raises
    ------
    ModelError, DatasetError
        If one of the folders is incomplete.
    """
    inputs = DetectionInputs.read(features=features, model=model, results=results)
    sections = [
        machine_section(inputs),
        breakdown_section(inputs),
        warning_section([*warnings, *warning_texts(inputs)]),
        partial(clip_section, inputs, archives),
        *(fault_sections(inputs, faults, archives) if faults else []),
        distribution_section(inputs),
        band_section(inputs, profiles(inputs)),
        session_section(inputs),
        curve_section(inputs),
        map_section(inputs),
        loss_section(inputs),
        detector_settings_section(inputs),
        unlike_section(inputs),
        skipped_section(inputs.skipped),
    ]
    write_page(path, header(inputs, facts), sections, plots)
