"""The report of an event detector: its sections, in one HTML file."""

import os
from collections.abc import Sequence
from pathlib import Path

from stethoscope.events.report.errors import error_section
from stethoscope.events.report.figures import figure_section, header
from stethoscope.events.report.inputs import EventInputs
from stethoscope.events.report.network import event_settings_section, network_section
from stethoscope.events.report.recordings import division_section, recording_section
from stethoscope.report.common import skipped_section, warning_section
from stethoscope.report.html import tag
from stethoscope.report.page import Section, section, write_page
from stethoscope.report.training import training_charts


def write_event_report(
    path: str | os.PathLike[str],
    *,
    archives: Sequence[Path],
    features: str | os.PathLike[str],
    clips: str | os.PathLike[str],
    model: str | os.PathLike[str],
    results: str | os.PathLike[str],
    warnings: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
    plots: str | os.PathLike[str] | None = None,
) -> None:
    """Write the report of an event detector.

    Parameters
    ----------
    path : path
        Written all or nothing.
    archives : sequence of Path
        Archives or folders of the recordings, for what can be played.
    features, clips, model, results : path
        Feature store, table of clips, model folder and folder of the evaluation.
    warnings : sequence of str
        Warnings of the steps before the evaluation.
    facts : sequence of (str, str)
        Of the run, by :func:`~stethoscope.report.common.run_facts`.
    plots : path, optional
        New folder for the figures as SVG files.

    Raises
    ------
    ModelError, DatasetError
        If one of them is incomplete.
    """
    inputs = EventInputs.read(features=features, clips=clips, model=model, results=results)
    sections = [
        figure_section(inputs),
        warning_section(warnings),
        error_section(inputs, archives),
        recording_section(inputs),
        division_section(inputs),
        training_section(inputs),
        network_section(inputs),
        event_settings_section(inputs),
        skipped_section(inputs.evaluation["skipped"]),
    ]
    write_page(path, header(inputs, facts), sections, plots)


def training_section(inputs: EventInputs) -> Section:
    """Return the training curves."""
    curves, best = inputs.training["curves"], inputs.training["best_epoch"]
    text = f"The weights of epoch {best}, which has the lowest validation loss, are kept."
    return section(
        "training", "Training curves", tag("p", text), training_charts(curves, best), folded=True
    )
