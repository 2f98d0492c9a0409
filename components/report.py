"""Write the report of a run."""

from typing import Any

from kfp import dsl

from components import component
from stethoscope.monitoring.options import MONITORING


@component(MONITORING)
def report(
    clips: dsl.Input[dsl.Dataset],
    sounds: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    results: dsl.Input[dsl.Artifact],
    groups: dsl.Input[dsl.Artifact],
    diagnosis: dsl.Input[dsl.Model],
    diagnosed: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    plots: dsl.Output[dsl.Artifact],
    **parameters: Any,
) -> None:
    """Write the report.

    Args:
        clips: Table of the clips.
        sounds: Archives of the recordings that can be played.
        features: Feature store.
        model: Fitted detector.
        results: Scores, thresholds and figures of the evaluation.
        groups: Groups of the anomalous clips.
        diagnosis: Classifier of faults.
        diagnosed: Figures and answers of the diagnosis.

    Returns:
        page: One self-contained HTML file.
        plots: Its figures as SVG files.
    """
    from pathlib import Path

    from stethoscope.datasets.prepare import archives_in
    from stethoscope.diagnosis.options import FAULT_PLOTS
    from stethoscope.diagnosis.report.inputs import FaultInputs
    from stethoscope.kubeflow.warnings import kept_warnings
    from stethoscope.monitoring.options import MONITORING
    from stethoscope.monitoring.report import write_report
    from stethoscope.report.common import run_facts

    faults = FaultInputs.read(
        groups=groups.path,
        model=diagnosis.path,
        results=diagnosed.path,
        plots=FAULT_PLOTS.of(parameters),
    )
    write_report(
        page.path,
        archives=archives_in(Path(sounds.path)),
        features=features.path,
        model=model.path,
        results=results.path,
        faults=faults,
        warnings=kept_warnings(clips, features, model, groups, diagnosis),
        facts=run_facts(MONITORING, parameters),
        plots=plots.path,
    )
