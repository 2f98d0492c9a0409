"""Write the report of a classification run."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.classification.options import CLASSIFICATION


@component(CLASSIFICATION)
def report_classes(
    recordings: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    results: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    plots: dsl.Output[dsl.Artifact],
    **parameters: Any,
) -> None:
    """Write the report of a classifier of labelled sounds.

    Args:
        recordings: Archives of recordings, for the clips that can be played.
        features: Feature store of labelled clips.
        model: Classifier trained on all clips.
        results: Figures and answers of the test.

    Returns:
        page: One self-contained HTML file.
        plots: Its figures as SVG files.
    """
    from pathlib import Path

    from stethoscope.classification.options import CLASSIFICATION
    from stethoscope.classification.report.page import write_class_report
    from stethoscope.datasets.prepare import archives_in
    from stethoscope.kubeflow.warnings import kept_warnings
    from stethoscope.report.common import run_facts

    write_class_report(
        page.path,
        archives=archives_in(Path(recordings.path)),
        features=features.path,
        model=model.path,
        results=results.path,
        warnings=kept_warnings(recordings),
        facts=run_facts(CLASSIFICATION, parameters),
        plots=plots.path,
    )
