"""The report of a classifier: its sections, in one HTML file."""

import os
from collections.abc import Sequence
from pathlib import Path

from stethoscope.classification.report.alterations import alteration_section, altered_groups
from stethoscope.classification.report.inputs import ClassInputs
from stethoscope.classification.report.method import (
    class_settings_section,
    method_section,
    training_section,
)
from stethoscope.classification.report.mistakes import MAX_MISTAKES, mistake_section
from stethoscope.classification.report.overview import class_section, confusion_section, header
from stethoscope.classification.report.sounds import read_clip_sounds
from stethoscope.report.common import skipped_section, warning_section
from stethoscope.report.page import write_page


def write_class_report(
    path: str | os.PathLike[str],
    *,
    archives: Sequence[Path],
    features: str | os.PathLike[str],
    model: str | os.PathLike[str],
    results: str | os.PathLike[str],
    warnings: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
    plots: str | os.PathLike[str] | None = None,
) -> None:
    """Write the report of a classifier of labelled sounds.

    Parameters
    ----------
    path : path
        Written all or nothing.
    archives : sequence of Path
        Archives or folders of the recordings, for what can be played.
    features, model, results : path
        Feature store, model folder and folder of the test.
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
    inputs = ClassInputs.read(features=features, model=model, results=results)
    altered = altered_groups(inputs.store)
    mistakes = [one.index for one in inputs.mistakes[:MAX_MISTAKES]]
    originals = [group[0] for group in altered]
    sounds = read_clip_sounds(archives, inputs.store, [*mistakes, *originals])
    sections = [
        class_section(inputs),
        confusion_section(inputs),
        warning_section(warnings),
        mistake_section(inputs, sounds),
        alteration_section(inputs, altered, sounds),
        training_section(inputs),
        method_section(inputs),
        class_settings_section(inputs),
        skipped_section(inputs.evaluation["skipped"]),
    ]
    write_page(path, header(inputs, facts), sections, plots)
