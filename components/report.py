"""Tell a person what was found."""

from kfp import dsl

from components import component


@component
def report(
    recordings: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    results: dsl.Input[dsl.Artifact],
    groups: dsl.Input[dsl.Artifact],
    diagnosis: dsl.Input[dsl.Model],
    diagnosed: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    fault_plots: str = "variance,scatter,elbow,map,map3d,distances,table,clips,confusion,curves,probabilities",
    fingerprint: str = "",
):
    """Write the report.

    Args:
        recordings: Archives of recordings, for the clips that can be played.
        features: Feature store.
        model: Fitted detector.
        results: Scores, thresholds and figures of the evaluation.
        groups: Groups of the anomalous clips.
        diagnosis: Classifier of faults.
        diagnosed: Figures of the diagnosis, and its answers.
        fault_plots: What the report shows of faults, separated by commas.
        fingerprint: What the recordings and the code are; part of the cache key.

    Returns:
        page: One self-contained HTML file.
    """
    from pathlib import Path

    from stethoscope.datasets.prepare import archives_in
    from stethoscope.diagnosis.groups import plots_of
    from stethoscope.diagnosis.report.inputs import FaultInputs
    from stethoscope.monitoring.report import write_report

    faults = FaultInputs.read(
        groups=groups.path,
        model=diagnosis.path,
        results=diagnosed.path,
        plots=plots_of(fault_plots),
    )
    write_report(
        page.path,
        archives=archives_in(Path(recordings.path)),
        features=features.path,
        model=model.path,
        results=results.path,
        faults=faults,
    )
    page.metadata["fingerprint"] = fingerprint
